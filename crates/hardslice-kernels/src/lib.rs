//! The few operations that decide the speed on a CPU, as a Burn backend extension.

//! The option that says what to compute on, for all commands that run nets.

use burn::tensor::Device;
use clap::Args;
use hardslice_train::{ComputeDevice, DeviceError};

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct DeviceArg {
    /// What to compute on: cpu; reference (the CPU without this program's own kernels, slowly); or
    /// a card through vulkan, wgpu, metal or cuda (cuda:1 is the second), where built in.
    #[arg(long, value_name = "DEVICE", default_value_t)]
    device: ComputeDevice,
}

impl DeviceArg {
    /// Opens it for the rest of the process.
    pub(crate) fn open(self) -> Result<Device, DeviceError> {
        self.device.open()
    }

    /// As on the command line.
    pub(crate) fn name(self) -> String {
        self.device.to_string()
    }
}

//! Nets, losses, schedule, the training loop, mining, prediction.

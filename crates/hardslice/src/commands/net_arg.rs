//! The option that chooses a net.

use clap::ValueEnum;
use hardslice_train::net::NetKind;

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum NetArg {
    /// 2D U-Net.
    Unet,
    /// FCN-8s on VGG-16.
    #[value(alias = "fcn8s")]
    Fcn,
}

impl NetArg {
    /// As on the command line.
    pub(crate) fn as_given(self) -> String {
        let value = self.to_possible_value();
        let value = value.expect("no net is hidden from the command line");
        value.get_name().to_owned()
    }

    pub(crate) fn kind(self) -> NetKind {
        match self {
            Self::Unet => NetKind::UNet,
            Self::Fcn => NetKind::Fcn8s,
        }
    }
}

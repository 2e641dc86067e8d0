//! `hardslice nnunet`: where nnU-Net finds our trainer.

use std::path::Path;

use anyhow::anyhow;
use clap::Args;

use crate::bars::Bars;
use crate::done::Done;

/// What the help says below the options.
const WAY: &str = "\
export nnUNet_extTrainer=$(hardslice nnunet --trainer-dir)
export HARDSLICE_PLAN=mined/mining/plan.csv
nnUNetv2_train 500 2d 0 -tr nnUNetTrainerHardSlice

docs/nnunet.md tells the whole way.";

/// Where nnU-Net finds `nnUNetTrainerHardSlice`, which draws slices as a plan weighs them.
///
/// The trainer comes with the Python wheel, which has to be installed beside nnU-Net (2.8 or newer; in
/// 2.6 and 2.7 copy the trainer's file into nnunetv2/training/nnUNetTrainer).
#[derive(Debug, Args)]
#[command(after_long_help = WAY)]
pub(crate) struct Nnunet {
    /// Print the trainer's folder.
    #[arg(long, required = true)]
    trainer_dir: bool,
}

impl Nnunet {
    /// `package` is the folder of the Python package that runs the program, where one does.
    pub(crate) fn run(self, bars: &Bars, package: Option<&Path>) -> anyhow::Result<Done> {
        let Self { trainer_dir: _ } = self;
        let package = package.ok_or_else(|| {
            anyhow!(
                "the trainer comes with the Python wheel, and this program was built without: install \
                 the wheel in nnU-Net's environment (`maturin build`, `pip install`), and run the \
                 `hardslice` that it brings"
            )
        })?;
        let dir = package.join("nnunet").join("trainer");
        if !dir.join("nnUNetTrainerHardSlice.py").is_file() {
            return Err(anyhow!(
                "the trainer is not in the installed package, install the wheel anew: {}",
                dir.display()
            ));
        }
        bars.print(&dir.display().to_string())?;
        Ok(Done::Clean)
    }
}

//! The options that say what to compute on, for all commands that run nets.

use anyhow::{Context, anyhow};
use burn::tensor::Device;
use clap::Args;
use hardslice_kernels::force_instruction_set;
use hardslice_train::{ComputeDevice, arithmetic};

use crate::experiment::Experiment;
use crate::job_folder::JobsRecord;
use crate::layout::OutDir;

#[derive(Debug, Clone, Args)]
pub(crate) struct DeviceArg {
    /// What to compute on: cpu; reference (the CPU without this program's own kernels, slowly); or
    /// a card through vulkan, wgpu, metal or cuda (cuda:1 is the second), where built in.
    #[arg(long, value_name = "DEVICE", default_value_t)]
    device: ComputeDevice,
    /// Compute on this instruction set of the processor and on no other: avx512+amx, avx512+bf16,
    /// avx512, avx2+fma or portable; the best one when absent. Sets round differently: where several
    /// machines work on one experiment, name one that all of them have. It is part of what a training
    /// is known by, so later commands on the same folder need it, too; `instructions` in the
    /// experiment's file does the same.
    #[arg(long, value_name = "SET")]
    instructions: Option<String>,
}

impl DeviceArg {
    /// Opens it for the rest of the process.
    pub(crate) fn open(&self) -> anyhow::Result<Device> {
        self.opened(self.instructions.as_deref())
    }

    /// Opens it for the rest of the process, on the instruction set that the experiment names. One on
    /// the command line becomes the experiment's.
    pub(crate) fn open_for(&self, experiment: &mut Experiment) -> anyhow::Result<Device> {
        if self.instructions.is_some() {
            experiment.instructions.clone_from(&self.instructions);
        }
        self.opened(experiment.instructions.as_deref())
    }

    /// As [`open_for`](Self::open_for), on the instruction set of the jobs that were written in a
    /// folder, where there are any.
    pub(crate) fn open_in(
        &self,
        experiment: &mut Experiment,
        out: &OutDir,
    ) -> anyhow::Result<Device> {
        let jobs = JobsRecord::read(&out.jobs())?;
        if let Some(jobs) = &jobs
            && jobs.is_fixed
            && self.instructions.is_none()
        {
            experiment.instructions = Some(jobs.instructions.clone());
        }
        let device = self.open_for(experiment)?;
        if let Some(jobs) = jobs
            && arithmetic(&device) != jobs.instructions
            && experiment.instructions.is_none()
        {
            self.pin(&jobs.instructions).with_context(|| {
                format!(
                    "the jobs in this folder were written to compute on {}",
                    jobs.instructions
                )
            })?;
        }
        Ok(device)
    }

    fn opened(&self, instructions: Option<&str>) -> anyhow::Result<Device> {
        let device = self.device.open()?;
        if let Some(name) = instructions {
            self.pin(name)?;
        }
        Ok(device)
    }

    /// Computes on this instruction set from now on.
    pub(crate) fn pin(&self, name: &str) -> anyhow::Result<()> {
        if self.device != ComputeDevice::default() {
            return Err(anyhow!(
                "the instruction set `{name}` is one of the processor, and --device {} computes with \
                 operations of its own: leave one of them out",
                self.device
            ));
        }
        force_instruction_set(name).with_context(|| {
            format!(
                "this machine cannot compute on the instruction set `{name}`: name one that it has, or go \
                 on with work that was begun on that set where there is such a processor"
            )
        })
    }

    /// The options as on the command line.
    pub(crate) fn as_given(&self) -> Vec<String> {
        let instructions = self.instructions.iter();
        let instructions =
            instructions.flat_map(|name| ["--instructions".to_owned(), name.clone()]);
        let device = ["--device".to_owned(), self.device.to_string()];
        device.into_iter().chain(instructions).collect()
    }
}

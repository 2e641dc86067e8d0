//! `hardslice bench`: how fast this machine is.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use hardslice_data::store::Store;
use hardslice_train::bench::{
    Effort, LoopMeasured, LoopPlace, Measured, Mode, Prepared, Size, Workload, measure_loop,
    n_loop_steps,
};
use hardslice_train::net::Dtype;
use serde::Serialize;
use serde_json::Value;

use super::device_arg::DeviceArg;
use super::net_arg::NetArg;
use crate::bars::{Bars, wall_time_s};
use crate::done::Done;
use crate::peak_memory::peak_rss_mb;

/// Measure this machine: slices a second and memory, in training and in prediction.
///
/// Runs the real nets and the real training step on slices made up for it. Sizes: U-Net a (width
/// 16, 16 slices of 128 pixels at once), b (32, 4 of 256), c (64, 2 of 256); FCN-8s a (16, 8 of
/// 128), b (32, 2 of 256). Net, size and mode given, it measures that one; else each of a small
/// table, in a process of its own, in a few minutes.
///
/// The peak is what the same threads reach in multiply-adds alone. The share of it counts every
/// convolution as if computed directly; one that saves multiplications can exceed it.
///
/// An experiment of N steps takes about N times the batch over slices a second, and validation,
/// mining and evaluation predict on top. With `--loop STORE` it measures how close a whole training
/// (store, variations, logs, checkpoints) comes to its bare steps.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Which net; both in the table when absent.
    #[arg(long, value_enum)]
    net: Option<NetArg>,
    /// How large; a and b in the table when absent.
    #[arg(long, value_enum)]
    size: Option<SizeArg>,
    /// Training steps or predictions; both in the table when absent.
    #[arg(long, value_enum)]
    mode: Option<ModeArg>,
    /// How activations are stored.
    #[arg(long, value_enum, default_value = "f32")]
    dtype: DtypeArg,
    /// Steps to measure; the median counts.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Steps before them.
    #[arg(long, default_value_t = 3)]
    warmup: u32,
    /// Seed of weights and slices.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print JSON, one object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArg,
    /// Write weights, slices and settings here, for another program to run the same.
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
    /// Measure the whole training loop on a prepared cohort against its bare steps.
    #[arg(long = "loop", value_name = "STORE", conflicts_with_all = ["mode", "export"])]
    whole_loop: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SizeArg {
    /// As the preset `laptop`.
    A,
    /// As the preset `workstation`.
    B,
    /// The paper's width; U-Net only.
    C,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ModeArg {
    /// Training steps.
    Train,
    /// Predictions.
    Infer,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DtypeArg {
    /// Single precision.
    F32,
    /// 16 bits each; sums and weights stay single precision.
    Bf16,
}

/// What is printed: what was measured, and what of it only the program knows.
#[derive(Debug, Serialize)]
struct Report<M> {
    #[serde(flatten)]
    measured: M,
    /// Most memory of the process, 10⁶ bytes.
    peak_rss_mb: Option<f64>,
    version: &'static str,
}

impl Bench {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        if let Some(store) = &self.whole_loop {
            self.whole_loop(store, bars)?;
        } else if let (Some(net), Some(size), Some(mode)) = (self.net, self.size, self.mode) {
            self.one(self.workload(net, size, mode), bars)?;
        } else {
            self.table(bars)?;
        }
        Ok(Done::Clean)
    }

    fn workload(&self, net: NetArg, size: SizeArg, mode: ModeArg) -> Workload {
        Workload {
            net: net.kind(),
            size: match size {
                SizeArg::A => Size::A,
                SizeArg::B => Size::B,
                SizeArg::C => Size::C,
            },
            mode: match mode {
                ModeArg::Train => Mode::Train,
                ModeArg::Infer => Mode::Infer,
            },
            dtype: match self.dtype {
                DtypeArg::F32 => Dtype::F32,
                DtypeArg::Bf16 => Dtype::Bf16,
            },
        }
    }

    fn effort(&self) -> Effort {
        Effort {
            steps: self.steps as usize,
            warmup: self.warmup as usize,
        }
    }

    fn one(&self, workload: Workload, bars: &Bars) -> anyhow::Result<()> {
        let (effort, device) = (self.effort(), self.device.open()?);
        let n_steps = effort.n_steps() as u64;
        let prepared = Prepared::new(workload, n_steps, self.seed, &device)?;
        if let Some(dir) = &self.export {
            prepared.export(dir)?;
        }
        bars.begin(&name(workload), n_steps, 0);
        let measured = prepared.measure(effort, &device, &|done| bars.advance(done))?;
        bars.end();
        let report = Report::of(measured);
        let text = if self.json {
            serde_json::to_string(&report)?
        } else {
            in_words(&report)
        };
        bars.print(&text)
    }

    /// Each workload in a process of its own, so that its peak memory is its own.
    fn table(&self, bars: &Bars) -> anyhow::Result<()> {
        if self.export.is_some() {
            return Err(anyhow!("--export wants --net, --size and --mode"));
        }
        let rows = self.rows();
        if rows.is_empty() {
            return Err(anyhow!(
                "size c is for U-Net alone: of FCN-8s there are a and b"
            ));
        }
        bars.begin("bench", rows.len() as u64, 0);
        let mut reports = Vec::new();
        for row in rows {
            let line = self.measured_apart(row)?;
            if self.json {
                bars.print(&line)?;
            }
            reports.push(serde_json::from_str::<Value>(&line)?);
            bars.advance(reports.len() as u64);
        }
        bars.end();
        if !self.json {
            bars.print(&as_table(&reports))?;
        }
        Ok(())
    }

    /// What the table holds: everything that the options leave open, sizes a and b.
    fn rows(&self) -> Vec<[&'static str; 3]> {
        let nets = self
            .net
            .map_or(vec![NetArg::Unet, NetArg::Fcn], |net| vec![net]);
        let sizes = self
            .size
            .map_or(vec![SizeArg::A, SizeArg::B], |size| vec![size]);
        let modes = self
            .mode
            .map_or(vec![ModeArg::Train, ModeArg::Infer], |mode| vec![mode]);
        let mut rows = Vec::new();
        for net in nets {
            for size in &sizes {
                for mode in &modes {
                    let workload = self.workload(net, *size, *mode);
                    if workload.dimensions().is_ok() {
                        let (size, mode) = (workload.size.name(), workload.mode.name());
                        rows.push([workload.net_name(), size, mode]);
                    }
                }
            }
        }
        rows
    }

    /// The line of JSON that this program prints for one workload.
    fn measured_apart(&self, [net, size, mode]: [&str; 3]) -> anyhow::Result<String> {
        let numbers = [
            rayon::current_num_threads().to_string(),
            self.steps.to_string(),
            self.warmup.to_string(),
            self.seed.to_string(),
        ];
        let [threads, steps, warmup, seed] = &numbers;
        let dtype = self
            .workload(NetArg::Unet, SizeArg::A, ModeArg::Train)
            .dtype
            .name();
        let output = Command::new(std::env::current_exe()?)
            .args([
                "bench", "--json", "--net", net, "--size", size, "--mode", mode,
            ])
            .args(["--dtype", dtype, "--threads", threads, "--steps", steps])
            .args(["--warmup", warmup, "--seed", seed])
            .args(self.device.as_given())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .output()
            .context("cannot start this program again")?;
        if !output.status.success() {
            return Err(anyhow!("{net} {size} {mode} could not be measured"));
        }
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    fn whole_loop(&self, store: &std::path::Path, bars: &Bars) -> anyhow::Result<()> {
        let net = self.net.unwrap_or(NetArg::Unet);
        let size = self.size.unwrap_or(SizeArg::A);
        let workload = self.workload(net, size, ModeArg::Train);
        let store = Store::open(store)?;
        let dir = tempfile::tempdir().context("cannot make a folder for the trainings")?;
        bars.begin(
            &format!("loop {} {}", workload.net_name(), workload.size.name()),
            n_loop_steps(self.effort()),
            0,
        );
        let place = LoopPlace {
            store: &store,
            dir: dir.path(),
            device: &self.device.open()?,
            wall_time_s,
        };
        let measured = measure_loop(workload, self.effort(), &place, &|done| bars.advance(done))?;
        bars.end();
        let report = Report::of(measured);
        let text = if self.json {
            serde_json::to_string(&report)?
        } else {
            loop_in_words(&report.measured)
        };
        bars.print(&text)
    }
}

impl<M> Report<M> {
    fn of(measured: M) -> Self {
        Self {
            measured,
            peak_rss_mb: peak_rss_mb(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

fn name(workload: Workload) -> String {
    let (size, mode) = (workload.size.name(), workload.mode.name());
    format!(
        "{} {size} {mode} {}",
        workload.net_name(),
        workload.dtype.name()
    )
}

fn in_words(report: &Report<Measured>) -> String {
    let Measured {
        net,
        size,
        mode,
        dtype,
        threads,
        instruction_set,
        slices_per_s,
        median_s,
        gflops,
        ..
    } = &report.measured;
    let share = report
        .measured
        .share_of_peak
        .map_or_else(String::new, |share| {
            format!(" ({:.0} % of the peak)", 100.0 * share)
        });
    let memory = report
        .peak_rss_mb
        .map_or_else(String::new, |mb| format!(", {mb:.0} MB at most"));
    format!(
        "{net} {} {} {}: {slices_per_s:.1} slices/s, {median_s:.4} s a step, \
         {gflops:.0} GFLOP/s{share}{memory}; {threads} threads, {instruction_set}",
        size.name(),
        mode.name(),
        dtype.name(),
    )
}

fn loop_in_words(measured: &LoopMeasured) -> String {
    format!(
        "the whole loop reaches {:.1} % of its bare steps' speed: {:.4} s a step against {:.4} s, \
         {:.3} s a checkpoint ({} slices of {} pixels a batch)",
        100.0 * measured.share,
        measured.loop_s,
        measured.bare_s,
        measured.checkpoint_s,
        measured.batch,
        measured.pixels,
    )
}

/// The reports as a table, from the lines of JSON.
fn as_table(reports: &[Value]) -> String {
    let number = |value: &Value, digits: usize| {
        value
            .as_f64()
            .map_or_else(|| "–".to_owned(), |number| format!("{number:.digits$}"))
    };
    let mut lines = vec![format!(
        "{:<5} {:<4} {:<5} {:<5} {:>9} {:>9} {:>9} {:>7} {:>8}",
        "net", "size", "mode", "dtype", "slices/s", "s a step", "GFLOP/s", "% peak", "MB"
    )];
    for report in reports {
        let word = |key: &str| report[key].as_str().unwrap_or_default().to_owned();
        let percent = report["share_of_peak"].as_f64().map(|share| 100.0 * share);
        lines.push(format!(
            "{:<5} {:<4} {:<5} {:<5} {:>9} {:>9} {:>9} {:>7} {:>8}",
            word("net"),
            word("size"),
            word("mode"),
            word("dtype"),
            number(&report["slices_per_s"], 1),
            number(&report["median_s"], 4),
            number(&report["gflops"], 0),
            number(&percent.into(), 0),
            number(&report["peak_rss_mb"], 0),
        ));
    }
    if let Some(first) = reports.first() {
        lines.push(format!(
            "{} threads, {}, peak {} GFLOP/s, hardslice {}",
            first["threads"],
            first["instruction_set"].as_str().unwrap_or_default(),
            number(&first["peak_gflops"], 0),
            first["version"].as_str().unwrap_or_default(),
        ));
    }
    lines.join("\n")
}

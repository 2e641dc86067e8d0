//! Time and memory of the scores of one case of real size, against published tools.
//!
//! ```text
//! cargo bench -p hardslice-eval --bench score_case -- --peer python benches/peer/evaluate.py
//! ```
//!
//! Without `--peer PYTHON SCRIPT` only our side runs. The peer gets the same masks in a file; its
//! path counts from the folder the command was typed in.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use hardslice_eval::{Convention, ScoreOptions, score_case};
use hardslice_volume::PerAxis;

/// A thick-slice abdominal CT.
const SHAPE: PerAxis<usize> = PerAxis::new(150, 512, 512);
const SPACING_MM: PerAxis<f64> = PerAxis::new(3.0, 0.8, 0.8);
/// An organ as large as a liver.
const HALF_AXES_MM: [f64; 3] = [90.0, 80.0, 100.0];
const TRUTH_CENTRE_MM: [f64; 3] = [225.0, 200.0, 190.0];
const PREDICTED_CENTRE_MM: [f64; 3] = [229.0, 197.0, 196.0];
const N_RUNS: usize = 9;

fn main() -> io::Result<()> {
    let truth = bumpy_ellipsoid(TRUTH_CENTRE_MM);
    let predicted = bumpy_ellipsoid(PREDICTED_CENTRE_MM);
    let before_mib = peak_mib();
    for convention in [Convention::SurfaceDistance, Convention::Monai] {
        let options = ScoreOptions {
            convention,
            ..ScoreOptions::default()
        };
        let mut seconds: Vec<f64> = Vec::new();
        let mut scores = None;
        for _ in 0..N_RUNS {
            let start = Instant::now();
            scores = Some(score_case(&truth, &predicted, SHAPE, SPACING_MM, &options));
            seconds.push(start.elapsed().as_secs_f64());
        }
        seconds.sort_by(f64::total_cmp);
        println!(
            "hardslice, {convention:?}, {} threads: median {:.4} s, least {:.4} s of {N_RUNS}",
            rayon::current_num_threads(),
            seconds[N_RUNS / 2],
            seconds[0]
        );
        println!("  {scores:?}");
    }
    println!(
        "hardslice: peak {:.0} MiB, {before_mib:.0} MiB of it the masks and the program",
        peak_mib()
    );
    run_peer(&truth, &predicted)
}

fn bumpy_ellipsoid(centre_mm: [f64; 3]) -> Vec<bool> {
    let spacing = SPACING_MM.zyx();
    (0..SHAPE.n_voxels())
        .map(|i| {
            let voxel = [i / SHAPE.n_pixels(), i / SHAPE.x % SHAPE.y, i % SHAPE.x];
            let mm: [f64; 3] =
                std::array::from_fn(|axis| voxel[axis] as f64 * spacing[axis] - centre_mm[axis]);
            let radius: f64 = (0..3)
                .map(|axis| (mm[axis] / HALF_AXES_MM[axis]).powi(2))
                .sum();
            let bump = (mm[0] / 13.0).sin() * (mm[1] / 11.0).sin() * (mm[2] / 9.0).sin();
            radius + 0.15 * bump <= 1.0
        })
        .collect()
}

/// Runs the peer named on the command line, if any, on the same masks.
fn run_peer(truth: &[bool], predicted: &[bool]) -> io::Result<()> {
    let mut words = std::env::args().skip_while(|word| word != "--peer").skip(1);
    let (Some(python), Some(script)) = (words.next(), words.next()) else {
        return Ok(());
    };
    let dir = tempfile::tempdir()?;
    let masks = dir.path().join("masks.u8");
    let bytes: Vec<u8> = truth
        .iter()
        .chain(predicted)
        .map(|inside| u8::from(*inside))
        .collect();
    std::fs::write(&masks, bytes)?;
    let numbers = [
        SHAPE.zyx().map(|n| n.to_string()),
        SPACING_MM.zyx().map(|mm| mm.to_string()),
    ];
    let done = Command::new(python)
        .arg(from_workspace(&script))
        .arg(&masks)
        .args(numbers.concat())
        .status()?;
    if done.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("the peer ended with {done}")))
    }
}

/// Cargo runs a benchmark in its crate's folder; paths are typed in the workspace's.
fn from_workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// Most memory that this process held so far, where Linux tells it, else 0.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

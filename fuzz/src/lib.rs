//! Fuzz targets for every parser.
//!
//! The modules of the targets are also taken in by tests of their crates (`tests/corpus.rs`), which
//! replay a fixed corpus through them, so that what is fuzzed and what is tested are the same.

mod data;
#[cfg(feature = "burn")]
mod program;
#[cfg(feature = "burn")]
mod seal;
mod target;
#[cfg(feature = "burn")]
mod train;
mod volume;

use std::env;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, OnceLock};

use peak_alloc::PeakAlloc;
use tempfile::TempDir;

use target::Target;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// A folder for the files of this process, in the one for temporary files: `TMPDIR`, which is best laid
/// in memory.
static SCRATCH: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::Builder::new().prefix("hardslice-fuzz-").tempdir();
    // Threads make the coverage of an input depend on who comes first.
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .use_current_thread()
        .build_global()
        .expect("no other pool was made before");
    folder.expect("a folder for files")
});

fn targets() -> Vec<Target> {
    #[cfg(feature = "burn")]
    let with_burn = [train::TARGETS, program::TARGETS].concat();
    #[cfg(not(feature = "burn"))]
    let with_burn = Vec::new();
    [volume::TARGETS, data::TARGETS, &with_burn].concat()
}

/// Runs the target of this name, or that which the environment variable `HARDSLICE_FUZZ_TARGET` names,
/// so that one binary can serve for all; panics as well where it takes more memory than it may.
///
/// With `HARDSLICE_FUZZ_PEAKS` set, each new peak of memory over its input's size is printed.
pub fn check(name: &str, input: &[u8]) {
    static FOUND: OnceLock<(Target, bool)> = OnceLock::new();
    let (target, tells_peaks) = FOUND.get_or_init(|| {
        let named = env::var("HARDSLICE_FUZZ_TARGET");
        let name = named.as_deref().unwrap_or(name);
        let mut targets = targets().into_iter();
        let target = targets.find(|target| target.name == name);
        let target = target.unwrap_or_else(|| panic!("there is no target `{name}`"));
        (target, env::var_os("HARDSLICE_FUZZ_PEAKS").is_some())
    });
    let folder = SCRATCH.path().join(target.name);
    std::fs::create_dir_all(&folder).expect("a folder in the scratch folder");
    let taken = target.run_within(input, &folder, MEMORY);
    if *tells_peaks {
        let constant = target.room.constant;
        let unit = (target.room.of(input) - constant) / target.room.per_byte;
        tell_peak(
            taken,
            input.len(),
            taken.saturating_sub(constant) / unit.max(1),
        );
    }
}

/// Prints the largest peak so far, and the largest share of it beyond the constant.
fn tell_peak(taken: usize, input: usize, per_byte: usize) {
    static MOST: AtomicUsize = AtomicUsize::new(0);
    static MOST_PER_BYTE: AtomicUsize = AtomicUsize::new(0);
    let is_new = MOST.fetch_max(taken, Ordering::Relaxed) < taken;
    let is_new_share = MOST_PER_BYTE.fetch_max(per_byte, Ordering::Relaxed) < per_byte;
    if is_new || is_new_share {
        eprintln!(
            "peak: {taken} bytes for {input} of input, {per_byte} a byte beyond the constant"
        );
    }
}

//! Replays a fixed corpus through the targets, on a stable compiler: part of the tests of each crate.

use std::fs;
use std::path::{Path, PathBuf};

use peak_alloc::PeakAlloc;

use crate::target::Target;

/// Runs every file of `tests/corpus/TARGET/` of the crate through its target, and holds the memory it
/// takes against what it may.
///
/// # Panics
///
/// When a target panics or takes too much memory, with the file's name; when a target has no file, or
/// a folder of files no target.
#[expect(
    clippy::print_stdout,
    reason = "the file's name is shown where its target panics"
)]
pub(crate) fn replay(targets: &[Target], memory: PeakAlloc) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut folders = listed(&corpus);
    for target in targets {
        let folder = corpus.join(target.name);
        folders.retain(|other| *other != folder);
        let files = listed(&folder);
        assert!(!files.is_empty(), "{} has no file", folder.display());
        let scratch = tempfile::tempdir().expect("a folder for files");
        for file in files {
            let input = fs::read(&file).expect("a file of the corpus");
            println!("{}", file.display());
            target.run_within(&input, scratch.path(), memory);
        }
    }
    assert!(folders.is_empty(), "folders without a target: {folders:?}");
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("a file of the corpus").path())
        .collect();
    paths.sort();
    paths
}

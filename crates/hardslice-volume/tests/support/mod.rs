//! What the tests of several formats share.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may panic as tests do"
)]
#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use hardslice_volume::dicom::{DerivedError, Maker, SourceSeries, read_series};
use hardslice_volume::{Grid, Note, PerAxis, Structure, Volume};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What writes labels of a series: `write_seg` or `write_rtstruct`.
pub(crate) type Writer = fn(
    &Path,
    &Volume<u8>,
    &SourceSeries,
    &[Structure],
    &Maker<'_>,
) -> Result<Vec<Note>, DerivedError>;

/// The cases of a file of golden values.
pub(crate) fn golden_cases<C: DeserializeOwned>(text: &str) -> Vec<C> {
    #[derive(Deserialize)]
    struct Golden<C> {
        cases: Vec<C>,
    }
    serde_json::from_str::<Golden<C>>(text).unwrap().cases
}

/// A golden file, or the files of a pair, and the canonical grid that another program read from it.
#[derive(Deserialize)]
pub(crate) struct GoldenFile {
    pub(crate) title: String,
    pub(crate) open: String,
    files: BTreeMap<String, String>,
    pub(crate) affine: [[f64; 4]; 3],
    shape_zyx: [usize; 3],
}

impl GoldenFile {
    /// Writes the files and gives the one to open.
    pub(crate) fn write(&self, dir: &Path) -> PathBuf {
        for (name, hex) in &self.files {
            let bytes: Vec<u8> = (0..hex.len() / 2)
                .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
                .collect();
            fs::write(dir.join(name), bytes).unwrap();
        }
        dir.join(&self.open)
    }

    /// The canonical grid.
    pub(crate) fn grid(&self) -> Grid {
        let [z, y, x] = self.shape_zyx;
        Grid {
            shape: PerAxis::new(z, y, x),
            world_from_voxel: self.affine,
        }
    }
}

/// The folder of a golden DICOM series or segmentation.
pub(crate) fn dicom_golden(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/dicom")
        .join(case)
}

/// Why a series is not read, with all causes, a line each.
pub(crate) fn series_refusal(dir: &Path, uid: Option<&str>) -> String {
    let err = read_series(dir, uid)
        .map(|scan| scan.placement)
        .unwrap_err();
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text = format!("{text}\n{err}");
        cause = err.source();
    }
    text
}

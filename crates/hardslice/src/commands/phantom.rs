//! `hardslice phantom`: a synthetic cohort with known difficulty.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use hardslice_data::Organ;
use hardslice_data::text::TableFile;
use hardslice_phantom::{Control, PhantomOptions, organ_names, write_cohort};
use hardslice_view::overlay::{Montage, PanelStyle, montage};
use hardslice_volume::folder::visible_paths;
use hardslice_volume::{read_nifti_labels, read_nifti_scan};

use crate::bars::Bars;
use crate::done::Done;
use crate::folder_lock::FolderLock;
use crate::outputs::folder_out;

/// Make a synthetic abdominal CT cohort to learn, test and demonstrate on.
///
/// Body, spine, ribs, liver, kidneys, spleen, stomach and vessels with plausible Hounsfield units;
/// shapes, slice spacing, contrast phase and noise vary from patient to patient. Some slices are
/// made difficult (lesions, low contrast, artefacts, odd anatomy), rarely, as in life, and
/// truth.csv tells which. The same seed gives the same bytes.
///
/// Leaves DIR/images, DIR/labels (1 liver, 2 right kidney, 3 left kidney, 4 spleen), cohort.csv,
/// truth.csv, phantom.json and montage.png.
#[derive(Debug, Args)]
pub(crate) struct Phantom {
    /// Where the cohort is written.
    #[arg(long, value_name = "DIR", value_parser = folder_out())]
    out: PathBuf,
    /// Patients, one scan each.
    #[arg(long, value_name = "N", default_value_t = 24)]
    patients: usize,
    /// Seed of everything random.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Rows and columns of a slice.
    #[arg(long, value_name = "PIXELS", default_value_t = 128)]
    size: usize,
    /// Share of the liver's slices that are made difficult.
    #[arg(long, value_name = "SHARE", default_value_t = 0.12)]
    difficulty: f64,
    /// Share of each organ's slices whose labels are drawn wrong; errors.csv names them.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    label_errors: f64,
    /// Share of the slices that are damaged or repeated; errors.csv names them.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    image_errors: f64,
    /// Make a cohort that tests `compare` itself: rare in A, common in test is a difficulty that a
    /// net can learn (a comparison must find that hard slices help), or one that it cannot (nothing
    /// may win). folds.csv says who is in A, B, validation and test.
    #[arg(long, value_name = "KIND", conflicts_with = "difficulty")]
    control: Option<ControlKind>,
    /// Also write the cohort in nnU-Net's layout.
    #[arg(long)]
    nnunet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ControlKind {
    /// A stretch of the liver full of iodised oil.
    Learnable,
    /// A stretch of the liver of which a random half is labelled.
    Unlearnable,
}

impl From<ControlKind> for Control {
    fn from(kind: ControlKind) -> Self {
        match kind {
            ControlKind::Learnable => Self::Learnable,
            ControlKind::Unlearnable => Self::Unlearnable,
        }
    }
}

impl Phantom {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let options = PhantomOptions {
            n_patients: self.patients,
            seed: self.seed,
            size: self.size,
            difficulty_share: self.difficulty,
            label_error_share: self.label_errors,
            image_error_share: self.image_errors,
            nnunet_layout: self.nnunet,
            control: self.control.map(Control::from),
            ..PhantomOptions::default()
        };
        self.refuse_other_cohort()?;
        let _lock = FolderLock::of(&self.out)?;
        bars.begin("make phantoms", options.n_patients as u64, 0);
        write_cohort(&self.out, &options, &|done, _| bars.advance(done as u64))?;
        bars.end();
        self.draw_montage()?;
        bars.print(&format!("{}", self.out.join("cohort.csv").display()))?;
        Ok(Done::Clean)
    }

    /// A folder that holds somebody's own cohort is not written into: scans and tables could be of
    /// the same names. One of phantoms that were never finished is none.
    fn refuse_other_cohort(&self) -> anyhow::Result<()> {
        let is_there = |name: &str| self.out.join(name).exists();
        if is_there("phantom.json") {
            return Ok(());
        }
        let mut foreign = None;
        for table in ["cohort.csv", "truth.csv"].map(|name| self.out.join(name)) {
            if foreign.is_none() && table.exists() && !lists_phantoms(&table) {
                foreign = Some(table);
            }
        }
        for folder in ["images", "labels"].map(|name| self.out.join(name)) {
            if !folder.is_dir() {
                continue;
            }
            let is_phantom = |path: &PathBuf| {
                let name = path.file_name().unwrap_or_default();
                name.as_encoded_bytes().starts_with(b"phantom_")
            };
            let mut others = visible_paths(&folder)?.into_iter();
            foreign = foreign.or_else(|| others.find(|path| !is_phantom(path)));
        }
        match foreign {
            Some(path) => Err(anyhow!(
                "there is a cohort already, which is none of phantoms: name another --out ({})",
                path.display()
            )),
            None => Ok(()),
        }
    }

    /// Fifteen slices and a coronal view of the first patient with its organs.
    fn draw_montage(&self) -> anyhow::Result<()> {
        let file = |folder: &str| self.out.join(folder).join("phantom_000.nii.gz");
        let scan = read_nifti_scan(&file("images"))?;
        let labels = read_nifti_labels(&file("labels"))?;
        let names = organ_names();
        let organs: Vec<(u16, &str)> = (1..).zip(names.iter().map(Organ::as_str)).collect();
        let sheet = Montage {
            title: "phantom_000",
            image_hu: &scan.volume,
            labels: Some(labels.volume.voxels()),
            organs: &organs,
            n_slices: 15,
            columns: 4,
        };
        montage(&sheet, &PanelStyle::of_width(240))?.write_png(&self.out.join("montage.png"))?;
        Ok(())
    }
}

/// Whether a table is one that phantoms left: each of its rows begins with one of their names.
fn lists_phantoms(path: &Path) -> bool {
    TableFile::read(path).is_ok_and(|table| {
        let mut rows = table.rows.iter();
        // A cohort has patients; of difficulty there may be none.
        (!table.rows.is_empty() || table.column(&["severity"]).is_some())
            && rows.all(|row| row.cells[0].starts_with("phantom_"))
    })
}

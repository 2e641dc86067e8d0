//! A cohort of phantoms on disk.

use std::path::Path;

use hardslice_volume::whole_file::{write_json, write_whole_bytes};
use hardslice_volume::{
    Action, FileError, Grid, Placement, SingularAffine, Volume, VoxelCount, WriteError,
};
use serde::Serialize;
use thiserror::Error;

use crate::case::{PhantomCase, generate};
use crate::control::{self, Control};
use crate::options::{PhantomOptions, PhantomOptionsError, Phase};
use crate::{nnunet, organ_names};

/// A cohort that could not be written.
#[derive(Debug, Error)]
pub enum PhantomCohortError {
    /// No cohort can be made of the options.
    #[error(transparent)]
    Options(#[from] PhantomOptionsError),
    /// A scan or a label map could not be written.
    #[error(transparent)]
    Scan(#[from] WriteError),
    /// Another file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A scan could not be brought to the axes of its file.
    #[error("patient {id} cannot be laid on the axes {axes}")]
    Axes {
        /// The patient.
        id: String,
        /// The axes drawn for the file.
        axes: String,
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What `phantom.json` says: enough to make the same cohort again.
#[derive(Debug, Serialize)]
struct Record<'a> {
    made_by: &'static str,
    version: &'static str,
    options: &'a PhantomOptions,
    label_values: Vec<LabelValue>,
    patients: Vec<Patient>,
}

#[derive(Debug, Serialize)]
struct LabelValue {
    organ: String,
    value: u8,
}

#[derive(Debug, Serialize)]
struct Patient {
    id: String,
    phase: Phase,
    /// How the axes of the files run, `LPS`.
    axes: String,
    n_slices: usize,
    pixel_mm: f64,
    slice_spacing_mm: f64,
    n_difficult_slices_of_liver: usize,
}

/// Makes a cohort and writes it to a folder.
///
/// ```text
/// DIR/images/phantom_000.nii.gz   the scan, i16 HU
/// DIR/labels/phantom_000.nii.gz   1 liver, 2 right kidney, 3 left kidney, 4 spleen
/// DIR/cohort.csv                  the manifest: patient,image,labels,organs_annotated
/// DIR/truth.csv                   the planted difficulty: case,z,organ,kinds,severity
/// DIR/errors.csv                  the planted errors: case,z,label,kind; when asked for
/// DIR/folds.csv                   patient,fold: who is in A, B, validation, test; with a control
/// DIR/phantom.json                options, version, what each patient is like
/// DIR/nnunet/                     the same cohort as nnU-Net wants it, when asked for
/// ```
///
/// `z` in `truth.csv` counts slices on canonical axes, from the feet, from 0; several kinds are
/// joined by `+`. A `label` that is absent in `errors.csv` means that the slice itself is wrong. Some files run along other axes than RAS+ and must be brought back by the reader.
/// `progress` is told how many patients are done and of how many. The same options give the same
/// bytes, for any number of threads; one patient is in memory at a time.
///
/// # Errors
///
/// [`PhantomCohortError`]: the options are out of range or the file system refuses.
pub fn write_cohort(
    dir: &Path,
    options: &PhantomOptions,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<(), PhantomCohortError> {
    options.check()?;
    let organs = organ_names();
    let annotated = organs
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ");
    let mut cohort = vec!["patient,image,labels,organs_annotated".to_owned()];
    let mut truth = vec!["case,z,organ,kinds,severity".to_owned()];
    let mut errors = vec!["case,z,label,kind".to_owned()];
    let mut folds = vec!["patient,fold".to_owned()];
    let mut patients = Vec::with_capacity(options.n_patients);
    for index in 0..options.n_patients {
        let case = generate(index, options)?;
        write_case(dir, &case, options.nnunet_layout)?;
        let id = &case.id;
        cohort.push(format!(
            "{id},images/{id}.nii.gz,labels/{id}.nii.gz,{annotated}"
        ));
        folds.push(format!(
            "{id},{}",
            control::role(index, options.n_patients, options.seed)
                .fold
                .name()
        ));
        for row in &case.truth {
            let kinds: Vec<_> = row.kinds.iter().map(|kind| kind.name()).collect();
            let (organ, kinds) = (&row.organ, kinds.join("+"));
            truth.push(format!(
                "{id},{},{organ},{kinds},{:.3}",
                row.z, row.severity
            ));
        }
        for error in &case.errors {
            let label = error.label.map_or(String::new(), |label| label.to_string());
            errors.push(format!("{id},{},{label},{}", error.z, error.kind.name()));
        }
        patients.push(patient(&case));
        progress(index + 1, options.n_patients);
    }
    write(&dir.join("truth.csv"), &lines(&truth))?;
    let may_have_errors = options.label_error_share + options.image_error_share > 0.0
        || options.control == Some(Control::Unlearnable);
    if may_have_errors {
        write(&dir.join("errors.csv"), &lines(&errors))?;
    }
    if options.control.is_some() {
        write(&dir.join("folds.csv"), &lines(&folds))?;
    }
    write(&dir.join("cohort.csv"), &lines(&cohort))?;
    if options.nnunet_layout {
        let json = nnunet::dataset_json(&organs, options.n_patients);
        write(&dir.join(nnunet::FOLDER).join("dataset.json"), &json)?;
    }
    let label_values = organs
        .iter()
        .zip(crate::LABELS)
        .map(|(organ, value)| LabelValue {
            organ: organ.to_string(),
            value,
        })
        .collect();
    let record = Record {
        made_by: "hardslice phantom",
        version: env!("CARGO_PKG_VERSION"),
        options,
        label_values,
        patients,
    };
    // The last file: where it stands, the cohort is whole.
    write_json(&dir.join("phantom.json"), &record)?;
    Ok(())
}

fn write_case(dir: &Path, case: &PhantomCase, nnunet: bool) -> Result<(), PhantomCohortError> {
    let in_file_axes = |source| PhantomCohortError::Axes {
        id: case.id.clone(),
        axes: case.file_axes.to_string(),
        source,
    };
    let placement = placement(case).map_err(|e| in_file_axes(Box::new(e)))?;
    let image = on_file_axes(&case.image, &placement).map_err(|e| in_file_axes(Box::new(e)))?;
    let name = format!("{}.nii.gz", case.id);
    let mut images = vec![dir.join("images").join(&name)];
    let mut labels = vec![dir.join("labels").join(&name)];
    if nnunet {
        images.push(nnunet::image(dir, &case.id));
        labels.push(nnunet::labels(dir, &case.id));
    }
    for path in images {
        hardslice_volume::write_scan(&path, &image)?;
    }
    for path in labels {
        hardslice_volume::write_label_map(&path, &case.labels, &placement)?;
    }
    Ok(())
}

/// Where the voxels lie in a file whose axes run as the case's do.
fn placement(case: &PhantomCase) -> Result<Placement, SingularAffine> {
    let canonical = *case.image.grid();
    let lengths = canonical.shape.xyz();
    let mut native = Grid {
        shape: canonical.shape,
        world_from_voxel: [[0.0; 4]; 3],
    };
    let mut shape = [0; 3];
    for row in 0..3 {
        native.world_from_voxel[row][3] = canonical.world_from_voxel[row][3];
    }
    for (axis, source) in case.file_axes.sources_xyz().into_iter().enumerate() {
        shape[source.axis] = lengths[axis];
        for row in 0..3 {
            let step = canonical.world_from_voxel[row][axis];
            native.world_from_voxel[row][source.axis] = if source.reversed { -step } else { step };
            if source.reversed {
                let last = lengths[axis].saturating_sub(1) as f64;
                native.world_from_voxel[row][3] += step * last;
            }
        }
    }
    native.shape = hardslice_volume::PerAxis::from_xyz(shape);
    Placement::new(native)
}

/// The voxels in the file's order on the file's grid.
fn on_file_axes(volume: &Volume<i16>, placement: &Placement) -> Result<Volume<i16>, VoxelCount> {
    Volume::new(placement.native, placement.to_native(volume)?)
}

fn patient(case: &PhantomCase) -> Patient {
    let spacing = case.image.grid().spacing_mm();
    let liver = case
        .truth
        .iter()
        .filter(|row| row.organ.as_str() == "liver");
    Patient {
        id: case.id.clone(),
        phase: case.phase,
        axes: case.file_axes.to_string(),
        n_slices: case.image.shape().z,
        pixel_mm: spacing.x,
        slice_spacing_mm: spacing.z,
        n_difficult_slices_of_liver: liver.count(),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_whole_bytes(path, bytes).map_err(Action::Write.on(path))
}

fn lines(rows: &[String]) -> Vec<u8> {
    let mut text = rows.join("\n");
    text.push('\n');
    text.into_bytes()
}

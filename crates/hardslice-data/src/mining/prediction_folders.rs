//! Where another program left its predictions.

use std::path::{Path, PathBuf};

use hardslice_volume::FileError;
use hardslice_volume::folder::visible_paths;

/// The folders that hold the predictions given by one: of a trainer's folder in nnU-Net's results the
/// `validation` folders of all its folds (`fold_0` to `fold_4`), so that every case of a cross-validation
/// is predicted by the net that did not see it; of any other folder itself.
///
/// `fold_all` is passed over: its net has seen every case.
///
/// ```
/// use hardslice_data::mining::prediction_folders;
///
/// # let dir = tempfile::tempdir()?;
/// # let trainer = dir.path().join("nnUNetTrainer__nnUNetPlans__2d");
/// # for fold in ["fold_0", "fold_1", "fold_all"] {
/// #     std::fs::create_dir_all(trainer.join(fold).join("validation"))?;
/// # }
/// let [first, second] = prediction_folders(&trainer)?.try_into().unwrap();
/// assert!(first.ends_with("fold_0/validation") && second.ends_with("fold_1/validation"));
/// assert_eq!(prediction_folders(&first)?, [first], "a folder of predictions");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`FileError`] when the folder cannot be listed.
pub fn prediction_folders(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let is_fold = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number = name.strip_prefix("fold_");
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    let entries = visible_paths(dir)?;
    let folds = entries.iter().filter(is_fold);
    let validations = folds.map(|fold| fold.join("validation"));
    let validations: Vec<PathBuf> = validations.filter(|path| path.is_dir()).collect();
    Ok(if validations.is_empty() {
        vec![dir.to_owned()]
    } else {
        validations
    })
}

//! The layout of the Medical Segmentation Decathlon: `dataset.json` lists the files. MONAI's
//! datalists are of this kind.

use std::path::{Path, PathBuf};

use hardslice_volume::Ending;

use super::dataset_json::DatasetJson;
use super::draft::{Draft, Drafts};
use super::{Layout, ManifestError};

/// Reads `dataset.json`, or the one in the folder given.
pub(super) fn read(path: &Path, wants_organs: bool) -> Result<Drafts, ManifestError> {
    let path = &Layout::Decathlon.file_in(path)?;
    let json = DatasetJson::read(path)?;
    let folder = path.parent().expect("a file lies in a folder");
    let mut drafts = Drafts {
        other_channel: json.other_channel(path)?,
        ignored: json.ignored(path)?,
        organs: if wants_organs {
            Some(json.organs(path)?)
        } else {
            None
        },
        ..Drafts::default()
    };
    if wants_organs {
        drafts.notes.extend(json.zero_note(path)?);
    }
    for listed in json.listed() {
        let file = listed.image.one(path)?;
        let labels = listed.label.as_ref().map(|label| label.one(path));
        drafts.cases.push(Draft {
            place: file.display().to_string(),
            image: image(folder, &file),
            labels: labels.transpose()?.map(|label| resolved(folder, &label)),
            ..Draft::default()
        });
    }
    if let Some(said) = json.n_training.map(|number| number.0)
        && usize::try_from(said) != Ok(json.training.len())
    {
        drafts.notes.push(format!(
            "{} says numTraining = {said}, but `training` lists {}: all that is listed is read",
            path.display(),
            json.training.len()
        ));
    }
    // What is without labels cannot be trained on and needs no word.
    let held_out = [
        ("validation", &json.validation),
        ("test", &json.test),
        ("testing", &json.testing),
    ];
    for (name, list) in held_out {
        let labelled = list.iter().filter(|listed| listed.label.is_some()).count();
        let n_named = if name == "validation" {
            list.len()
        } else {
            labelled
        };
        if n_named > 0 {
            drafts.notes.push(format!(
                "the {n_named} scans under `{name}` in {} are cases as the others: to hold them \
                 out, name them in a rule of [split]",
                path.display()
            ));
        }
    }
    for (name, n_scans) in json.other_lists() {
        drafts.notes.push(format!(
            "the {n_scans} scans under `{name}` in {} are left out: read are `training`, \
             `validation`, `test` and `testing`",
            path.display()
        ));
    }
    Ok(drafts)
}

fn resolved(folder: &Path, listed: &Path) -> PathBuf {
    folder.join(listed.strip_prefix("./").unwrap_or(listed))
}

/// nnU-Net's first version listed `NAME.nii.gz` for a file named `NAME_0000.nii.gz`.
fn image(folder: &Path, listed: &Path) -> PathBuf {
    let path = resolved(folder, listed);
    let name = listed.to_string_lossy();
    let (stem, Some(_)) = Ending::split(&name) else {
        return path;
    };
    let ending = &name[stem.len()..];
    let with_channel = resolved(folder, Path::new(&format!("{stem}_0000{ending}")));
    if !path.exists() && with_channel.exists() {
        with_channel
    } else {
        path
    }
}

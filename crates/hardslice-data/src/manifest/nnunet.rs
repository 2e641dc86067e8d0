//! nnU-Net's raw folder.
//!
//! # Sources
//!
//! - F. Isensee et al., nnU-Net v2, `documentation/dataset_format.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hardslice_volume::Ending;
use hardslice_volume::folder::visible_paths;

use super::dataset_json::DatasetJson;
use super::draft::{Draft, Drafts};
use super::file_names::stem;
use super::{ManifestError, Problem};

/// What nnU-Net adds to the name of a scan of one channel.
const CHANNEL: &str = "_0000";

/// Reads `imagesTr` and `labelsTr`, then `imagesTs` (with `labelsTs` where it exists). Without a
/// `dataset.json` the organs must be given.
pub(super) fn read(path: &Path, wants_organs: bool) -> Result<Drafts, ManifestError> {
    let folder = if path.is_dir() {
        path
    } else {
        path.parent().expect("what is no folder lies in one")
    };
    let json_path = folder.join("dataset.json");
    let mut drafts = Drafts::default();
    let mut ending = ".nii.gz".to_owned();
    let mut n_training = None;
    if json_path.is_file() {
        let json = DatasetJson::read(&json_path)?;
        drafts.other_channel = json.other_channel(&json_path)?;
        drafts.ignored = json.ignored(&json_path)?;
        n_training = json.n_training.map(|number| number.0);
        if wants_organs {
            drafts.organs = Some(json.organs(&json_path)?);
            drafts.notes.extend(json.zero_note(&json_path)?);
        }
        if !json.dataset.0.is_empty() {
            drafts.cases = listed(&json, folder, &json_path)?;
            check_n_training(n_training, drafts.cases.len(), &mut drafts);
            return Ok(drafts);
        }
        ending = json.file_ending();
    }
    add_pairs(folder, "Tr", &ending, &mut drafts)?;
    // Scans without labels are problems of their own and count, too.
    let without_labels = |problem: &&Problem| matches!(problem, Problem::Unpaired { .. });
    if !drafts
        .problems
        .iter()
        .any(|problem| without_labels(&problem))
    {
        check_n_training(n_training, drafts.cases.len(), &mut drafts);
    }
    if folder.join("imagesTs").is_dir() {
        add_pairs(folder, "Ts", &ending, &mut drafts)?;
    }
    Ok(drafts)
}

/// nnU-Net refuses a data set whose files are not as many as it says: a download that was cut off
/// must not become a smaller training set.
fn check_n_training(said: Option<u64>, found: usize, drafts: &mut Drafts) {
    if let Some(said) = said
        && usize::try_from(said) != Ok(found)
    {
        drafts.problems.push(Problem::NumTraining { said, found });
    }
}

/// The cases of `dataset`, whose files lie anywhere.
fn listed(json: &DatasetJson, folder: &Path, path: &Path) -> Result<Vec<Draft>, ManifestError> {
    let drafts = json.dataset.0.iter().map(|(id, files)| {
        Ok(Draft {
            place: id.clone(),
            id: Some(id.clone()),
            image: folder.join(files.images.one(path)?),
            labels: files.label.as_ref().map(|label| folder.join(label)),
            ..Draft::default()
        })
    });
    drafts.collect()
}

/// Adds the pairs of `imagesTr` and `labelsTr`; of the test folders labels may be missing.
fn add_pairs(
    folder: &Path,
    part: &str,
    ending: &str,
    drafts: &mut Drafts,
) -> Result<(), ManifestError> {
    let label_folder = folder.join(format!("labels{part}"));
    let needs_labels = part == "Tr";
    let mut labels: BTreeMap<String, PathBuf> = if needs_labels || label_folder.is_dir() {
        named(&label_folder, ending, drafts)?
    } else {
        BTreeMap::new()
    };
    // Without dataset.json nothing says that the folder is nnU-Net's, whose scans alone end with a
    // channel: scans and labels of the same names are pairs.
    let same_names = !folder.join("dataset.json").is_file();
    let channel = |name: &str| {
        let id = name.strip_suffix(CHANNEL).unwrap_or(name);
        let is_of_pair = labels.contains_key(name) && (id == name || !labels.contains_key(id));
        same_names && (is_of_pair || !labels.contains_key(name) && before_channel(name).is_none())
    };
    let images = images(
        &folder.join(format!("images{part}")),
        ending,
        &channel,
        drafts,
    )?;
    for (id, image) in images {
        let labels = labels.remove(&id);
        if labels.is_none() && needs_labels {
            let what = format!("no labels named {id}{ending} in {}", label_folder.display());
            drafts
                .problems
                .push(Problem::Unpaired { what, path: image });
            continue;
        }
        let place = match image.file_name() {
            Some(name) => format!("images{part}/{}", name.to_string_lossy()),
            None => id.clone(),
        };
        drafts.cases.push(Draft {
            place,
            id: Some(id),
            image,
            labels,
            ..Draft::default()
        });
    }
    for (id, path) in labels {
        let what = format!("no scan named {id}{CHANNEL}{ending} in images{part}");
        drafts.problems.push(Problem::Unpaired { what, path });
    }
    Ok(())
}

/// The scans of a folder by what their names are before the channel, or by the whole name where
/// `is_whole` says that it is the case's. Further channels, and files
/// without one, are problems: left out they would be missed by nobody.
fn images(
    dir: &Path,
    ending: &str,
    is_whole: &dyn Fn(&str) -> bool,
    drafts: &mut Drafts,
) -> Result<BTreeMap<String, PathBuf>, ManifestError> {
    let files = named(dir, ending, drafts)?;
    let mut images = BTreeMap::new();
    for (name, path) in &files {
        if is_whole(name) {
            images.insert(name.clone(), path.clone());
            continue;
        }
        if let Some(id) = name.strip_suffix(CHANNEL) {
            images.insert(id.to_owned(), path.clone());
            continue;
        }
        let of_case =
            before_channel(name).filter(|id| files.contains_key(&format!("{id}{CHANNEL}")));
        drafts.problems.push(match of_case {
            Some(id) => Problem::FurtherChannel {
                case: id.to_owned(),
                path: path.clone(),
            },
            None => Problem::NoChannel {
                ending: ending.to_owned(),
                path: path.clone(),
            },
        });
    }
    Ok(images)
}

/// What stands before the channel of a name, four digits; `None` for a name without one.
fn before_channel(name: &str) -> Option<&str> {
    let (id, channel) = name.rsplit_once('_')?;
    let is_number = channel.len() == 4 && channel.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(id)
}

/// Files of a folder by what their names are before the ending, in any case of its letters. Whatever
/// else lies there is noted; where no file has the ending, that is a problem.
fn named(
    dir: &Path,
    ending: &str,
    drafts: &mut Drafts,
) -> Result<BTreeMap<String, PathBuf>, ManifestError> {
    let mut files = BTreeMap::new();
    let mut others = Vec::new();
    for path in visible_paths(dir)? {
        // What is not UTF-8 in a name is replaced; such a path is refused when all are checked.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let before = name.len().checked_sub(ending.len());
        let id = before
            .filter(|at| name.is_char_boundary(*at) && name[*at..].eq_ignore_ascii_case(ending));
        match id {
            Some(at) => {
                let id = name[..at].to_owned();
                if let Some(first) = files.insert(id.clone(), path.clone()) {
                    let what = format!("a second file of this name, beside {}", first.display());
                    drafts.problems.push(Problem::Unpaired { what, path });
                }
            }
            None => others.push(name.into_owned()),
        }
    }
    let is_file = |name: &&String| stem(Path::new(name.as_str())).is_some();
    if let (true, Some(first)) = (files.is_empty(), others.iter().find(is_file)) {
        drafts.problems.push(Problem::NoSuchEnding {
            ending: ending.to_owned(),
            n_others: others.len(),
            first: first.clone(),
            path: dir.to_path_buf(),
        });
    } else if !others.is_empty() {
        const SHOWN: usize = 8;
        // What could be a scan comes first.
        others.sort_by_key(|name| Ending::within(name).is_none());
        let more = match others.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        drafts.notes.push(format!(
            "{} of the files and folders in {} do not end with {ending} and are not read: {}{more} \
             (`file_ending` in dataset.json says which files are; folders are not looked into)",
            others.len(),
            dir.display(),
            others[..others.len().min(SHOWN)].join(", ")
        ));
    }
    Ok(files)
}

//! A folder of scans and labels that belong together by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hardslice_volume::folder::visible_paths;

use super::draft::{Draft, Drafts};
use super::file_names::{
    FIRST_CHANNEL, IMAGE_WORDS, LABEL_WORDS, Role, case_and_role, case_of_channel, numbered, stem,
    without_channel,
};
use super::{ManifestError, Problem};

/// The scans and labels found of one name.
#[derive(Debug, Default)]
struct Found {
    images: Vec<PathBuf>,
    labels: Vec<PathBuf>,
}

/// Reads `images/` and `labels/` where there are such folders, else the files of the folder itself,
/// else a folder for each case.
///
/// A scan without labels is a case without labels; labels without a scan are a problem.
pub(super) fn read(dir: &Path) -> Result<Drafts, ManifestError> {
    let inside = visible_paths(dir)?;
    let folder = |words: &[&str]| {
        let is_one = |path: &&PathBuf| {
            path.is_dir() && words.contains(&name_of(path).to_lowercase().as_str())
        };
        inside.iter().find(is_one)
    };
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    let mut is_by_folder = false;
    if let Some(images) = folder(&IMAGE_WORDS) {
        let labels = folder(&LABEL_WORDS);
        for path in visible_paths(images)? {
            add(&mut found, &path, Some(Role::Image), None);
        }
        if let Some(labels) = labels {
            for path in visible_paths(labels)? {
                add(&mut found, &path, Some(Role::Labels), None);
            }
        }
    } else if inside
        .iter()
        .any(|path| path.is_file() && stem(path).is_some())
    {
        for path in inside.iter().filter(|path| path.is_file()) {
            add(&mut found, path, None, None);
        }
    } else {
        is_by_folder = true;
        for case in inside.iter().filter(|path| path.is_dir()) {
            let name = name_of(case);
            for path in visible_paths(case)? {
                // Of folders only those that say what they hold.
                let is_known = !path.is_dir()
                    || stem(&path).is_some_and(|stem| case_and_role(&stem).0.is_empty());
                if is_known {
                    add(&mut found, &path, None, Some(&name));
                }
            }
        }
    }
    let mut drafts = Drafts::default();
    if !is_by_folder {
        found = channels_joined(found, &mut drafts);
    }
    for (id, found) in found {
        paired(id, found, &mut drafts);
    }
    Ok(drafts)
}

/// The name of an entry of a folder. What is not UTF-8 in it is replaced; a scan or labels of such a
/// name are refused when all paths are checked.
fn name_of(entry: &Path) -> String {
    let name = entry.file_name().expect("an entry of a folder has a name");
    name.to_string_lossy().into_owned()
}

/// Files scans that end with nnU-Net's `_0000` under the case that their labels are called by, and
/// notes further channels of such cases as problems.
fn channels_joined(
    mut found: BTreeMap<String, Found>,
    drafts: &mut Drafts,
) -> BTreeMap<String, Found> {
    let names: Vec<String> = found.keys().cloned().collect();
    let numbered = numbered(names.iter().map(String::as_str));
    for name in &names {
        let Some((base, _)) = without_channel(name) else {
            continue;
        };
        let has_labels = |name: &str| {
            found
                .get(name)
                .is_some_and(|files| !files.labels.is_empty())
        };
        let labels = [name.as_str(), &base]
            .into_iter()
            .find(|name| has_labels(name));
        let Some(case) = case_of_channel(name, labels, &numbered) else {
            continue;
        };
        let is_alone = found.get(&case).is_none_or(|files| files.images.is_empty());
        let Some(files) = found.get(name).filter(|_| is_alone) else {
            continue;
        };
        let is_further = |other: &&String| {
            let other = without_channel(other);
            other.is_some_and(|(its, number)| its == base && number != FIRST_CHANNEL)
        };
        let further: Vec<&String> = if numbered.contains(&base) {
            names.iter().filter(is_further).collect()
        } else {
            Vec::new()
        };
        for other in further.into_iter().filter_map(|other| found.get(other)) {
            if let (Some(path), true) = (other.images.first(), other.labels.is_empty()) {
                drafts.problems.push(Problem::FurtherChannel {
                    case: case.clone(),
                    path: path.clone(),
                });
            }
        }
        let images = files.images.clone();
        found.remove(name);
        found.entry(case).or_default().images.extend(images);
    }
    found
}

/// Files a path under the case of its name, or under the case given; what is no volume is left out.
fn add(found: &mut BTreeMap<String, Found>, path: &Path, role: Option<Role>, case: Option<&str>) {
    let Some(stem) = stem(path) else { return };
    let (name, role_by_name) = case_and_role(&stem);
    let name = if name.is_empty() { stem } else { name };
    let files = found.entry(case.map_or(name, str::to_owned)).or_default();
    match role.unwrap_or(role_by_name) {
        Role::Image => files.images.push(path.to_path_buf()),
        Role::Labels => files.labels.push(path.to_path_buf()),
    }
}

fn paired(id: String, found: Found, drafts: &mut Drafts) {
    let mut unpaired = |what: String, path: &PathBuf| {
        drafts.problems.push(Problem::Unpaired {
            what,
            path: path.clone(),
        });
    };
    for (files, what) in [(&found.images, "scan"), (&found.labels, "label file")] {
        if let [first, second, ..] = files.as_slice() {
            unpaired(
                format!("a second {what} of case `{id}`, beside {}", first.display()),
                second,
            );
            return;
        }
    }
    let labels = found.labels.into_iter().next();
    match (found.images.into_iter().next(), labels) {
        (Some(image), labels) => drafts.cases.push(Draft {
            place: id.clone(),
            id: Some(id),
            image,
            labels,
            ..Draft::default()
        }),
        (None, Some(labels)) => {
            unpaired(format!("no scan of case `{id}` beside its labels"), &labels);
        }
        (None, None) => {}
    }
}

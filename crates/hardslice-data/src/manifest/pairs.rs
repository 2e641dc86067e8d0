//! A folder of scans and labels that belong together by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::draft::{Draft, Drafts};
use super::file_names::{IMAGE_WORDS, LABEL_WORDS, Role, case_and_role, stem};
use super::layout::entries;
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
    let inside = entries(dir)?;
    let folder = |words: &[&str]| {
        let is_one = |path: &&PathBuf| {
            path.is_dir() && words.contains(&name_of(path).to_lowercase().as_str())
        };
        inside.iter().find(is_one)
    };
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    if let Some(images) = folder(&IMAGE_WORDS) {
        let labels = folder(&LABEL_WORDS);
        for path in entries(images)? {
            add(&mut found, &path, Some(Role::Image), None);
        }
        if let Some(labels) = labels {
            for path in entries(labels)? {
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
        for case in inside.iter().filter(|path| path.is_dir()) {
            let name = name_of(case);
            for path in entries(case)? {
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

//! A folder of scans and labels that belong together by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hardslice_volume::Ending;
use hardslice_volume::dicom::list_series;
use hardslice_volume::folder::{interrupted_transfers, unreachable_among, visible_paths};

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
/// else a folder for each case. A folder of the slices of a DICOM series is one case.
///
/// A scan without labels is a case without labels; labels without a scan are a problem, and so is a
/// link that leads nowhere. Folders and files that could be scans and are none by their place or name
/// are noted.
pub(super) fn read(dir: &Path) -> Result<Drafts, ManifestError> {
    let mut drafts = Drafts::default();
    let inside = listed(dir, &mut drafts)?;
    let mut aside = Aside::default();
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
        for path in listed(images, &mut drafts)? {
            add(&mut found, &path, Some(Role::Image), None, &mut aside);
        }
        if let Some(labels) = labels {
            for path in listed(labels, &mut drafts)? {
                add(&mut found, &path, Some(Role::Labels), None, &mut aside);
            }
        }
        let is_read = |path: &PathBuf| path == images || Some(path) == labels;
        for path in inside.iter().filter(|path| !is_read(path)) {
            aside.add_if_scan(path)?;
        }
    } else if is_a_series(dir, &inside) {
        is_by_folder = true;
        add_case_folder(dir, &inside, true, &mut found, &mut aside);
    } else if inside
        .iter()
        .any(|path| path.is_file() && stem(path).is_some())
    {
        for path in &inside {
            if path.is_dir() {
                aside.add_if_scan(path)?;
            } else {
                add(&mut found, path, None, None, &mut aside);
            }
        }
    } else {
        is_by_folder = true;
        for case in inside.iter().filter(|path| path.is_dir()) {
            let entries = listed(case, &mut drafts)?;
            let n_before = found.len();
            let is_named = entries.iter().filter(|path| is_slice(path)).count() > 1;
            let is_series = is_named || is_a_series(case, &entries);
            add_case_folder(case, &entries, is_series, &mut found, &mut aside);
            if found.len() == n_before && !entries.is_empty() {
                aside.0.push(name_of(case));
            }
        }
    }
    if !is_by_folder {
        found = channels_joined(found, &mut drafts);
    }
    for (id, found) in found {
        paired(id, found, &mut drafts);
    }
    drafts.notes.extend(aside.note(dir));
    Ok(drafts)
}

/// Adds what lies in the folder of a case: the slices of a series are one scan, and the folder is what it
/// is read from.
fn add_case_folder(
    case: &Path,
    entries: &[PathBuf],
    is_series: bool,
    found: &mut BTreeMap<String, Found>,
    aside: &mut Aside,
) {
    let name = name_of(case);
    if is_series {
        let files = found.entry(name.clone()).or_default();
        files.images.push(case.to_owned());
    }
    for path in entries.iter().filter(|path| !is_series || !is_slice(path)) {
        // Of folders only those that say what they hold.
        let is_known =
            !path.is_dir() || stem(path).is_some_and(|stem| case_and_role(&stem).0.is_empty());
        if is_known {
            add(found, path, None, Some(&name), aside);
        }
    }
}

/// Whether a file is called as a slice of a DICOM series may be.
fn is_slice(path: &Path) -> bool {
    let role = stem(path).map(|stem| case_and_role(&stem).1);
    Ending::of(path) == Some(Ending::Dicom) && role == Some(Role::Image)
}

/// Whether the files of a folder are slices of one DICOM series, by their headers: they may be called
/// anything. One that cannot be read is, so that the reader of the scan says what is wrong.
fn is_a_series(dir: &Path, entries: &[PathBuf]) -> bool {
    let files = || entries.iter().filter(|path| path.is_file());
    let is_called_otherwise = |path: &&PathBuf| stem(path).is_some() && !is_slice(path);
    let n_slices = files().filter(|path| is_slice(path)).count();
    let n_unnamed = files().filter(|path| stem(path).is_none()).count();
    // Volumes of another format are scans; a series may have its labels beside it.
    let has_volumes = files().filter(is_called_otherwise).any(|path| {
        let role = stem(path).map(|stem| case_and_role(&stem).1);
        role == Some(Role::Image)
    });
    if has_volumes || n_slices + n_unnamed < 2 {
        return false;
    }
    list_series(dir).map_or(n_slices > 1, |series| {
        series.iter().any(|series| series.n_files > 1)
    })
}

/// What a folder holds; what of it cannot be reached is a problem, for no case may be lost with it.
fn listed(dir: &Path, drafts: &mut Drafts) -> Result<Vec<PathBuf>, ManifestError> {
    let mut paths = visible_paths(dir)?;
    while let Some(source) = unreachable_among(&paths) {
        paths.retain(|path| *path != source.path);
        let place = name_of(&source.path);
        drafts.problems.push(Problem::Unreadable { place, source });
    }
    for (left, whole) in interrupted_transfers(dir)? {
        if stem(&whole).is_some() {
            drafts.notes.push(format!(
                "{} was left by an interrupted transfer: there is no {}; transfer it again",
                left.display(),
                name_of(&whole)
            ));
        }
    }
    Ok(paths)
}

/// Names of files and folders that could be scans or labels and are not read.
#[derive(Debug, Default)]
struct Aside(Vec<String>);

impl Aside {
    /// Adds a volume, or a folder that holds something.
    fn add_if_scan(&mut self, path: &Path) -> Result<(), ManifestError> {
        let is_one = if path.is_dir() {
            !visible_paths(path)?.is_empty()
        } else {
            Ending::within(&name_of(path)).is_some()
        };
        if is_one {
            self.0.push(name_of(path));
        }
        Ok(())
    }

    fn note(self, dir: &Path) -> Option<String> {
        const SHOWN: usize = 8;
        let more = match self.0.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let shown: Vec<&str> = self.0.iter().take(SHOWN).map(String::as_str).collect();
        (!shown.is_empty()).then(|| {
            format!(
                "not read in {}, for by their names or places they are no scans or labels of this \
                 layout: {}{more} (a table, with the columns `image` and `labels`, can name them)",
                dir.display(),
                shown.join(", ")
            )
        })
    }
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

/// Files a path under the case of its name, or under the case given; what is no volume is left out,
/// and set aside where it could have become one (`a.nii.gz.part`).
fn add(
    found: &mut BTreeMap<String, Found>,
    path: &Path,
    role: Option<Role>,
    case: Option<&str>,
    aside: &mut Aside,
) {
    let Some(stem) = stem(path) else {
        let name = name_of(path);
        let ending = Ending::within(&name);
        if ending.is_some() && Ending::split(&name).1.is_none() {
            aside.0.push(name);
        }
        return;
    };
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

//! What the name of a file says: which case, and whether scan or labels.

use std::collections::BTreeSet;
use std::path::Path;

use hardslice_volume::Ending;

/// What a file holds, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// A scan, by a word in its name or because nothing says otherwise.
    Image,
    /// Labels.
    Labels,
}

/// Words, at the beginning or the end of a name, that mean labels.
pub(super) const LABEL_WORDS: [&str; 14] = [
    "segmentations",
    "segmentation",
    "seg",
    "labels",
    "label",
    "labelmap",
    "masks",
    "mask",
    "gt",
    "truth",
    "groundtruth",
    "rtstruct",
    "labelstr",
    "annotation",
];

/// Words, at the beginning or the end of a name, that mean a scan.
pub(super) const IMAGE_WORDS: [&str; 12] = [
    "ct", "images", "image", "imaging", "img", "volumes", "volume", "vol", "scans", "scan",
    "dicom", "orig",
];

/// What nnU-Net ends the name of a scan's first channel with, behind an underscore.
pub(super) const FIRST_CHANNEL: &str = "0000";

/// A file's name without its ending; `None` when it cannot be a volume. A folder's name is taken
/// whole.
pub(super) fn stem(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    if path.is_dir() {
        return Some(name);
    }
    let (stem, ending) = Ending::split(&name);
    ending.filter(|ending| ending.is_volume() || *ending == Ending::Dicom)?;
    // The ending itself says that it is a segmentation.
    let is_seg = name[stem.len()..].to_lowercase().starts_with(".seg.");
    Some(if is_seg {
        format!("{stem}_seg")
    } else {
        stem.to_owned()
    })
}

/// Parts a name without ending into the case's name and the role: `a_ct` is `a`, an image;
/// `segmentation-7` is `7`, labels. The case's name is empty when the name is nothing but a role.
pub(super) fn case_and_role(stem: &str) -> (String, Role) {
    let (mut rest, mut is_labels) = (stem, false);
    loop {
        let (word_before, without_first) = first_word(rest);
        let (word_after, without_last) = last_word(rest);
        if let Some(role) = role_of(word_after) {
            is_labels |= role == Role::Labels;
            rest = without_last;
        } else if let Some(role) = role_of(word_before) {
            is_labels |= role == Role::Labels;
            rest = without_first;
        } else {
            let role = if is_labels { Role::Labels } else { Role::Image };
            return (rest.to_owned(), role);
        }
        if rest.is_empty() {
            let role = if is_labels { Role::Labels } else { Role::Image };
            return (String::new(), role);
        }
    }
}

/// What remains of an image's name without nnU-Net's channel at its end, and the channel: four
/// digits behind an underscore. `None` where there is none.
///
/// `amos_0000` may be a case of this number or the first channel of `amos`: that only its labels and
/// its neighbours can tell, see [`is_channel`].
pub(super) fn without_channel(name: &str) -> Option<(String, &str)> {
    let (rest, channel) = name.rsplit_once('_')?;
    let is_number = channel.len() == 4 && channel.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return None;
    }
    let (base, _) = case_and_role(rest);
    (!base.is_empty()).then_some((base, channel))
}

/// What images are called before a number of four digits other than nnU-Net's first channel.
pub(super) fn numbered<'n>(images: impl IntoIterator<Item = &'n str>) -> BTreeSet<String> {
    let of_image = |image| {
        let (base, number) = without_channel(image)?;
        (number != FIRST_CHANNEL).then_some(base)
    };
    images.into_iter().filter_map(of_image).collect()
}

/// The case of an image whose name ends with nnU-Net's channel `_0000`; `None` where it has no such
/// ending, or the number is a part of the case's name.
///
/// Its labels decide, where it has some: they are called as the case. Without them it is a channel
/// unless a neighbour has the same name with another number (`amos_0001` beside `amos_0000`):
/// `numbered` holds what the [neighbours](numbered) are called.
pub(super) fn case_of_channel(
    name: &str,
    labels: Option<&str>,
    numbered: &BTreeSet<String>,
) -> Option<String> {
    let (base, channel) = without_channel(name)?;
    if channel != FIRST_CHANNEL || labels.is_some_and(|labels| labels == name) {
        return None;
    }
    let is_its = labels.is_some_and(|labels| labels == base) || !numbered.contains(&base);
    is_its.then_some(base)
}

/// The name of a case whose table gives none: after its file or folder, or, where that only says
/// `ct`, after the folder around it. Empty, which no case may be called, for a path that ends in no
/// name (`..`).
pub(super) fn case_name(path: &Path) -> String {
    let Some(file) = path.file_name() else {
        return String::new();
    };
    let stem = stem(path).unwrap_or_else(|| file.to_string_lossy().into_owned());
    let (name, _) = case_and_role(&stem);
    let around = || path.parent().and_then(Path::file_name);
    match around() {
        Some(folder) if name.is_empty() => folder.to_string_lossy().into_owned(),
        None if name.is_empty() => stem,
        _ => name,
    }
}

fn role_of(word: &str) -> Option<Role> {
    let word = word.to_lowercase();
    if LABEL_WORDS.contains(&word.as_str()) {
        Some(Role::Labels)
    } else if IMAGE_WORDS.contains(&word.as_str()) {
        Some(Role::Image)
    } else {
        None
    }
}

const SEPARATORS: [char; 4] = ['_', '-', '.', ' '];

fn first_word(name: &str) -> (&str, &str) {
    name.split_once(SEPARATORS).unwrap_or((name, ""))
}

fn last_word(name: &str) -> (&str, &str) {
    name.rsplit_once(SEPARATORS)
        .map_or((name, ""), |(rest, word)| (word, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_public_data_sets_are_understood() {
        for (file, case, role) in [
            ("amos_0018_ct.nii.gz", "amos_0018", Role::Image),
            ("amos_0018_seg.nii.gz", "amos_0018", Role::Labels),
            ("volume-12.nii", "12", Role::Image),
            ("segmentation-12.nii", "12", Role::Labels),
            (
                "FLARE22_Tr_0001_0000.nii.gz",
                "FLARE22_Tr_0001_0000",
                Role::Image,
            ),
            ("segmentation-0000.nii", "0000", Role::Labels),
            ("liver_7.nii.gz", "liver_7", Role::Image),
            ("case-3.seg.nrrd", "case-3", Role::Labels),
            ("case-3.Seg.NHDR", "case-3", Role::Labels),
            ("case-3.seg.mha", "case-3", Role::Labels),
            ("P1_CT.NII.GZ", "P1", Role::Image),
            ("p1.Mhd", "p1", Role::Image),
            ("p1.hdr.gz", "p1", Role::Image),
            ("p1.IMA", "p1", Role::Image),
            ("p1_ct-label.nrrd", "p1", Role::Labels),
            ("ct.nii.gz", "", Role::Image),
            ("imaging.nii.gz", "", Role::Image),
            ("segmentation.nii.gz", "", Role::Labels),
            ("octopus.nii", "octopus", Role::Image),
        ] {
            let stem = stem(Path::new(file)).unwrap();
            assert_eq!(case_and_role(&stem), (case.to_owned(), role), "{file}");
        }
        for file in [
            "notes.txt",
            "a.img",
            "a.IMG.gz",
            "dataset.json",
            "a.png",
            "a.zraw",
        ] {
            assert_eq!(stem(Path::new(file)), None, "{file} is no volume");
        }
    }

    #[test]
    fn the_number_0000_is_a_channel_only_where_labels_or_neighbours_say_so() {
        let amos = ["amos_0000", "amos_0001", "amos_0002"];
        let flare = ["FLARE22_Tr_0000_0000", "FLARE22_Tr_0001_0000"];
        for (name, labels, images, case) in [
            ("amos_0000", Some("amos_0000"), &amos[..], None),
            ("amos_0000", Some("amos_0000"), &amos[..1], None),
            ("amos_0000", Some("amos"), &amos[..1], Some("amos")),
            ("amos_0000", None, &amos, None),
            ("amos_0000", None, &amos[..1], Some("amos")),
            ("amos_0001", Some("amos"), &amos, None),
            (
                flare[0],
                Some("FLARE22_Tr_0000"),
                &flare,
                Some("FLARE22_Tr_0000"),
            ),
            (flare[1], None, &flare, Some("FLARE22_Tr_0001")),
            ("p1_ct_0000", Some("p1"), &["p1_ct_0000"], Some("p1")),
            ("0000", None, &["0000"], None),
        ] {
            let found = case_of_channel(name, labels, &numbered(images.iter().copied()));
            assert_eq!(
                found.as_deref(),
                case,
                "{name} with {labels:?} among {images:?}"
            );
        }
    }

    #[test]
    fn a_file_that_only_says_ct_is_named_after_its_folder() {
        assert_eq!(
            case_name(Path::new("cohort/s0011/ct.nii.gz")),
            "s0011",
            "TotalSegmentator"
        );
        assert_eq!(case_name(Path::new("cohort/p3_ct.nii.gz")), "p3", "by file");
        assert_eq!(case_name(Path::new("ct.nii.gz")), "ct", "no folder");
        assert_eq!(case_name(Path::new("cohort/..")), "", "no name");
    }
}

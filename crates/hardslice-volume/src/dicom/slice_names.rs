//! Which files could be slices of a series, by their names alone.

use std::path::Path;

use crate::Ending;

/// Whether a file that cannot be read could be a slice by its own name: it ends with one of DICOM's
/// endings, or has one before what a download, a packer or an editor put behind it
/// (`IM11.dcm.part`, `IM11.dcm.gz`, `IM11.dcm~`).
pub(super) fn is_called_dicom(path: &Path) -> bool {
    Ending::within(&file_name(path)) == Some(Ending::Dicom)
}

/// Whether a file that cannot be read is called as an image beside it, which can: numbered like it,
/// or with the same ending of letters, also before more (`a.ct.part` beside `b.ct`).
pub(super) fn is_called_like(path: &Path, image: &Path) -> bool {
    if path.parent() != image.parent() {
        return false;
    }
    let (name, image_name) = (file_name(path), file_name(image));
    let (_, Some(ending)) = stem_and_ending(&image_name) else {
        return is_numbered_like(path, image);
    };
    let mut places = name.match_indices(ending);
    let has_its_ending = places.any(|(at, _)| {
        let is_behind_a_stop = name[..at].ends_with('.') && at > 1;
        is_behind_a_stop && !name[at + ending.len()..].starts_with(char::is_alphanumeric)
    });
    has_its_ending || is_numbered_like(path, image)
}

/// Whether a file has the name of an image beside it but for its numbers, also before what was put
/// behind it (`IM#.part` beside `IM#` or `IM#.dcm`).
pub(super) fn is_numbered_like(path: &Path, image: &Path) -> bool {
    if path.parent() != image.parent() {
        return false;
    }
    let (shape, image) = (name_shape(&file_name(path)), file_name(image));
    let is_with_more = |whole: &str| {
        let more = shape.strip_prefix(whole);
        more.is_some_and(|more| more.is_empty() || more.starts_with(['.', '~', ' ', '(']))
    };
    let (stem, _) = stem_and_ending(&image);
    is_with_more(&name_shape(&image)) || is_with_more(&name_shape(stem))
}

/// Whether a file is called after an image beside it: by its whole name or its name without ending,
/// with another ending behind. The slice is there, so that the file is none.
pub(super) fn is_called_after(path: &Path, image: &Path) -> bool {
    if path.parent() != image.parent() {
        return false;
    }
    let (name, image) = (file_name(path), file_name(image));
    let (stem, ending) = stem_and_ending(&image);
    let rest = |of: &str| name.strip_prefix(of).map(str::to_owned);
    let after_whole = rest(&image).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    let after_stem = rest(stem).is_some_and(|rest| rest.starts_with('.'));
    after_whole || (ending.is_some() && after_stem)
}

/// A name with each run of digits replaced by `#`: `IM0012` is `IM#`.
fn name_shape(name: &str) -> String {
    let mut shape = String::new();
    for c in name.chars() {
        match c {
            '0'..='9' if shape.ends_with('#') => {}
            '0'..='9' => shape.push('#'),
            other => shape.push(other),
        }
    }
    shape
}

/// A name in small letters.
fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.to_lowercase()
}

/// A name before its last full stop, and the ending behind it: one of letters, as `1.2.840` has none.
fn stem_and_ending(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('.') {
        Some((stem, ending))
            if !stem.is_empty() && ending.starts_with(|c: char| c.is_alphabetic()) =>
        {
            (stem, Some(ending))
        }
        _ => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_known_by_its_ending_wherever_in_the_name_it_stands() {
        for name in [
            "a.dcm",
            "a.DCM",
            "a.dcm.part",
            "a.dcm.gz",
            "a.dcm.crdownload",
            "a.dcm~",
            "a.dcm (1)",
            "a.dcm_old",
            "a.ima.filepart",
            "größe.dicom.tmp",
        ] {
            assert!(is_called_dicom(Path::new(name)), "{name}");
        }
        for name in [
            "a.png",
            "dcm",
            "a.image.txt",
            "a.dcmtk",
            "README.txt",
            "a.dcm2niix.log",
        ] {
            assert!(!is_called_dicom(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn a_slice_is_known_by_the_names_of_the_images_beside_it() {
        for (name, image) in [
            ("IM0011", "IM0001"),
            ("IM0011.part", "IM0001"),
            ("IM0011.part", "IM0001.dcm"),
            ("IM0011.dcm.part", "IM0001.dcm"),
            ("im0011", "IM0001"),
            ("1.2.840.12.crdownload", "1.2.840.7"),
            ("other.ct.tmp", "first.ct"),
            ("IM11 (1)", "IM1"),
        ] {
            assert!(is_called_like(Path::new(name), Path::new(image)), "{name}");
        }
        for (name, image) in [
            ("README.txt", "IM0001.dcm"),
            ("b/IM0011", "a/IM0001"),
            ("Thumbs.db", "IM0001"),
            ("2024-report.txt", "7"),
            ("notes.txt", "1.2.840.7"),
            ("ct", "first.ct"),
        ] {
            assert!(!is_called_like(Path::new(name), Path::new(image)), "{name}");
        }
    }

    #[test]
    fn what_is_called_after_an_image_is_no_slice() {
        for (name, image, is_after) in [
            ("IM11.png", "IM11.dcm", true),
            ("IM11.dcm.json", "IM11.dcm", true),
            ("IM11.json", "IM11", true),
            ("IM11.dcm.part", "IM1.dcm", false),
            ("1.2.34.part", "1.2.3", false),
            ("1.2.34", "1.2.3", false),
        ] {
            let found = is_called_after(Path::new(name), Path::new(image));
            assert_eq!(found, is_after, "{name} beside {image}");
        }
    }
}

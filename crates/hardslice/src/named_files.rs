//! Scans and label maps of a folder, by name.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use hardslice_volume::Ending;
use hardslice_volume::dicom::list_series;
use hardslice_volume::folder::{visible_entries, visible_paths};

/// A scan, or labels, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedFile {
    pub(crate) path: PathBuf,
    /// The file's name without its ending, or the folder's.
    pub(crate) name: String,
}

impl NamedFile {
    /// Fails where the name is not UTF-8: two such names could become one. A path that ends in no
    /// name (`.`, where the series lies in the folder that the program was started in) is `scan`.
    pub(crate) fn new(path: &Path) -> anyhow::Result<Self> {
        let name = path.file_name().unwrap_or(OsStr::new("scan"));
        let name = name.to_str();
        let name = name.with_context(|| {
            format!("the name is not UTF-8, rename the scan: {}", path.display())
        })?;
        let name = if path.is_dir() {
            name
        } else {
            Ending::split(name).0
        };
        Ok(Self {
            path: path.to_owned(),
            name: name.to_owned(),
        })
    }
}

/// The volumes of a folder (NIfTI, NRRD, MetaImage), in the order of their files; none when `path`
/// is a file or holds none. Folders in it are not looked into.
///
/// # Errors
///
/// A name is not UTF-8, an entry cannot be reached, or beside the volumes lies a folder of DICOM
/// images, or what is left of a broken download: a scan would be passed over.
pub(crate) fn volumes_in(path: &Path) -> anyhow::Result<Vec<NamedFile>> {
    let volumes = named(path, |entry| {
        !entry.is_dir() && Ending::of(entry).is_some_and(Ending::is_volume)
    })?;
    if volumes.is_empty() {
        return Ok(volumes);
    }
    for entry in visible_entries(path)? {
        if entry.is_dir() && holds_images(&entry) {
            return Err(anyhow!(
                "{} holds volumes and a folder of DICOM images, {}, which would be passed over: give \
                 the one or the other, in a folder of its own",
                path.display(),
                entry.display()
            ));
        }
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        let is_part = Ending::split(&name).1.is_none()
            && Ending::within(&name).is_some_and(Ending::is_volume);
        if is_part && entry.is_file() {
            return Err(anyhow!(
                "{} ends as no volume does, but like a part of one (a download that broke off, a \
                 copy?): complete it, or move it away",
                entry.display()
            ));
        }
    }
    Ok(volumes)
}

/// The folders in a folder that hold volumes themselves.
pub(crate) fn folders_of_volumes(path: &Path) -> Vec<PathBuf> {
    let is_volume =
        |path: &PathBuf| path.is_file() && Ending::of(path).is_some_and(Ending::is_volume);
    let holds_volumes = |folder: &PathBuf| {
        let inside = visible_paths(folder).unwrap_or_default();
        folder.is_dir() && inside.iter().any(is_volume)
    };
    let inside = visible_paths(path).unwrap_or_default();
    inside.into_iter().filter(holds_volumes).collect()
}

/// Whether images of a DICOM series lie below a folder. One with files that cannot be read as such is
/// one where their names say that they are DICOM.
fn holds_images(folder: &Path) -> bool {
    let is_named_so = || {
        let inside = visible_paths(folder).unwrap_or_default();
        inside
            .iter()
            .any(|path| Ending::of(path) == Some(Ending::Dicom))
    };
    match list_series(folder) {
        Ok(series) => !series.is_empty(),
        Err(_) => is_named_so(),
    }
}

/// The labels of a folder, as [`volumes_in`]; also DICOM segmentations, and folders that hold such or
/// masks.
pub(crate) fn labels_in(path: &Path) -> anyhow::Result<Vec<NamedFile>> {
    named(path, |entry| {
        let is_one = |path: &Path| {
            Ending::of(path).is_some_and(|end| end.is_volume() || end == Ending::Dicom)
        };
        if entry.is_dir() {
            // A folder that cannot be listed is one: reading it says what is wrong.
            visible_paths(entry).map_or(true, |inside| inside.iter().any(|path| is_one(path)))
        } else {
            is_one(entry)
        }
    })
}

fn named(path: &Path, is_one: impl Fn(&Path) -> bool) -> anyhow::Result<Vec<NamedFile>> {
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let entries = visible_entries(path)?;
    let files = entries.iter().filter(|entry| is_one(entry));
    files.map(|path| NamedFile::new(path)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_scan_is_called_by_its_file_without_ending() {
        for (path, name) in [
            ("a/b_ct.nii.gz", "b_ct"),
            ("a/b.nii", "b"),
            ("a/B.NII.GZ", "B"),
            ("a/b.seg.nrrd", "b"),
            ("a/b.mha", "b"),
            ("a/b.1.hdr.gz", "b.1"),
            ("a/series", "series"),
            ("a/..", "scan"),
        ] {
            assert_eq!(NamedFile::new(Path::new(path)).unwrap().name, name);
        }
    }

    #[test]
    fn volumes_of_all_endings_are_listed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(dir.path().join(name), "").unwrap();
        for name in [
            "a.nii",
            "b.NII.GZ",
            "c.mha",
            "d.MHD",
            "e.nrrd",
            "f.seg.nrrd",
            "g.HDR",
            "h.hdr.gz",
        ] {
            write(name);
        }
        for name in [
            "._a.nii",
            ".b.nii.gz",
            "g.IMG",
            "d.zraw",
            "x.txt",
            "s.dcm",
            ".DS_Store",
        ] {
            write(name);
        }
        for name in ["masks", "empty", "d.nii"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        write("masks/liver.NII.GZ");
        let names = |files: Vec<NamedFile>| -> String {
            files.into_iter().map(|file| file.name + " ").collect()
        };
        let volumes = names(volumes_in(dir.path()).unwrap());
        assert_eq!(volumes, "a b c d e f g h ", "volumes");
        let labels = names(labels_in(dir.path()).unwrap());
        assert_eq!(labels, "a b c d e f g h masks s ", "labels");
        assert!(volumes_in(&dir.path().join("a.nii")).unwrap().is_empty());
    }

    #[test]
    fn what_would_be_passed_over_beside_volumes_is_refused_by_name() {
        for (more, named) in [
            ("p1/IM1.dcm", "a folder of DICOM images"),
            ("b.nii.gz.part", "b.nii.gz.part ends as no volume"),
            ("b.nrrd~", "b.nrrd~ ends as no volume"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("a.nii.gz"), "").unwrap();
            let path = dir.path().join(more);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
            let refused = format!("{:#}", volumes_in(dir.path()).err().unwrap());
            assert!(refused.contains(named), "{refused}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_scan_whose_name_is_not_utf_8_and_a_broken_link_are_named_and_not_passed_over() {
        use std::os::unix::ffi::OsStrExt;

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(OsStr::from_bytes(b"m\xfcller.nii.gz"));
        fs::write(&path, "").unwrap();
        let refused = format!("{:#}", volumes_in(dir.path()).err().unwrap());
        assert!(refused.contains("the name is not UTF-8"), "{refused}");
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/no/scan.nii", dir.path().join("a.nii")).unwrap();
        let refused = format!("{:#}", volumes_in(dir.path()).err().unwrap());
        assert!(refused.contains("a.nii: it is a link to"), "{refused}");
    }
}

//! Where label maps of new scans go, and in which format.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use hardslice_volume::Ending;
use serde::Serialize;

use super::{check_writable, ends_with_separator, extension};

/// A format that label maps are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LabelFormat {
    /// NIfTI-1: .nii.gz, or .nii where a file is named so.
    Nifti,
    /// NRRD: .nrrd.
    Nrrd,
    /// A segmentation of 3D Slicer with the organs' names, colours and codes: .seg.nrrd.
    SegNrrd,
    /// `MetaImage`: .mha, or .mhd where a file is named so.
    Mha,
    /// A DICOM segmentation of a DICOM series: .dcm.
    DicomSeg,
    /// A DICOM structure set, contours of a DICOM series: .dcm.
    Rtstruct,
}

impl LabelFormat {
    /// What the names of its files end with, the usual one first.
    fn endings(self) -> &'static [(&'static str, Ending)] {
        match self {
            Self::Nifti => &[(".nii.gz", Ending::NiftiGz), (".nii", Ending::Nifti)],
            Self::Nrrd => &[(".nrrd", Ending::Nrrd)],
            Self::SegNrrd => &[(".seg.nrrd", Ending::SegNrrd)],
            Self::Mha => &[
                (".mha", Ending::MetaImage),
                (".mhd", Ending::MetaImageHeader),
            ],
            Self::DicomSeg | Self::Rtstruct => &[(".dcm", Ending::Dicom)],
        }
    }

    /// What the names of its files end with in a folder.
    fn usual_ending(self) -> &'static str {
        self.endings()[0].0
    }

    /// Whether it is derived from a DICOM series, and from nothing else.
    pub(crate) fn is_of_series(self) -> bool {
        match self {
            Self::Nifti | Self::Nrrd | Self::SegNrrd | Self::Mha => false,
            Self::DicomSeg | Self::Rtstruct => true,
        }
    }

    fn all() -> &'static [Self] {
        use clap::ValueEnum as _;
        Self::value_variants()
    }

    fn has(self, ending: Ending) -> bool {
        self.endings().iter().any(|(_, own)| *own == ending)
    }
}

/// Where label maps go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LabelsOut {
    /// The one label map.
    File(PathBuf, LabelFormat),
    /// A folder, in which each is named by its scan.
    Folder(PathBuf, LabelFormat),
}

impl LabelsOut {
    /// A folder where one is there, where the name ends with `/` or has no ending; else a file. The
    /// format is the one that is asked for, else the one that a file's name says, and NIfTI in a
    /// folder.
    ///
    /// # Errors
    ///
    /// Where the ending is none that label maps are written with, or another format's, and where no file
    /// can be written.
    pub(crate) fn of(out: &Path, format: Option<LabelFormat>) -> anyhow::Result<Self> {
        check_writable(out).map_err(|said| anyhow!(said))?;
        let folder = || Self::Folder(out.to_owned(), format.unwrap_or(LabelFormat::Nifti));
        if out.is_dir() || ends_with_separator(out) {
            return Ok(folder());
        }
        let ending = Ending::of(out);
        let named = ending.and_then(|ending| {
            let asked = format.into_iter();
            // What is called .dcm may be one of several.
            let by_name = LabelFormat::all().iter().copied();
            let mut formats = asked.chain(by_name.filter(|format| !format.is_of_series()));
            formats.find(|format| format.has(ending))
        });
        match (named, format) {
            (Some(named), Some(asked)) if named != asked => {
                let endings = asked.endings().iter().map(|(ending, _)| *ending);
                return Err(anyhow!(
                    "--format asks for files that end with {}, --out names another: {}",
                    endings.collect::<Vec<_>>().join(" or "),
                    out.display()
                ));
            }
            (Some(named), _) => return Ok(Self::File(out.to_owned(), named)),
            (None, _) => {}
        }
        // `v1.2` is a folder's name.
        let is_of_file = extension(out).is_some_and(|extension| {
            extension.len() <= 12 && extension.starts_with(|c: char| c.is_ascii_alphabetic())
        });
        if out.is_file() || is_of_file {
            return Err(anyhow!(
                "label maps are written as .nii.gz, .nii, .nrrd, .seg.nrrd, .mha or .mhd, and as .dcm \
                 with --format dicom-seg or rtstruct; a folder whose name ends like a file's needs \
                 a / behind it: {}",
                out.display()
            ));
        }
        Ok(folder())
    }

    /// The format of all of them.
    pub(crate) fn format(&self) -> LabelFormat {
        match self {
            Self::File(_, format) | Self::Folder(_, format) => *format,
        }
    }

    /// The label map of a scan of this name.
    pub(crate) fn of_scan(&self, name: &str) -> PathBuf {
        match self {
            Self::File(out, _) => out.clone(),
            Self::Folder(dir, format) => dir.join(format!("{name}{}", format.usual_ending())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_ends_like_a_file_is_one_and_an_unknown_ending_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let made = dir.path().join("made.nii.gz");
        fs::create_dir(&made).unwrap();
        for (name, format) in [
            ("a.nii", LabelFormat::Nifti),
            ("a.NII.GZ", LabelFormat::Nifti),
            ("b.c.nii", LabelFormat::Nifti),
            ("a.mha", LabelFormat::Mha),
            ("a.MHD", LabelFormat::Mha),
            ("a.nrrd", LabelFormat::Nrrd),
            ("a.Seg.NRRD", LabelFormat::SegNrrd),
        ] {
            let path = dir.path().join(name);
            let file = LabelsOut::File(path.clone(), format);
            assert_eq!(LabelsOut::of(&path, None).unwrap(), file);
            assert_eq!(LabelsOut::of(&path, Some(format)).unwrap(), file);
            for other in LabelFormat::all().iter().filter(|other| **other != format) {
                let refused = LabelsOut::of(&path, Some(*other)).unwrap_err().to_string();
                assert!(refused.contains(other.usual_ending()), "{name}: {refused}");
            }
        }
        for path in [
            dir.path().join("out"),
            dir.path().join("v1.2"),
            dir.path().join("x.txt/"),
            PathBuf::from(".."),
            made,
        ] {
            for format in [None, Some(LabelFormat::SegNrrd)] {
                let usual = format.unwrap_or(LabelFormat::Nifti);
                assert_eq!(
                    LabelsOut::of(&path, format).unwrap(),
                    LabelsOut::Folder(path.clone(), usual)
                );
            }
        }
        for name in [
            "a.txt",
            "a.dcm",
            "a.img",
            "a.hdr",
            "a.gz",
            "a.nhdr",
            "a.seg.nhdr",
        ] {
            let refused = LabelsOut::of(&dir.path().join(name), None).unwrap_err();
            assert!(refused.to_string().contains(".mha"), "{name}: {refused}");
        }
        let folder = LabelsOut::of(Path::new("out"), Some(LabelFormat::SegNrrd)).unwrap();
        assert_eq!(folder.of_scan("a.b"), Path::new("out/a.b.seg.nrrd"));
    }
}

//! What the ending of a file's name says about its format.

use std::path::Path;

/// What the ending of a name says, in letters of any case: `.nii.gz` and `.NII.GZ` are one.
///
/// Readers look at a file's first bytes, too, and believe those; endings decide which files of a
/// folder are looked at, what a case is called and how a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// `.nii`
    Nifti,
    /// `.nii.gz`
    NiftiGz,
    /// `.hdr` or `.hdr.gz`: the header of a NIfTI pair.
    NiftiHeader,
    /// `.img` or `.img.gz`: the voxels of a NIfTI pair.
    NiftiVoxels,
    /// `.nrrd`
    Nrrd,
    /// `.nhdr`: a header whose voxels stand in another file.
    NrrdHeader,
    /// `.seg.nrrd`: a segmentation of 3D Slicer.
    SegNrrd,
    /// `.seg.nhdr`: the header of one whose voxels stand in another file.
    SegNrrdHeader,
    /// `.mha`
    MetaImage,
    /// `.mhd`: a header whose voxels stand in another file.
    MetaImageHeader,
    /// `.dcm`, `.dicom` or `.ima`
    Dicom,
}

/// An ending that ends another one stands behind it.
const ENDINGS: [(&str, Ending); 17] = [
    (".nii.gz", Ending::NiftiGz),
    (".nii", Ending::Nifti),
    (".hdr.gz", Ending::NiftiHeader),
    (".hdr", Ending::NiftiHeader),
    (".img.gz", Ending::NiftiVoxels),
    (".img", Ending::NiftiVoxels),
    (".seg.nrrd", Ending::SegNrrd),
    (".seg.nhdr", Ending::SegNrrdHeader),
    (".nrrd", Ending::Nrrd),
    (".nhdr", Ending::NrrdHeader),
    (".seg.mha", Ending::MetaImage),
    (".mha", Ending::MetaImage),
    (".seg.mhd", Ending::MetaImageHeader),
    (".mhd", Ending::MetaImageHeader),
    (".dcm", Ending::Dicom),
    (".dicom", Ending::Dicom),
    (".ima", Ending::Dicom),
];

impl Ending {
    /// The ending of a file's name; `None` where it is none of those.
    pub fn of(path: &Path) -> Option<Self> {
        Self::split(&path.file_name()?.to_string_lossy()).1
    }

    /// A name without its ending, and the ending.
    ///
    /// ```
    /// use hardslice_volume::Ending;
    ///
    /// assert_eq!(Ending::split("Liver.NII.GZ"), ("Liver", Some(Ending::NiftiGz)));
    /// assert_eq!(Ending::split("notes.txt"), ("notes.txt", None));
    /// ```
    pub fn split(name: &str) -> (&str, Option<Self>) {
        let stem = |ending: &str| {
            let at = name.len().checked_sub(ending.len())?;
            let (stem, tail) = name.split_at_checked(at)?;
            tail.eq_ignore_ascii_case(ending).then_some(stem)
        };
        ENDINGS
            .iter()
            .find_map(|(ending, kind)| Some((stem(ending)?, Some(*kind))))
            .unwrap_or((name, None))
    }

    /// The ending that a name has before what a download, a packer or an editor put behind it:
    /// `.part`, `.gz`, `~`, ` (1)`; the name's own where nothing is behind it.
    ///
    /// ```
    /// use hardslice_volume::Ending;
    ///
    /// assert_eq!(Ending::within("a.nii.gz.part"), Some(Ending::NiftiGz));
    /// assert_eq!(Ending::within("a.dcm (1)"), Some(Ending::Dicom));
    /// assert_eq!(Ending::within("a.image.txt"), None);
    /// ```
    pub fn within(name: &str) -> Option<Self> {
        Self::split_within(name).map(|(_, ending)| ending)
    }

    /// What a name has before the ending that is [within](Self::within) it.
    ///
    /// ```
    /// use hardslice_volume::Ending;
    ///
    /// assert_eq!(Ending::stem_within("liver.nii.gz.part"), Some("liver"));
    /// assert_eq!(Ending::stem_within("liver.txt"), None);
    /// ```
    pub fn stem_within(name: &str) -> Option<&str> {
        Self::split_within(name).map(|(stem, _)| stem)
    }

    fn split_within(name: &str) -> Option<(&str, Self)> {
        let ends = name.char_indices().map(|(at, _)| at).filter(|at| *at > 0);
        let ends = ends.chain([name.len()]).rev();
        let mut ends = ends.filter(|at| !name[*at..].starts_with(char::is_alphanumeric));
        ends.find_map(|at| {
            let (stem, ending) = Self::split(&name[..at]);
            Some((stem, ending?))
        })
    }

    /// A file's name without its ending, as a case or a structure is called after it.
    pub fn stem(path: &Path) -> String {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self::split(&name).0.to_owned()
    }

    /// Whether a file with this ending can be given as a scan or a label map by itself: all but
    /// DICOM, whose slices make a scan together, and the voxels of a NIfTI pair, whose header is
    /// the one to give.
    pub fn is_volume(self) -> bool {
        !matches!(self, Self::Dicom | Self::NiftiVoxels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_found_in_letters_of_any_case() {
        for (name, stem, ending) in [
            ("a.nii", "a", Some(Ending::Nifti)),
            ("a.Nii", "a", Some(Ending::Nifti)),
            ("a.b.NII.GZ", "a.b", Some(Ending::NiftiGz)),
            ("A.HDR", "A", Some(Ending::NiftiHeader)),
            ("A.Img.gz", "A", Some(Ending::NiftiVoxels)),
            ("liver.SEG.NRRD", "liver", Some(Ending::SegNrrd)),
            ("liver.nrrd", "liver", Some(Ending::Nrrd)),
            ("x.MHA", "x", Some(Ending::MetaImage)),
            ("x.mhd", "x", Some(Ending::MetaImageHeader)),
            ("IM1.DCM", "IM1", Some(Ending::Dicom)),
            ("IM1.IMA", "IM1", Some(Ending::Dicom)),
            ("a.gz", "a.gz", None),
            ("nii", "nii", None),
            ("größe", "größe", None),
            ("", "", None),
        ] {
            assert_eq!(Ending::split(name), (stem, ending), "`{name}`");
        }
    }
}

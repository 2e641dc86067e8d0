//! Label maps of two folders that belong together, and their scores.

use std::path::Path;

use anyhow::{Context, anyhow};
use hardslice_data::{CaseId, Organ, OrganMap};
use hardslice_eval::{CaseScores, ScoreOptions};
use hardslice_volume::{
    LabelNames, LabelsInfo, Note, Placement, ReadError, Reference, Scan, Slices,
    default_tolerance_mm, describe_labels, read_labels_on,
};

use crate::label_doubts::Outside;
use crate::label_maps::{LabelMaps, Meaning, organs_of};
use crate::named_files::NamedFile;

/// A truth and what belongs to it.
#[derive(Debug)]
pub(crate) struct Pair {
    /// The truth's name without what marks it as one.
    pub(crate) case: CaseId,
    pub(crate) truth: NamedFile,
    /// Absent where there is none of the name.
    pub(crate) predicted: Option<NamedFile>,
    /// The scan, where scans were given.
    scan: Option<NamedFile>,
}

/// The truths of a folder with their predictions, in the order of the truths.
#[derive(Debug)]
pub(crate) struct Pairs {
    pub(crate) pairs: Vec<Pair>,
    /// Predictions of no truth.
    pub(crate) extra: Vec<NamedFile>,
}

impl Pairs {
    /// The one pair of two files, whatever they are called; the case is named by the truth. `scan` is
    /// a scan, or the folder of its DICOM series.
    ///
    /// # Errors
    ///
    /// Where no case can be called after the truth.
    pub(crate) fn one(truth: &Path, predicted: &Path, scan: Option<&Path>) -> anyhow::Result<Self> {
        let truth = NamedFile::new(truth)?;
        let case = CaseId::new(case_name(&truth.name))
            .with_context(|| format!("no case can be called after {}", truth.path.display()))?;
        let pair = Pair {
            case,
            predicted: Some(NamedFile::new(predicted)?),
            scan: scan.map(NamedFile::new).transpose()?,
            truth,
        };
        Ok(Self {
            pairs: vec![pair],
            extra: Vec::new(),
        })
    }

    /// A prediction of just the truth's name comes before one of the case's.
    ///
    /// # Errors
    ///
    /// Where two files are called alike, so that one would be taken for the other: two truths of a
    /// case, two predictions or two scans of one name.
    pub(crate) fn by_name(
        truths: Vec<NamedFile>,
        predictions: &[NamedFile],
        scans: &[NamedFile],
    ) -> anyhow::Result<Self> {
        let mut pairs: Vec<Pair> = Vec::new();
        for truth in truths {
            let name = case_name(&truth.name).to_owned();
            let case = CaseId::new(&name)
                .with_context(|| format!("no case can be called after {}", truth.path.display()))?;
            if let Some(other) = pairs.iter().find(|pair| pair.case == case) {
                return Err(anyhow!(
                    "two files of the truth are of case `{case}`, keep one: {} and {}",
                    other.truth.path.display(),
                    truth.path.display()
                ));
            }
            pairs.push(Pair {
                case,
                predicted: of_names(predictions, &[&truth.name, &name])?.cloned(),
                scan: of_names(scans, &[&name, &truth.name])?.cloned(),
                truth,
            });
        }
        let taken = |file: &&NamedFile| {
            let mut predicted = pairs.iter().filter_map(|pair| pair.predicted.as_ref());
            predicted.any(|other| other.path == file.path)
        };
        let extra = predictions.iter().filter(|file| !taken(file));
        Ok(Self {
            extra: extra.cloned().collect(),
            pairs,
        })
    }
}

/// The file of the first of these names that there is.
fn of_names<'f>(files: &'f [NamedFile], names: &[&str]) -> anyhow::Result<Option<&'f NamedFile>> {
    for name in names {
        let mut of_name = files.iter().filter(|file| file.name == *name);
        match (of_name.next(), of_name.next()) {
            (Some(first), Some(second)) => {
                return Err(anyhow!(
                    "two files are called `{name}`, keep one: {} and {}",
                    first.path.display(),
                    second.path.display()
                ));
            }
            (Some(only), None) => return Ok(Some(only)),
            (None, _) => {}
        }
    }
    Ok(None)
}

/// A truth's name without what marks it as one.
fn case_name(truth: &str) -> &str {
    let mut endings = ["_seg", "_gt"].iter();
    let bare = endings.find_map(|ending| truth.strip_suffix(ending));
    bare.filter(|name| !name.is_empty()).unwrap_or(truth)
}

/// How pairs are read and scored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PairReader<'a> {
    /// Which label values are which organ.
    pub(crate) meaning: Meaning<'a>,
    /// How far the corners of two grids may lie apart, millimetres; `None` for the default of the
    /// truth's grid.
    pub(crate) grid_tolerance_mm: Option<f64>,
    pub(crate) options: &'a ScoreOptions,
}

/// What was made of a pair.
#[derive(Debug)]
pub(crate) struct ReadPair<R> {
    pub(crate) made: R,
    /// What the readers took for granted.
    pub(crate) notes: Vec<Note>,
    /// The values that belong to no organ; none where all values are organs.
    pub(crate) outside: Outside,
}

impl PairReader<'_> {
    /// Reads a pair onto one grid and scores it, organ by organ.
    pub(crate) fn score(&self, pair: &Pair) -> anyhow::Result<ReadPair<Vec<(Organ, CaseScores)>>> {
        self.read_pair(pair, |maps| {
            maps.score(self.meaning.organs, self.meaning.ignored, self.options)
        })
    }

    /// Reads a pair onto one canonical grid and hands it on, with the values of the truth in both.
    pub(crate) fn read_pair<R>(
        &self,
        pair: &Pair,
        made: impl FnOnce(&LabelMaps<'_, u16>) -> anyhow::Result<R>,
    ) -> anyhow::Result<ReadPair<R>> {
        let predicted = pair.predicted.as_ref();
        let predicted = predicted.ok_or_else(|| anyhow!("it has no prediction of its name"))?;
        let files = [
            (&pair.truth, self.meaning.organs),
            (predicted, self.meaning.of_predictions()),
        ];
        let mut infos = Vec::with_capacity(2);
        for (file, organs) in files {
            let info = describe_labels(&file.path)?;
            check_names(organs, &info, file)?;
            infos.push(info);
        }
        let (placement, frame_of_reference) = grid_of(pair, &infos)?;
        let grid = placement.canonical;
        let spacing_mm = grid.measured_spacing_mm().with_context(|| {
            format!(
                "distances cannot be measured in {}",
                pair.truth.path.display()
            )
        })?;
        let reference = Reference {
            placement: &placement,
            frame_of_reference: frame_of_reference.as_deref(),
        };
        let [truth, predicted] = files.map(|file| self.read(file, reference, pair.scan.as_ref()));
        let (truth, predicted) = (truth?, predicted?);
        let notes = [truth.notes, predicted.notes].concat();
        let (truth, predicted) = (truth.volume.into_voxels(), predicted.volume.into_voxels());
        let maps = LabelMaps {
            truth: &truth,
            predicted: &predicted,
            shape: grid.shape,
            spacing_mm,
        };
        let (made, outside) = maps.with_one_meaning(&self.meaning, made)?;
        Ok(ReadPair {
            made,
            notes,
            outside,
        })
    }

    /// The organs that a truth holds by itself; none where it cannot be read without its scan.
    pub(crate) fn organs_of_truth(&self, pair: &Pair) -> Vec<Organ> {
        let read = || -> anyhow::Result<Vec<Organ>> {
            let infos = [describe_labels(&pair.truth.path)?];
            let (placement, _) = grid_of(pair, &infos)?;
            let truth = (&pair.truth, self.meaning.organs);
            let truth = self.read(truth, (&placement).into(), pair.scan.as_ref())?;
            let values = truth.volume.into_voxels().into_iter();
            let values = values.filter(|value| *value > 0 && !self.meaning.ignored.contains(value));
            let organs = organs_of(values.collect())?;
            Ok(organs.map_or(Vec::new(), |organs| organs.organs().cloned().collect()))
        };
        // Whatever is wrong with it: the case is listed without an organ.
        read().unwrap_or_default()
    }

    /// Reads labels onto a grid, that of the scan where one is given.
    fn read(
        &self,
        (file, organs): (&NamedFile, Option<&OrganMap>),
        reference: Reference<'_>,
        scan: Option<&NamedFile>,
    ) -> anyhow::Result<Scan<u16>> {
        let none = LabelNames::default();
        let names = organs.map_or(&none, OrganMap::label_names);
        let tolerance_mm = self
            .grid_tolerance_mm
            .unwrap_or(default_tolerance_mm(&reference.placement.canonical));
        match read_labels_on(&file.path, reference, names, tolerance_mm) {
            Err(ReadError::Grid { source, path }) => {
                let [one, other] = source.grids();
                let (lie, onto) = match scan {
                    None => (
                        "truth and prediction lie on different grids".to_owned(),
                        "resample one of them onto the other",
                    ),
                    Some(scan) => (
                        format!(
                            "the labels do not lie on the grid of {}",
                            scan.path.display()
                        ),
                        "resample them onto the scan",
                    ),
                };
                Err(anyhow!(
                    "{lie}, corners up to {:.3} mm apart ({:.3} mm allowed): {onto} (nearest \
                     neighbour), or allow more with --grid-tolerance-mm\n  the one:   {one}\n  the \
                     other: {other}\n  file:      {}",
                    source.corner_distance_mm,
                    source.tolerance_mm,
                    path.display()
                ))
            }
            read => Ok(read?),
        }
    }
}

/// A plain label map has values and no names: an organ known by names alone would be nowhere.
fn check_names(
    organs: Option<&OrganMap>,
    info: &LabelsInfo,
    file: &NamedFile,
) -> anyhow::Result<()> {
    let mut by_names = organs.iter().flat_map(|map| map.by_names_alone());
    match by_names.next() {
        Some(organ) if !info.has_names => Err(anyhow!(
            "`{organ}` is given by names alone, and this label map holds values: wanted \
             ORGAN=VALUES as kidney=2,3, or values and names as kidney=2,3,kidney_left: {}",
            file.path.display()
        )),
        _ => Ok(()),
    }
}

/// The grid that a pair is read onto, and its frame of reference: the scan's, or that of the first
/// file which lies on the scan's whole grid.
fn grid_of(pair: &Pair, infos: &[LabelsInfo]) -> anyhow::Result<(Placement, Option<String>)> {
    if let Some(scan) = &pair.scan {
        let scan = Slices::of_scan(&scan.path, None)?;
        let frame_of_reference = scan.frame_of_reference().map(str::to_owned);
        return Ok((*scan.placement(), frame_of_reference));
    }
    let whole = infos.iter().filter(|info| !info.may_be_cropped);
    let part = infos.iter().filter(|info| info.may_be_cropped);
    let placement = whole.chain(part).find_map(|info| info.placement);
    let placement = placement.ok_or_else(|| {
        anyhow!(
            "DICOM segmentations lie on the voxels of their scan, and there is none: give the \
             folder of the scans with --scans, named as the case"
        )
    })?;
    Ok((placement, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<NamedFile> {
        let file = |name: &&str| NamedFile::new(std::path::Path::new(name)).unwrap();
        names.iter().map(file).collect()
    }

    fn predicted(truths: &[&str], predictions: &[&str]) -> Vec<(String, Option<String>)> {
        let pairs = Pairs::by_name(files(truths), &files(predictions), &[]).unwrap();
        let name = |file: NamedFile| file.path.display().to_string();
        let pairs = pairs.pairs.into_iter();
        pairs
            .map(|pair| (pair.case.to_string(), pair.predicted.map(name)))
            .collect()
    }

    #[test]
    fn a_prediction_of_just_the_truths_name_comes_first() {
        let of = |case: &str, file: &str| (case.to_owned(), Some(file.to_owned()));
        assert_eq!(
            predicted(
                &["a_seg.nii", "b_gt.mha"],
                &["a.nii", "a_seg.NII.GZ", "b.nrrd"]
            ),
            [of("a", "a_seg.NII.GZ"), of("b", "b.nrrd")]
        );
        assert_eq!(
            predicted(&["a.nii"], &["a_seg.nii"]),
            [("a".to_owned(), None)],
            "another case's"
        );
    }

    #[test]
    fn files_that_are_called_alike_are_refused() {
        for (truths, predictions) in [
            (&["a.nii"][..], &["a.nii", "a.nii.gz"][..]),
            (&["a.nii", "a.nii.gz"], &["a.nii"]),
            (&["a.nii", "a_seg.nii"], &["a.nii"]),
        ] {
            let refused = Pairs::by_name(files(truths), &files(predictions), &[]);
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains("keep one"), "{refused}");
        }
    }
}

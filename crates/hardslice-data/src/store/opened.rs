//! A finished store, open for reading.

use std::fs;
use std::path::{Path, PathBuf};

use hardslice_volume::whole_file::read_json;
use hardslice_volume::{Action, PerAxis};
use rayon::prelude::*;

use super::mapped::Mapped;
use super::record::{FORMAT, StoreRecord};
use super::{LeftOut, StoreError, StoreOptions, StoredCase, case_dir, record_path};
use crate::{Mirror, Organ, OrganMap, SliceKind, SliceRef, StoreOrgan, identity};

/// A prepared cohort, open for reading. Slices are read from disk when they are touched.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    record: StoreRecord,
    // Invariant: one for each case of the record, checked against it.
    maps: Vec<Maps>,
    /// The labels of every slice of a case without labels.
    background: Vec<u8>,
    content_hash: String,
}

#[derive(Debug)]
struct Maps {
    image: Mapped<i16>,
    labels: Option<LabelMaps>,
}

#[derive(Debug)]
struct LabelMaps {
    fitted: Mapped<u8>,
    native: Mapped<u8>,
}

impl Store {
    /// Opens a finished store and checks type, shape and length of every file.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the folder holds no finished store of this format, or a file is missing
    /// or not as recorded. Contents are not read: see [`Store::verify`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, StoreError> {
        let dir = dir.as_ref().to_path_buf();
        let record = read_record(&dir)?;
        let size = record.options.size;
        let maps = record
            .cases
            .iter()
            .map(|case| {
                check(case, &record.organs, &dir)?;
                Maps::open(&dir, case, size)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            content_hash: content_hash(&record),
            background: vec![0; size * size],
            maps,
            record,
            dir,
        })
    }

    /// What `store.json` says.
    pub(super) fn record(&self) -> &StoreRecord {
        &self.record
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Rows and columns of a slice, pixels.
    pub fn size(&self) -> usize {
        self.record.options.size
    }

    /// What decided the bytes, beside the scans.
    pub fn options(&self) -> &StoreOptions {
        &self.record.options
    }

    /// The organs, in the order of their values in the labels (from 1).
    pub fn organs(&self) -> &OrganMap {
        &self.record.organs
    }

    /// Values of the label maps whose voxels nobody has judged: they stand as
    /// [`IGNORED`](super::IGNORED) in the labels.
    pub fn ignored_labels(&self) -> &[u16] {
        &self.record.ignored_labels
    }

    /// The cases, in the order of the manifest.
    pub fn cases(&self) -> &[StoredCase] {
        &self.record.cases
    }

    /// Cases of the cohort that could not be prepared, in the order of the manifest.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.record.left_out
    }

    /// A case's place among [`Store::cases`], by its name.
    pub fn place_of(&self, case: &str) -> Option<usize> {
        let mut cases = self.record.cases.iter();
        cases.position(|stored| stored.id.as_str() == case)
    }

    /// A slice of a scan: Hounsfield units clipped to the window.
    ///
    /// # Shapes
    ///
    /// `[y, x]`, [`Store::size`] both; x grows to the patient's right, y to the front.
    ///
    /// # Panics
    ///
    /// When there is no such case or slice.
    pub fn image(&self, case_idx: usize, z: usize) -> &[i16] {
        self.maps[case_idx].image.slice(z)
    }

    /// A slice of the labels: 0 the background, else the organ's index plus one. All background
    /// for a case without labels (where no organ is annotated either).
    ///
    /// # Shapes
    ///
    /// As [`Store::image`].
    ///
    /// # Panics
    ///
    /// When there is no such case or slice.
    pub fn labels(&self, case_idx: usize, z: usize) -> &[u8] {
        match &self.maps[case_idx].labels {
            Some(maps) => maps.fitted.slice(z),
            None => &self.background,
        }
    }

    /// The labels of a whole case on the scan's own canonical grid, which scores are computed on;
    /// `None` for a case without labels.
    ///
    /// # Shapes
    ///
    /// `[z, y, x]` as `cases()[case_idx].placement.canonical` says.
    ///
    /// # Panics
    ///
    /// When there is no such case.
    pub fn native_labels(&self, case_idx: usize) -> Option<&[u8]> {
        self.maps[case_idx]
            .labels
            .as_ref()
            .map(|maps| maps.native.elements())
    }

    /// An organ's place in the store, by its name; `None` where the map does not have it.
    pub fn organ_of(&self, organ: &Organ) -> Option<StoreOrgan> {
        self.record.organs.index_of(organ).map(StoreOrgan::new)
    }

    /// Every organ of the map, in order.
    pub fn all_organs(&self) -> impl Iterator<Item = StoreOrgan> + use<> {
        (0..self.record.organs.len()).map(StoreOrgan::new)
    }

    /// The name of an organ.
    ///
    /// # Panics
    ///
    /// When it is of another store.
    pub fn organ(&self, organ: StoreOrgan) -> &Organ {
        &self.record.organs.entries()[organ.idx()].organ
    }

    /// The value of an organ's pixels in [`Store::labels`] and [`Store::native_labels`].
    ///
    /// # Panics
    ///
    /// When the organ is of another store.
    pub fn label_of(&self, organ: StoreOrgan) -> u8 {
        self.record.organs.store_value(organ.idx())
    }

    /// What becomes of an organ when x is reversed: itself, or the same organ of the other side; `None`
    /// where the map does not have that one.
    ///
    /// # Panics
    ///
    /// When the organ is of another store.
    pub fn mirrored(&self, organ: StoreOrgan) -> Option<StoreOrgan> {
        match self.record.organs.mirror(organ.idx()) {
            Mirror::Itself => Some(organ),
            Mirror::Twin(twin) => Some(StoreOrgan::new(twin)),
            Mirror::Missing { .. } => None,
        }
    }

    /// Whether somebody looked for an organ in a case.
    ///
    /// # Panics
    ///
    /// When there is no such case or organ.
    pub fn is_annotated(&self, case_idx: usize, organ: StoreOrgan) -> bool {
        self.record.cases[case_idx].is_annotated(self.organ(organ))
    }

    /// What a slice shows of an organ.
    ///
    /// # Panics
    ///
    /// When there is no such organ, case or slice.
    pub fn slice_kind(&self, organ: StoreOrgan, slice: SliceRef) -> SliceKind {
        let case = &self.record.cases[slice.case()];
        SliceKind::of(case.areas_px(organ), slice.place())
    }

    /// BLAKE3 of everything that a result can depend on: options, organs, cases and the content of
    /// their files. Not of paths: a cohort that was moved is the same cohort.
    pub fn content_hash(&self) -> &str {
        &self.content_hash
    }

    /// Opens a finished store as [`Store::open`] does, and reads all of it once to see that it is what
    /// was written: before something is trained on it or mined in it.
    ///
    /// # Errors
    ///
    /// As [`Store::open`] and [`Store::verify`], of which the first is given.
    pub fn open_verified(dir: impl AsRef<Path>) -> Result<Self, StoreError> {
        let store = Self::open(dir)?;
        let changed = store.verify().err().into_iter().flatten().next();
        changed.map_or(Ok(store), Err)
    }

    /// Reads every file and compares it with its recorded hash, and each case's own record with the
    /// store's.
    ///
    /// # Errors
    ///
    /// All files that have changed, as [`StoreError::Changed`], and records that contradict each
    /// other, as [`StoreError::Contradiction`].
    pub fn verify(&self) -> Result<(), Vec<StoreError>> {
        let cases = self.maps.par_iter().zip(&self.record.cases);
        let changed: Vec<StoreError> = cases
            .flat_map_iter(|(maps, case)| {
                let record = self.verify_record(case).err();
                record.into_iter().chain(maps.verify(case))
            })
            .collect();
        if changed.is_empty() {
            Ok(())
        } else {
            Err(changed)
        }
    }

    /// Compares what the store says of a case with what the case's own record says.
    fn verify_record(&self, case: &StoredCase) -> Result<(), StoreError> {
        let path = case_dir(&self.dir, &case.id).join("case.json");
        let is_same = read_json::<StoredCase>(&path).is_ok_and(|own| own == *case);
        if is_same {
            return Ok(());
        }
        let beside = record_path(&self.dir);
        Err(StoreError::Contradiction {
            case: case.id.clone(),
            what: format!(
                "its own record does not say what {} says of it: run `prepare` again",
                beside.display()
            ),
            path,
        })
    }
}

impl Maps {
    fn open(dir: &Path, case: &StoredCase, size: usize) -> Result<Self, StoreError> {
        let dir = case_dir(dir, &case.id);
        let shape = PerAxis::new(case.n_slices, size, size);
        let labels = if case.has_labels() {
            let native = case.placement.canonical.shape;
            Some(LabelMaps {
                fitted: Mapped::open(&dir.join("labels.npy"), shape)?,
                native: Mapped::open(&dir.join("labels_native.npy"), native)?,
            })
        } else {
            None
        };
        let image = Mapped::open(&dir.join("image.npy"), shape)?;
        Ok(Self { image, labels })
    }

    fn verify(&self, case: &StoredCase) -> Vec<StoreError> {
        let mut checks = vec![self.image.verify(&case.files.image_blake3)];
        if let (Some(maps), Some([fitted, native])) = (&self.labels, &case.files.labels_blake3) {
            checks.push(maps.fitted.verify(fitted));
            checks.push(maps.native.verify(native));
        }
        checks.into_iter().filter_map(Result::err).collect()
    }
}

/// Whether a case's files are there and their content is what was written.
pub(super) fn is_intact(dir: &Path, case: &StoredCase, size: usize) -> bool {
    Maps::open(dir, case, size).is_ok_and(|maps| maps.verify(case).is_empty())
}

fn read_record(dir: &Path) -> Result<StoreRecord, StoreError> {
    #[derive(serde::Deserialize)]
    struct Format {
        format: u32,
    }
    let path = record_path(dir);
    let bytes = fs::read(&path).map_err(|error| {
        let error = Action::Read.on(&path)(error);
        if error.is_missing() {
            let dir = dir.to_path_buf();
            StoreError::Unfinished { dir }
        } else {
            error.into()
        }
    })?;
    let broken = |source| StoreError::Record {
        path: path.clone(),
        source,
    };
    let Format { format } = serde_json::from_slice(&bytes).map_err(broken)?;
    if format != FORMAT {
        return Err(StoreError::Version {
            found: format,
            wanted: FORMAT,
            path,
        });
    }
    let record: StoreRecord = serde_json::from_slice(&bytes).map_err(broken)?;
    match record.options.problem() {
        Some(what) => Err(StoreError::RecordOptions { what, path }),
        None => Ok(record),
    }
}

/// Checks what later calls index by.
fn check(case: &StoredCase, organs: &OrganMap, dir: &Path) -> Result<(), StoreError> {
    let contradiction = |what: String| StoreError::Contradiction {
        case: case.id.clone(),
        what,
        path: record_path(dir),
    };
    if case.n_slices == 0 || case.n_slices != case.placement.canonical.shape.z {
        let grid = case.placement.canonical.shape;
        return Err(contradiction(format!(
            "{} slices on a grid of {grid}",
            case.n_slices
        )));
    }
    let is_whole = |areas: &Vec<u32>| areas.len() == case.n_slices;
    if case.area_px.len() != organs.len() || !case.area_px.iter().all(is_whole) {
        return Err(contradiction(
            "areas do not cover every organ and slice".to_owned(),
        ));
    }
    if !case.has_labels() && !case.organs_annotated.is_empty() {
        return Err(contradiction(
            "organs are annotated, but it has no labels".to_owned(),
        ));
    }
    match case
        .organs_annotated
        .iter()
        .find(|organ| organs.index_of(organ).is_none())
    {
        Some(organ) => Err(contradiction(format!(
            "`{organ}` is annotated but not in the map"
        ))),
        None => Ok(()),
    }
}

fn content_hash(record: &StoreRecord) -> String {
    let cases: Vec<_> = record
        .cases
        .iter()
        .map(|case| {
            let geometry = (case.n_slices, case.spacing_mm, case.placement);
            (
                &case.id,
                &case.patient,
                &case.organs_annotated,
                geometry,
                &case.files,
            )
        })
        .collect();
    // As a value, whose keys are in alphabetical order: the order of fields does not count.
    let of_cases = serde_json::json!([record.format, record.options, record.organs, cases]);
    match record.left_out.as_slice() {
        [] => identity(&of_cases),
        // Lists that name them make other folds than where they are no cases at all.
        left_out => identity(&serde_json::json!([of_cases, left_out])),
    }
}

//! Objects that are derived from a series of images: what they hold of the series, and what of
//! themselves.
//!
//! Patient, study and frame of reference are the series'. UIDs follow from what they name, and times
//! from the series, so that the same input gives the same file.
//!
//! # Sources
//!
//! PS3.3 C.7.1.1 (patient), C.7.2 (study), C.7.4.1 (frame of reference), C.7.5.1 and C.7.5.2
//! (equipment), C.12.1 (SOP common).

mod color;
mod error;
mod number;
mod outline;
mod rtstruct;
mod seg;
mod source_series;
mod text;

use std::path::Path;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::data_set::{DataSet, Value};
use super::uid::derived_uid;
use crate::structure::{Code, Structure};
use crate::{Note, Placement, Volume};

use self::text::Charset;

pub use error::DerivedError;
pub use rtstruct::write_rtstruct;
pub use seg::write_seg;
pub use source_series::SourceSeries;

/// The program and the model that labels come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maker<'a> {
    /// The program's version.
    pub version: &'a str,
    /// What names the model: the hash of its weights, 64 characters at most.
    pub model: &'a str,
}

/// What an object says whose it is: there, and empty, also where the series says nothing.
const ALWAYS: [Tag; 11] = [
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::STUDY_ID,
    tags::STUDY_INSTANCE_UID,
    tags::ACCESSION_NUMBER,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::POSITION_REFERENCE_INDICATOR,
];

/// What else it says of patient, study and frame of reference where the series does.
const WHERE_THERE: [Tag; 14] = [
    tags::FRAME_OF_REFERENCE_UID,
    tags::STUDY_DESCRIPTION,
    tags::ISSUER_OF_PATIENT_ID,
    tags::PATIENT_AGE,
    tags::PATIENT_SIZE,
    tags::PATIENT_WEIGHT,
    tags::PATIENT_IDENTITY_REMOVED,
    tags::DEIDENTIFICATION_METHOD,
    tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
    tags::CLINICAL_TRIAL_SPONSOR_NAME,
    tags::CLINICAL_TRIAL_PROTOCOL_ID,
    tags::CLINICAL_TRIAL_PROTOCOL_NAME,
    tags::CLINICAL_TRIAL_SUBJECT_ID,
    tags::TIMEZONE_OFFSET_FROM_UTC,
];

/// Dates and times of a series, that of the images first.
const TIMES: [(Tag, Tag); 4] = [
    (tags::CONTENT_DATE, tags::CONTENT_TIME),
    (tags::ACQUISITION_DATE, tags::ACQUISITION_TIME),
    (tags::SERIES_DATE, tags::SERIES_TIME),
    (tags::STUDY_DATE, tags::STUDY_TIME),
];

/// What an object is.
struct Kind {
    sop_class: &'static str,
    modality: &'static str,
    description: &'static str,
}

/// An object in the making.
struct Derived<'a> {
    set: DataSet,
    charset: Charset,
    series: &'a SourceSeries,
    date: String,
    time: String,
    /// What decides the object's UIDs, before the voxels.
    identity: Vec<Vec<u8>>,
    voxels: &'a [u8],
    notes: Vec<Note>,
}

impl<'a> Derived<'a> {
    /// An object of a series; `voxels` are the labels that it holds, in the series' order.
    fn new(
        kind: &Kind,
        series: &'a SourceSeries,
        voxels: &'a [u8],
        structures: &[Structure],
        maker: &Maker<'_>,
        path: &Path,
    ) -> Result<Self, DerivedError> {
        let mut set = DataSet::empty();
        for tag in ALWAYS {
            set.put(tag, "");
        }
        for tag in ALWAYS.into_iter().chain(WHERE_THERE) {
            if let Some(element) = series.top.get(tag)
                && matches!(element.value, Value::Bytes(_))
                && element.vr != VR::UN
            {
                set.put_element(tag, element.clone());
            }
        }
        let names = structures.iter().flat_map(|structure| {
            let meaning = structure.anatomy.iter();
            let meaning = meaning.map(|anatomy| anatomy.code.meaning.as_str());
            meaning.chain([structure.name.as_str()])
        });
        let charset = Charset::of(&series.top, &set, names, path)?;
        if let Some(name) = charset.name() {
            set.put(tags::SPECIFIC_CHARACTER_SET, name);
        }
        let mut identity = [
            kind.sop_class,
            maker.version,
            maker.model,
            &series.series_uid,
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec();
        for slice in &series.slices {
            identity.push(slice.instance_uid.as_bytes().to_vec());
            identity.push(slice.frame.unwrap_or_default().to_le_bytes().to_vec());
        }
        identity.push(format!("{structures:?}").into_bytes());
        let (date, time, notes) = date_and_time(series);
        let mut derived = Self {
            set,
            charset,
            series,
            date,
            time,
            identity,
            voxels,
            notes,
        };
        let uids = [tags::SOP_INSTANCE_UID, tags::SERIES_INSTANCE_UID];
        for (tag, what) in uids.into_iter().zip(["instance", "series"]) {
            let uid = derived.uid(what);
            derived.set.put(tag, uid);
        }
        let number = series.top.text(tags::SERIES_NUMBER);
        let number = number.and_then(|number| number.parse::<u32>().ok());
        let number = number.filter(|number| *number < 1_000_000).unwrap_or(0) + 1000;
        derived
            .set
            .put(tags::SOP_CLASS_UID, kind.sop_class)
            .put(tags::MODALITY, kind.modality)
            .put(tags::SERIES_DESCRIPTION, kind.description)
            .put(tags::SERIES_NUMBER, number.to_string())
            .put(tags::INSTANCE_NUMBER, "1")
            .put(tags::MANUFACTURER, "hardslice")
            .put(tags::MANUFACTURER_MODEL_NAME, "hardslice predict")
            .put(tags::DEVICE_SERIAL_NUMBER, maker.model)
            .put(tags::SOFTWARE_VERSIONS, maker.version);
        Ok(derived)
    }

    /// A UID for a part of the object.
    fn uid(&self, what: &str) -> String {
        let parts = self.identity.iter().map(Vec::as_slice).chain([self.voxels]);
        derived_uid(std::iter::once(what.as_bytes()).chain(parts))
    }

    /// A sequence of one code.
    fn code(&self, code: &Code) -> Vec<DataSet> {
        let mut item = DataSet::empty();
        item.put(tags::CODE_VALUE, code.value.as_str())
            .put(tags::CODING_SCHEME_DESIGNATOR, code.scheme.as_str())
            .put(tags::CODE_MEANING, self.charset.encoded(&code.meaning));
        vec![item]
    }

    /// Which image a slice is.
    fn reference(&self, slice: usize) -> DataSet {
        let slice = &self.series.slices[slice];
        let mut item = DataSet::empty();
        item.put(tags::REFERENCED_SOP_CLASS_UID, slice.sop_class.as_str())
            .put(
                tags::REFERENCED_SOP_INSTANCE_UID,
                slice.instance_uid.as_str(),
            );
        if let Some(frame) = slice.frame {
            item.put(tags::REFERENCED_FRAME_NUMBER, frame.to_string());
        }
        item
    }

    /// The files of the series, each once.
    fn instances(&self) -> Vec<DataSet> {
        let mut uids = std::collections::BTreeSet::new();
        let slices = &self.series.slices;
        let first = (0..slices.len()).filter(|at| uids.insert(&slices[*at].instance_uid));
        let items = first.map(|slice| {
            let mut item = self.reference(slice);
            item.take(tags::REFERENCED_FRAME_NUMBER);
            item
        });
        items.collect()
    }
}

/// The date and time of the series, which are the object's, too: it is made of nothing else. Where
/// the series has none it is the first day of 1900, with a note.
fn date_and_time(series: &SourceSeries) -> (String, String, Vec<Note>) {
    let found = TIMES.iter().find_map(|(date, time)| {
        let date = series.top.text(*date)?;
        let time = series
            .top
            .text(*time)
            .unwrap_or_else(|| "000000".to_owned());
        Some((date, time))
    });
    if let Some((date, time)) = found {
        return (date, time, Vec::new());
    }
    let path = series.path.clone();
    let note = Note::NoDate { path };
    ("19000101".to_owned(), "000000".to_owned(), vec![note])
}

/// The labels in the series' order, which they must be on.
fn voxels_of(
    labels: &Volume<u8>,
    series: &SourceSeries,
    path: &Path,
) -> Result<Vec<u8>, DerivedError> {
    let placement = Placement::new(series.grid).ok();
    let voxels = placement
        .filter(|placement| placement.canonical == *labels.grid())
        .and_then(|placement| placement.to_native(labels).ok());
    voxels.ok_or_else(|| DerivedError::OtherSeries {
        got: labels.shape(),
        wanted: series.grid.shape,
        path: path.to_path_buf(),
    })
}

//! The segments of a segmentation: number, label, and the value that each gets.

use std::collections::BTreeMap;

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::LabelNames;
use crate::dicom::DicomError;
use crate::dicom::attributes::Attributes;
use crate::dicom::frame::FrameAttributes;

/// What a segment is called, and the label value it gets; `None` where it is not asked for.
struct Segment {
    label: String,
    value: Option<u16>,
}

/// All segments of a file by number.
pub(super) struct Segments(BTreeMap<u16, Segment>);

impl Segments {
    /// Reads the segments and looks their values up: by `SegmentLabel`, or else by number.
    ///
    /// Where no names are asked for, the value is the segment number.
    pub(super) fn read(top: Attributes<'_>, names: &LabelNames) -> Result<Self, DicomError> {
        let mut segments = BTreeMap::new();
        for item in top.items(tags::SEGMENT_SEQUENCE) {
            let item = top.within(item);
            // Label-map objects may describe the background as segment 0.
            if item.whole_opt(tags::SEGMENT_NUMBER)? == Some(0) {
                continue;
            }
            let number = segment_number(item, tags::SEGMENT_NUMBER)?;
            let label = item
                .text(tags::SEGMENT_LABEL)
                .unwrap_or_else(|| number.to_string());
            let value = if names.is_empty() {
                Some(number)
            } else {
                names
                    .value_of(&label)
                    .or_else(|| names.value_of(&number.to_string()))
            };
            segments.insert(number, Segment { label, value });
        }
        if segments.is_empty() {
            return Err(top.missing(tags::SEGMENT_SEQUENCE));
        }
        if segments.values().all(|segment| segment.value.is_none()) {
            let labels: Vec<_> = segments
                .into_values()
                .map(|segment| segment.label)
                .collect();
            return Err(DicomError::NoSegment {
                wanted: names.joined(),
                segments: labels.join(", "),
                path: top.path.to_path_buf(),
            });
        }
        Ok(Self(segments))
    }

    /// The label value of a segment, when it is asked for.
    pub(super) fn value(&self, number: u16) -> Option<u16> {
        self.0.get(&number)?.value
    }

    /// What a segment is called.
    pub(super) fn label(&self, number: u16) -> String {
        self.0
            .get(&number)
            .map_or_else(|| number.to_string(), |segment| segment.label.clone())
    }
}

/// The number of the segment that a frame shows.
pub(super) fn of_frame(frames: &FrameAttributes<'_>, index: usize) -> Result<u16, DicomError> {
    let group = frames
        .group(index, tags::SEGMENT_IDENTIFICATION_SEQUENCE)
        .ok_or_else(|| frames.top.missing(tags::SEGMENT_IDENTIFICATION_SEQUENCE))?;
    segment_number(group, tags::REFERENCED_SEGMENT_NUMBER)
}

/// A segment number, which fills 16 bits; 0 is the background.
fn segment_number(group: Attributes<'_>, tag: Tag) -> Result<u16, DicomError> {
    let number = group.whole(tag)?;
    match u16::try_from(number) {
        Ok(1..) => u16::try_from(number).map_err(|err| group.problem(tag, err.to_string())),
        _ => Err(group.problem(tag, format!("is {number}; segments count from 1 to 65535"))),
    }
}

//! The segments of a segmentation: number, label, and the value that each gets.

use std::collections::{BTreeMap, BTreeSet};

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::canvas::{Canvas, Rank};
use crate::dicom::DicomError;
use crate::dicom::attributes::Attributes;
use crate::dicom::frame::FrameAttributes;
use crate::{LabelError, LabelNames};

/// A segment that is asked for.
struct Segment {
    /// Its place in the label map; 0 where there is none.
    place: usize,
    number: u16,
    label: String,
    value: u16,
}

/// The segments that are asked for, in the order of the label map.
pub(super) struct Segments(Vec<Segment>);

impl Segments {
    /// Reads the segments and looks their values up: by `SegmentLabel`, or else by number.
    ///
    /// Where no names are asked for, the value is the segment number.
    pub(super) fn read(top: Attributes<'_>, names: &LabelNames) -> Result<Self, DicomError> {
        let mut wanted = Vec::new();
        let mut labels = Vec::new();
        let mut numbers = BTreeSet::new();
        for item in top.items(tags::SEGMENT_SEQUENCE) {
            let item = top.within(item);
            // Label-map objects may describe the background as segment 0.
            if item.whole_opt(tags::SEGMENT_NUMBER)? == Some(0) {
                continue;
            }
            let number = segment_number(item, tags::SEGMENT_NUMBER)?;
            if !numbers.insert(number) {
                let problem = format!("{number} is there twice");
                return Err(item.problem(tags::SEGMENT_NUMBER, problem));
            }
            let label = item
                .text(tags::SEGMENT_LABEL)
                .unwrap_or_else(|| number.to_string());
            let entry = if names.is_empty() {
                Some((0, number))
            } else {
                names
                    .entry(&label)
                    .or_else(|| names.entry(&number.to_string()))
            };
            labels.push(label.clone());
            wanted.extend(entry.map(|(place, value)| Segment {
                place,
                number,
                label,
                value,
            }));
        }
        if labels.is_empty() {
            return Err(top.missing(tags::SEGMENT_SEQUENCE));
        }
        if wanted.is_empty() {
            return Err(DicomError::NoSegment {
                wanted: names.joined(),
                segments: labels.join(", "),
                path: top.path.to_path_buf(),
            });
        }
        wanted.sort_by_key(|segment| (segment.place, segment.number));
        Ok(Self(wanted))
    }

    /// Adds the segments to a canvas; gives the rank of each by number.
    pub(super) fn add_to(
        &self,
        canvas: &mut Canvas<'_>,
    ) -> Result<BTreeMap<u16, Rank>, LabelError> {
        self.0
            .iter()
            .map(|segment| Ok((segment.number, canvas.add(&segment.label, segment.value)?)))
            .collect()
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

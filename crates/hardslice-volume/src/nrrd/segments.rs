//! The segments that Slicer lists in the header of a `.seg.nrrd`.

use super::NrrdError;
use super::header::Header;
use super::slicer::unescaped;

/// One structure of a segmentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// What people call it.
    pub(crate) name: String,
    /// Its value in its layer.
    pub(crate) value: u16,
    /// The layer it is drawn in; segments that overlap lie in different ones.
    pub(crate) layer: usize,
}

/// The segments, in their own order; none where the file is no segmentation of Slicer's.
///
/// Before layers were introduced a segment had a layer of its own and value 1; those are the values
/// used where the header leaves them out.
pub(super) fn segments(header: &Header, n_layers: usize) -> Result<Vec<Segment>, NrrdError> {
    let mut segments = Vec::new();
    for n in header.segment_numbers() {
        let of = |what: &str| header.key(&format!("Segment{n}_{what}"));
        let Some(name) = of("Name").or(of("ID")) else {
            continue;
        };
        let value = of("LabelValue").map_or(Some(1), |v| v.parse().ok().filter(|v| *v > 0));
        let default_layer = if n_layers == 1 { 0 } else { n };
        let layer = of("Layer").map_or(Some(default_layer), |l| l.parse().ok());
        segments.push(Segment {
            name: unescaped(name),
            value: value.ok_or_else(|| {
                let found = of("LabelValue").expect("where it is left out the value is 1");
                header.wrong(
                    "SegmentN_LabelValue",
                    found,
                    "a whole number from 1 to 65535",
                )
            })?,
            layer: layer.ok_or_else(|| {
                let found = of("Layer").expect("where it is left out the layer has a default");
                header.wrong("SegmentN_Layer", found, "a whole number")
            })?,
        });
    }
    Ok(segments)
}

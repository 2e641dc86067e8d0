//! The segments that Slicer lists in the header of a `.seg.nrrd`.

use super::header::Header;

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
pub(super) fn segments(header: &Header) -> Vec<Segment> {
    let of = |n: usize, what: &str| header.key(&format!("Segment{n}_{what}"));
    (0..)
        .map_while(|n| {
            let id = of(n, "ID");
            let name = of(n, "Name").or(id)?;
            Some(Segment {
                name: name.to_owned(),
                value: of(n, "LabelValue")
                    .and_then(|v| v.parse().ok())
                    .unwrap_or(1),
                layer: of(n, "Layer").and_then(|v| v.parse().ok()).unwrap_or(n),
            })
        })
        .collect()
}

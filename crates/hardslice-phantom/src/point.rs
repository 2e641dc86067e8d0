//! A place in the body, and how it lies to skin, wall and diaphragm.

/// A point of the body and what the shapes need to know about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    /// Where it lies, in the body's frame.
    pub(crate) p: [f64; 3],
    /// Distance to the inside of the chest and belly wall; negative inside.
    pub(crate) cavity_mm: f64,
    /// -1 at the back, 0 at the sides, 1 at the front, seen from the middle of the cavity.
    pub(crate) front: f64,
    /// Distance to the outside of the muscles.
    pub(crate) muscle_mm: f64,
    /// Distance to the skin.
    pub(crate) skin_mm: f64,
    /// Distance to the belly: inside the cavity and below the diaphragm.
    pub(crate) abdomen_mm: f64,
    /// Distance to the diaphragm's domes; positive in the lungs.
    pub(crate) dome_mm: f64,
    /// Two smooth fields in about -2 to 2, for bumps on organs.
    pub(crate) bumps: [f64; 2],
}

//! How far apart two surfaces lie: HD95, ASSD and NSD.
//!
//! ```text
//! two masks ─ crop to the box of both ─ Surface (elements: where, how large), one per mask
//!     Surface B ─ DistanceField ─ read at each element of Surface A ─ DirectedDistances A → B
//! ```

mod cropped;
mod neighbour_codes;
mod surfel_area;
mod elements;
mod distance_field;
mod distances;

pub use distance_field::DistanceField;
pub use distances::{Convention, DirectedDistances, SurfaceDistances};

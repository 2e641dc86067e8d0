//! Surfaces of label masks, in millimetres and small enough to be sent with a page.
//!
//! ```text
//! masks ─ crop ─ Occupancy (coarse, equal cells, smooth) ─ Surface ─ signed_distances_mm ─ colours
//!                                                     ├─ pack: bytes for the page's own renderer
//!                                                     └─ render: a picture of one view
//! ```
//!
//! ```
//! use hardslice_view::surface::Surface;
//! use hardslice_volume::PerAxis;
//!
//! let shape = PerAxis::new(12, 20, 20);
//! let spacing_mm = PerAxis::new(2.0, 1.0, 1.0);
//! let inside = |i: usize| (3..9).contains(&(i / 400)) && (5..15).contains(&(i / 20 % 20));
//! let mask: Vec<bool> = (0..shape.n_voxels()).map(|i| inside(i) && i % 20 > 4).collect();
//! let surface = Surface::of_mask(&mask, shape, spacing_mm, 1.5);
//! assert!(surface.volume_ml() > 1.0, "12 × 10 × 15 mm");
//! ```

mod occupancy;
mod crop;
mod mesh;
mod distance;
mod ramp;
mod pack;
mod render;

pub use crop::{Cropped, crop};
pub use distance::{SurfaceMasks, signed_distances_mm};
pub use mesh::{Surface, cell_mm};
pub use pack::{Packed, SurfaceBounds, pack};
pub use ramp::{RAMP, colour_of, nice_limit_mm};
pub use render::{View, render};

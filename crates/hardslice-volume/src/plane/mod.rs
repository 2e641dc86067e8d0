//! Slices of any size and spacing as squares of one size, and back.
//!
//! The field of view of a slice is padded to a square in millimetres, centred, and sampled on
//! `size × size` pixels of equal sides. Nothing is stretched: an organ keeps its proportions
//! whatever the scan's spacing.
//!
//! ```text
//! native 3 × 5 pixels of 0.8 mm            square of 4 mm, 8 × 8 pixels of 0.5 mm
//!                                            . . . . . . . .   padding
//!   # # # # #                                # # # # # # # #
//!   # # # # #            ->                  # # # # # # # #
//!   # # # # #                                # # # # # # # #
//!                                            . . . . . . . .   padding
//! ```
//!
//! Along each axis an image is averaged over the extent of the new pixels where these are larger
//! than the old ones, and interpolated linearly where they are smaller. Labels go by the majority
//! of the area, or by the pixel that a new one lies in: no value is ever invented.
//!
//! ```
//! use hardslice_volume::plane::PlaneFit;
//!
//! let fit = PlaneFit::new([300, 500], [0.8, 0.8], 200)?;
//! assert_eq!(fit.pixel_mm(), 2.0, "500 pixels of 0.8 mm on 200 pixels");
//! let square = fit.image(&vec![40.0; 300 * 500], -150.0);
//! assert_eq!(square[0], -150.0, "above the field of view");
//! assert_eq!(square[100 * 200 + 100], 40.0, "in its middle");
//! # Ok::<(), hardslice_volume::plane::PlaneFitError>(())
//! ```

mod axis;
mod fit;
mod resample;

pub use fit::{PlaneFit, PlaneFitError};

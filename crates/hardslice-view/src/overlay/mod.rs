//! Slices of a scan with outlines and fills on them.
//!
//! ```
//! use hardslice_view::overlay::{Layer, PanelStyle, Sheet, SlicePanel, PanelGroup, slice_panel};
//! use hardslice_view::section::Section;
//!
//! let section = Section { n_rows: 64, n_columns: 64, row_mm: 1.0, column_mm: 1.0 };
//! let image_hu = vec![40_i16; section.n_pixels()];
//! let truth = vec![true; section.n_pixels()];
//! let hard = slice_panel(
//!     &SlicePanel {
//!         section,
//!         image_hu: &image_hu,
//!         layers: vec![Layer::truth(&truth)],
//!         caption: "case 7, slice 31: Dice 0.412",
//!     },
//!     &PanelStyle::of_width(160),
//! )?;
//! let sheet = Sheet {
//!     title: "Hard slices of the liver".to_owned(),
//!     columns: 4,
//!     groups: vec![PanelGroup { heading: "hard".to_owned(), panels: vec![hard] }],
//!     ..Sheet::default()
//! };
//! assert!(!sheet.draw().to_png()?.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod style;
mod layer;
mod panel;
mod sheet;
mod montage;
mod case;
mod vector;

pub use case::{CasePictures, case_sheet};
pub use layer::Layer;
pub use montage::{Montage, montage};
pub use panel::{PanelError, SlicePanel, slice_panel};
pub use sheet::{LegendEntry, PanelGroup, Sheet, contact_sheet};
pub use style::{PanelStyle, Window};
pub use vector::slice_svg;

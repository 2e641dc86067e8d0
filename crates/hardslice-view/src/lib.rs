//! Tables, pictures and pages.

mod axis;
mod svg;

pub mod palette;
pub mod picture;
pub mod section;
pub mod frame;
pub mod overlay;
pub mod curves;
pub mod net_drawing;
pub mod table;
pub mod paper_tables;

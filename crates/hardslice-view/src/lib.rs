//! Tables, pictures and pages.

mod axis;
mod svg;

pub mod palette;
pub mod chart;
pub mod picture;
pub mod section;
pub mod surface;
pub mod frame;
pub mod overlay;
pub mod curves;
pub mod net_drawing;
pub mod table;
pub mod printed_row;
pub mod paper_tables;
pub mod report;

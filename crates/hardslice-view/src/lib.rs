//! Tables, pictures and pages.

pub mod palette;
pub mod picture;
pub mod section;
pub mod overlay;
pub mod table;

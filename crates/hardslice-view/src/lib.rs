//! Tables, pictures and pages.

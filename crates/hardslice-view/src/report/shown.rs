//! What figures hold, ready to stand in the page.

/// Slices as they stand in the page.
#[derive(Debug, Clone)]
pub(super) struct ShownGroup {
    pub(super) heading: String,
    pub(super) panels: Vec<ShownPanel>,
}

/// A slice as it stands in the page.
#[derive(Debug, Clone)]
pub(super) struct ShownPanel {
    pub(super) svg: String,
    pub(super) caption: String,
}

/// A surface as it stands in the page.
#[derive(Debug, Clone)]
pub(super) struct ShownModel {
    pub(super) name: String,
    pub(super) note: String,
    /// Base64 of [`crate::surface::Packed`]; empty where the still alone is shown.
    pub(super) mesh: String,
    pub(super) n_vertices: usize,
    pub(super) n_triangles: usize,
    /// Base64 of a PNG.
    pub(super) still: String,
}

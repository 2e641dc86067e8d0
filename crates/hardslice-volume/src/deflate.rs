//! What is known of deflate, which gzip, zlib and some transfer syntaxes of DICOM compress by.

/// Deflate cannot shrink anything by more than this factor.
pub(crate) const MAX_DEFLATE_RATIO: usize = 1032;

/// The first bytes of every gzip file.
pub(crate) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

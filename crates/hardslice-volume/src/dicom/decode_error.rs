//! Why a frame cannot be decoded.

use thiserror::Error;

/// The pixels of a frame could not be decoded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The transfer syntax is not read.
    #[error("transfer syntax {uid}{name} is not read{way_out}")]
    TransferSyntax {
        /// Its UID.
        uid: String,
        /// Its name in brackets, where it is known.
        name: &'static str,
        /// What to do.
        way_out: &'static str,
    },

    /// There is no `PixelData`, or it is not what the transfer syntax announces.
    #[error("PixelData (7FE0,0010) is {found}, {wanted} was wanted")]
    PixelData {
        /// What it is.
        found: &'static str,
        /// What the transfer syntax needs.
        wanted: &'static str,
    },

    /// The pixel data ends before the frame does.
    #[error("the frame needs {wanted} bytes, {found} are there (truncated file?)")]
    Short {
        /// Bytes of a frame.
        wanted: usize,
        /// Bytes left for it.
        found: usize,
    },

    /// There are more frames than the header announces.
    #[error(
        "PixelData (7FE0,0010) holds {found} frames, the header announces {announced}; which are \
        slices of the scan cannot be told"
    )]
    TooLong {
        /// `NumberOfFrames`, or 1.
        announced: usize,
        /// Frames that the data has room for.
        found: usize,
    },

    /// Values of 32 bits in big endian.
    #[error(
        "values of 32 bits in explicit big endian are not read, since writers and readers disagree \
        about the order of their halves; export the files as little endian from where they come"
    )]
    BigEndian32,

    /// Fragments cannot be told apart by frame.
    #[error(
        "{n_fragments} fragments hold {n_frames} frames, and no offset table tells which \
        fragments make which frame"
    )]
    Fragments {
        /// Fragments in the file.
        n_fragments: usize,
        /// Frames that the header announces.
        n_frames: usize,
    },

    /// The compressed image has another size than the header says.
    #[error(
        "the compressed image has {columns} × {rows} pixels of {samples} samples, the header \
        announces {wanted_columns} × {wanted_rows} of 1"
    )]
    Size {
        /// Width of the compressed image.
        columns: usize,
        /// Height of the compressed image.
        rows: usize,
        /// Its colour components.
        samples: usize,
        /// `Columns` in the header.
        wanted_columns: usize,
        /// `Rows` in the header.
        wanted_rows: usize,
    },

    /// The decoder refused.
    #[error("{codec}: {problem}")]
    Codec {
        /// The compression.
        codec: &'static str,
        /// The decoder's reason.
        problem: String,
    },
}

impl DecodeError {
    /// For `map_err`: a decoder's own error.
    pub(super) fn codec<E: std::fmt::Display>(codec: &'static str) -> impl FnOnce(E) -> Self {
        move |err| Self::Codec {
            codec,
            problem: err.to_string(),
        }
    }
}

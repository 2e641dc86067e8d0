//! How the heads of elements are written.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

use crate::scalar::ByteOrder;

/// Explicit or implicit VR, and the byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Encoding {
    pub(super) explicit: bool,
    pub(super) order: ByteOrder,
}

impl Encoding {
    pub(super) const IMPLICIT: Self = Self {
        explicit: false,
        order: ByteOrder::Little,
    };
    pub(super) const EXPLICIT: Self = Self {
        explicit: true,
        order: ByteOrder::Little,
    };
    pub(super) const EXPLICIT_BIG: Self = Self {
        explicit: true,
        order: ByteOrder::Big,
    };

    /// What a transfer syntax announces.
    pub(super) fn announced(transfer_syntax: &str) -> Self {
        match transfer_syntax {
            "1.2.840.10008.1.2" => Self::IMPLICIT,
            "1.2.840.10008.1.2.2" => Self::EXPLICIT_BIG,
            _ => Self::EXPLICIT,
        }
    }

    /// What the first element of a data set shows, where that is beyond doubt: explicit heads have
    /// a VR, two capital letters, where implicit ones would have a length of thousands.
    ///
    /// Files whose meta information announces something else are common enough.
    pub(super) fn shown(head: &[u8], announced: Option<Self>) -> Self {
        let &[a, b, _, _, v, w, ..] = head else {
            return announced.unwrap_or(Self::IMPLICIT);
        };
        let has_vr = VR::from_binary([v, w]).is_some();
        let order = match announced {
            Some(announced) => announced.order,
            // The first group is below 0x0100 in files that people have.
            None if a == 0 && b != 0 => ByteOrder::Big,
            None => ByteOrder::Little,
        };
        match (has_vr, order) {
            (true, ByteOrder::Big) => Self::EXPLICIT_BIG,
            (true, ByteOrder::Little) => Self::EXPLICIT,
            (false, _) => Self::IMPLICIT,
        }
    }

    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self.order {
            ByteOrder::Little => u16::from_le_bytes(bytes),
            ByteOrder::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self.order {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        }
    }

    pub(super) fn tag(self, [a, b, c, d]: [u8; 4]) -> Tag {
        Tag(self.u16([a, b]), self.u16([c, d]))
    }
}

/// The dictionary's VR; UN for what it does not know.
pub(super) fn dictionary_vr(tag: Tag) -> VR {
    StandardDataDictionary
        .by_tag(tag)
        .map_or(VR::UN, |entry| entry.vr().relaxed())
}

/// Whether an explicit head has a length of 32 bits behind two empty bytes (PS3.5 7.1.2).
pub(super) fn has_long_length(vr: VR) -> bool {
    matches!(
        vr,
        VR::OB
            | VR::OD
            | VR::OF
            | VR::OL
            | VR::OV
            | VR::OW
            | VR::SQ
            | VR::SV
            | VR::UC
            | VR::UN
            | VR::UR
            | VR::UT
            | VR::UV
    )
}

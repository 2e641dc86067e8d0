//! What a value of a label map stands for, for formats that say more of a structure than a number.

/// One structure of a label map that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// What people call it, in any letters.
    pub name: String,
    /// Its value in the label map, never 0.
    pub value: u8,
    /// Red, green, blue, as viewers should show it (sRGB).
    pub color: [u8; 3],
    /// What it is in a terminology; `None` where that is not known.
    pub anatomy: Option<Anatomy>,
}

/// A part of the body in a terminology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anatomy {
    /// The part, without its side.
    pub code: Code,
    /// Which of two; `None` for what is there once, and for both together.
    pub side: Option<Side>,
}

/// A term: 10200004 of SNOMED CT (`SCT`), the liver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The terminology, as DICOM designates it: `SCT`, or one of one's own, which begins with `99`.
    pub scheme: String,
    /// The term in it, 16 characters at most.
    pub value: String,
    /// The term in words, 64 characters at most.
    pub meaning: String,
}

/// A side of the body: the patient's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The patient's left.
    Left,
    /// The patient's right.
    Right,
}

impl Code {
    /// A term of SNOMED CT.
    pub(crate) fn snomed(value: &str, meaning: &str) -> Self {
        Self {
            scheme: "SCT".to_owned(),
            value: value.to_owned(),
            meaning: meaning.to_owned(),
        }
    }
}

impl Side {
    /// The term of SNOMED CT.
    pub(crate) fn code(self) -> Code {
        match self {
            Self::Left => Code::snomed("7771000", "Left"),
            Self::Right => Code::snomed("24028007", "Right"),
        }
    }
}

//! Identifiers that must not be mixed up: patients, cases, organs.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A name that cannot be used.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum NameError {
    /// Nothing but white space.
    #[error("the {what} is empty: give it a name")]
    Empty {
        /// What was to be named.
        what: &'static str,
    },
    /// Names become files and folders of the store, so that they must be plain.
    #[error(
        "the {what} `{name}` cannot name a file: it must not begin with a dot, be longer than 200 \
         bytes or hold / \\ : * ? \" < > | or a control character"
    )]
    NotAFileName {
        /// What was to be named.
        what: &'static str,
        /// The name given.
        name: String,
    },
}

/// Longest name taken, in bytes; file systems stop at 255 and we add endings.
const LONGEST_NAME: usize = 200;

fn checked(what: &'static str, name: &str) -> Result<String, NameError> {
    let name = name.trim();
    if name.is_empty() {
        return Err(NameError::Empty { what });
    }
    let is_forbidden = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
    if name.starts_with('.') || name.len() > LONGEST_NAME || name.contains(is_forbidden) {
        let name = name.to_owned();
        return Err(NameError::NotAFileName { what, name });
    }
    Ok(name.to_owned())
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Takes a name, without the white space around it.
            ///
            /// # Errors
            ///
            /// [`NameError`] when it is empty or cannot name a file.
            pub fn new(name: impl AsRef<str>) -> Result<Self, NameError> {
                checked($what, name.as_ref()).map(Self)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(name: String) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }
    };
}

name!(
    /// A person. Everything that is drawn at random is drawn by patient: two scans of one patient
    /// never part.
    PatientId,
    "patient"
);
name!(
    /// One scan of a patient, with its labels. Unique in a cohort; it names the case's folder.
    CaseId,
    "case id"
);
name!(
    /// A structure to segment: `liver`, `kidney_left`.
    Organ,
    "organ"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_the_white_space_around_them() {
        assert_eq!(
            CaseId::new(" amos_0018\t").unwrap().as_str(),
            "amos_0018",
            "trimmed"
        );
    }

    #[test]
    fn names_that_leave_their_folder_are_refused() {
        for name in ["", "  ", "..", ".hidden", "a/b", "a\\b", "nul\0", "c:d"] {
            assert!(CaseId::new(name).is_err(), "`{name}` must be refused");
        }
        assert!(CaseId::new("x".repeat(201)).is_err(), "a name of 201 bytes");
    }

    #[test]
    fn names_are_plain_strings_in_json_and_checked_on_the_way_in() {
        let id = PatientId::new("p1").unwrap();
        assert_eq!(
            serde_json::to_string(&id).unwrap(),
            "\"p1\"",
            "written as text"
        );
        assert_eq!(
            serde_json::from_str::<PatientId>("\"p1\"").unwrap(),
            id,
            "read back"
        );
        let err = serde_json::from_str::<Organ>("\"\"")
            .unwrap_err()
            .to_string();
        assert!(err.starts_with("the organ is empty"), "{err}");
    }
}

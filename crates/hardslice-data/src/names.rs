//! Enums whose values have names in files, tables and configurations.

use thiserror::Error;

/// No value of this kind has this name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no {kind} `{got}`; the {kind}s are {known}")]
pub struct UnknownName {
    /// What was to be named: `arm`.
    pub kind: &'static str,
    /// What was written.
    pub got: String,
    /// The names that there are.
    pub known: String,
}

/// Gives an enum without fields its names: `ALL`, `name`, `Display` and `FromStr` from one list, which
/// the compiler keeps complete.
macro_rules! named {
    ($type:ident, $kind:literal, { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// All of them, in order.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// The name in files, tables and configurations.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::UnknownName;

            fn from_str(text: &str) -> Result<Self, $crate::UnknownName> {
                let named = Self::ALL.into_iter().find(|value| value.name() == text);
                named.ok_or_else(|| $crate::UnknownName {
                    kind: $kind,
                    got: text.to_owned(),
                    known: Self::ALL.map(Self::name).join(", "),
                })
            }
        }
    };
}

pub(crate) use named;

#[cfg(test)]
mod tests {
    use crate::SliceKind;
    use crate::balance::{Arm, Reason};
    use crate::mining::{Decision, ScoreRule};

    #[test]
    fn every_name_reads_back_and_others_are_refused_with_those_there_are() {
        macro_rules! check {
            ($($type:ident),+) => {$(
                for value in $type::ALL {
                    assert_eq!(value.name().parse::<$type>(), Ok(value), "{value}");
                }
            )+};
        }
        check!(Arm, Reason, SliceKind, ScoreRule, Decision);
        let refused = "harder".parse::<Arm>().unwrap_err().to_string();
        assert!(
            refused.starts_with("there is no arm `harder`; the arms are baseline, b_only, hard"),
            "{refused}"
        );
    }
}

//! Which findings keep a slice out of the plans.

use serde::{Deserialize, Serialize};

use super::{Triage, UnknownTriage};

/// The name of slices that reviewers found wrong or broken.
const REVIEWED_WRONG: &str = "reviewed-wrong";

/// Which findings keep a slice out of the plans, as a list of names: `["suspects", "broken"]`.
///
/// ```
/// use hardslice_data::mining::triage::{Exclude, Triage};
///
/// let exclude = Exclude::of(&["suspects".parse()?, "broken".parse()?]);
/// assert!(exclude.holds(Triage::Suspect) && !exclude.holds(Triage::Redundant));
/// let named = Exclude::try_from(vec!["suspects".to_owned(), "broken".to_owned()])?;
/// assert_eq!(exclude, named);
/// assert!(Exclude::default().is_empty());
/// # Ok::<(), hardslice_data::mining::triage::UnknownTriage>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Exclude {
    /// In the order of [`Triage::ALL`].
    triages: [bool; 3],
    reviewed_wrong: bool,
}

impl Exclude {
    /// Excludes these.
    pub fn of(triages: &[Triage]) -> Self {
        Self {
            triages: Triage::ALL.map(|triage| triages.contains(&triage)),
            reviewed_wrong: false,
        }
    }

    /// Whether nothing is excluded.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether slices are kept out that reviewers found wrong or broken.
    pub fn holds_reviewed(self) -> bool {
        self.reviewed_wrong
    }

    /// Whether such a slice is kept out.
    pub fn holds(self, triage: Triage) -> bool {
        let mut held = Triage::ALL.into_iter().zip(self.triages);
        held.any(|(other, is_held)| is_held && other == triage)
    }
}

impl TryFrom<Vec<String>> for Exclude {
    type Error = UnknownTriage;

    fn try_from(names: Vec<String>) -> Result<Self, UnknownTriage> {
        let (reviewed, triages): (Vec<&String>, Vec<&String>) =
            names.iter().partition(|name| *name == REVIEWED_WRONG);
        let triages: Result<Vec<Triage>, _> = triages.iter().map(|name| name.parse()).collect();
        Ok(Self {
            reviewed_wrong: !reviewed.is_empty(),
            ..Self::of(&triages?)
        })
    }
}

impl From<Exclude> for Vec<String> {
    fn from(exclude: Exclude) -> Self {
        let held = Triage::ALL
            .into_iter()
            .filter(|triage| exclude.holds(*triage));
        let names = held.map(|triage| match triage {
            Triage::Suspect => "suspects".to_owned(),
            other => other.name().to_owned(),
        });
        let reviewed = exclude.reviewed_wrong.then(|| REVIEWED_WRONG.to_owned());
        names.chain(reviewed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_excluded_is_read_and_written_as_a_list_of_names() {
        let exclude: Exclude = serde_json::from_str(r#"["suspects", "broken"]"#).unwrap();
        assert!(
            exclude.holds(Triage::Suspect) && exclude.holds(Triage::Broken),
            "these"
        );
        assert!(!exclude.holds(Triage::Redundant), "and not that");
        let reviewed: Exclude = serde_json::from_str(r#"["reviewed-wrong"]"#).unwrap();
        assert!(reviewed.holds_reviewed() && !reviewed.holds(Triage::Suspect));
        assert_eq!(
            serde_json::to_string(&reviewed).unwrap(),
            r#"["reviewed-wrong"]"#
        );
        assert_eq!(
            serde_json::to_string(&exclude).unwrap(),
            r#"["suspects","broken"]"#
        );
        let error = serde_json::from_str::<Exclude>(r#"["hard"]"#).unwrap_err();
        assert!(error.to_string().contains("wanted suspects"), "{error}");
    }
}

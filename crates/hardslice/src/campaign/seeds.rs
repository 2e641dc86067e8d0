//! Which seeds a campaign runs.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Seeds that a campaign counts, at most.
const MOST_SEEDS: u64 = 1000;

/// Seeds of a campaign: `5` for 0 to 4, or a list `3,7,11` (`7,` for a single one).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Seeds(pub(crate) Vec<u64>);

impl Seeds {
    /// The option that names them.
    pub(crate) fn as_given(&self) -> [String; 2] {
        let seeds = self.0.iter().map(|seed| format!("{seed},"));
        ["--seeds".to_owned(), seeds.collect()]
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is neither a number of seeds (5) nor a list of them (0,1,2)");
        let seed = |seed: &str| seed.trim().parse::<u64>().ok();
        let seeds: Option<Vec<u64>> = if text.contains(',') {
            let listed = text.split(',').filter(|seed| !seed.trim().is_empty());
            listed.map(seed).collect()
        } else {
            if let Some(n) = seed(text).filter(|n| *n > MOST_SEEDS) {
                return Err(format!(
                    "{n} seeds are more than anybody trains: one number says how many; the single seed \
                     {n} is `{n},`"
                ));
            }
            seed(text).map(|n| (0..n).collect())
        };
        let seeds = seeds.ok_or_else(wrong)?;
        if seeds.is_empty() {
            return Err(wrong());
        }
        let mut places = 1..seeds.len();
        if let Some(twice) = places.find(|&idx| seeds[..idx].contains(&seeds[idx])) {
            return Err(format!(
                "the seed {} stands twice in `{text}`: it would be the same training",
                seeds[twice]
            ));
        }
        Ok(Self(seeds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_counts_seeds_and_a_list_names_them() {
        let seeds = |text: &str| text.parse::<Seeds>().map(|seeds| seeds.0).ok();
        assert_eq!(seeds("3"), Some(vec![0, 1, 2]));
        assert_eq!(seeds("5, 2"), Some(vec![5, 2]));
        assert_eq!(seeds("7,"), Some(vec![7]));
        assert_eq!(seeds("20241130123456,"), Some(vec![20_241_130_123_456]));
        let said = "20241130123456".parse::<Seeds>().unwrap_err();
        assert!(said.contains("`20241130123456,`"), "{said}");
        for wrong in ["0", "", ",", "1,1", "-1", "a"] {
            assert_eq!(seeds(wrong), None, "{wrong:?}");
        }
    }
}

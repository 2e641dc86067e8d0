//! The name of a round: the path of its folder within a command's, made and parsed.

use std::fmt;
use std::str::FromStr;

use hardslice_data::Organ;

use crate::training::Training;

/// What a round is a round of; as text, its folder within the command's.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RoundName {
    /// The net, where a sweep tries several.
    pub(crate) net: Option<String>,
    /// The seed, where there are several.
    pub(crate) seed: Option<u64>,
    /// The selection ratio, where a sweep tries several.
    pub(crate) ratio: Option<f64>,
    /// The division into A and B, where a comparison makes several.
    pub(crate) division: Option<u64>,
    /// The fold, where each patient is tested in one of several.
    pub(crate) fold: Option<usize>,
    /// The organs of its net: `liver`, or `liver+kidney`.
    pub(crate) organs: String,
}

/// The command that leaves a folder of rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftBy {
    Run,
    Compare,
    Sweep,
}

impl LeftBy {
    /// The command's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Compare => "compare",
            Self::Sweep => "sweep",
        }
    }
}

impl RoundName {
    /// Which command leaves rounds of such a name.
    pub(crate) fn left_by(&self) -> LeftBy {
        if self.net.is_some() {
            LeftBy::Sweep
        } else if self.seed.is_some() {
            LeftBy::Compare
        } else {
            LeftBy::Run
        }
    }

    /// Longest joined names of organs, in bytes: file systems stop at 255, and figures are named after
    /// them.
    const LONGEST: usize = 200;

    /// A round of a run: the organs of its net.
    pub(crate) fn of_organs(organs: &[Organ]) -> Self {
        let organs: Vec<&str> = organs.iter().map(Organ::as_str).collect();
        Self {
            organs: organs.join("+"),
            ..Self::default()
        }
    }

    /// The organs of its net.
    ///
    /// # Panics
    ///
    /// For the name without organs, [`RoundName::default`].
    pub(crate) fn organs(&self) -> Vec<Organ> {
        let organs = self.organs.split('+').map(Organ::new);
        let organs: Result<_, _> = organs.collect();
        organs.expect("a round is named by organs")
    }

    /// The name of its own folder, and of what is drawn of it.
    pub(crate) fn organs_dir(&self) -> String {
        if self.organs.len() <= Self::LONGEST {
            return self.organs.clone();
        }
        let hash = blake3::hash(self.organs.as_bytes()).to_hex();
        format!("{}-organs-{}", self.organs().len(), &hash[..12])
    }

    /// Its organs in words: `liver+kidney`, or how many there are.
    pub(crate) fn words(&self) -> String {
        if self.organs.len() <= Self::LONGEST {
            return self.organs.clone();
        }
        format!("{} organs", self.organs().len())
    }

    /// Whether its net finds an organ.
    pub(crate) fn finds(&self, organ: &str) -> bool {
        self.organs.split('+').any(|name| name == organ)
    }

    /// Which training of an arm its nets are.
    pub(crate) fn training(&self) -> Training {
        Training {
            split: self.division.unwrap_or(0),
            seed: self.seed.unwrap_or(0),
        }
    }

    /// The file of its folds: a sweep has one for each ratio, a cross-validation one for each fold,
    /// several divisions one for each.
    pub(crate) fn split(&self) -> String {
        if let Some(division) = self.division {
            return match self.fold {
                Some(fold) => format!("split-division-{division}-{fold}.json"),
                None => format!("split-division-{division}.json"),
            };
        }
        match (self.ratio, self.fold) {
            (Some(ratio), _) => format!("split-{ratio}.json"),
            (None, Some(fold)) => format!("split-{fold}.json"),
            (None, None) => "split.json".to_owned(),
        }
    }

    /// By net, seed, ratio (the largest first), division, fold and organs.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        let ratio = |name: &Self| name.ratio.unwrap_or(0.0);
        (&self.net, self.seed)
            .cmp(&(&other.net, other.seed))
            .then(ratio(other).total_cmp(&ratio(self)))
            .then(self.division.cmp(&other.division))
            .then((self.fold, &self.organs).cmp(&(other.fold, &other.organs)))
    }
}

impl fmt::Display for RoundName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(net) = &self.net {
            write!(f, "{net}/")?;
        }
        let parts = [
            self.seed.map(Part::Seed),
            self.ratio.map(Part::Ratio),
            self.division.map(Part::Division),
            self.fold.map(Part::Fold),
        ];
        for part in parts.into_iter().flatten() {
            write!(f, "{part}/")?;
        }
        f.write_str(&self.organs_dir())
    }
}

/// A path that is no round's. The organs of one that was shortened are not in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoRound;

impl FromStr for RoundName {
    type Err = NoRound;

    fn from_str(path: &str) -> Result<Self, NoRound> {
        let mut parts: Vec<&str> = path.split('/').collect();
        let is_organ = |name: &str| Organ::new(name).is_ok_and(|organ| organ.as_str() == name);
        let organs = parts.pop().filter(|organs| organs.split('+').all(is_organ));
        let mut name = Self {
            organs: organs.ok_or(NoRound)?.to_owned(),
            ..Self::default()
        };
        for (place, part) in parts.into_iter().enumerate() {
            match part.parse() {
                Ok(Part::Seed(seed)) => name.seed = Some(seed),
                Ok(Part::Ratio(ratio)) => name.ratio = Some(ratio),
                Ok(Part::Division(division)) => name.division = Some(division),
                Ok(Part::Fold(fold)) => name.fold = Some(fold),
                Err(NoRound) if place == 0 => name.net = Some(part.to_owned()),
                Err(NoRound) => return Err(NoRound),
            }
        }
        // Nothing else is left by any command.
        if name.to_string() == path && (name.net.is_none() || name.ratio.is_some()) {
            Ok(name)
        } else {
            Err(NoRound)
        }
    }
}

/// A numbered folder on the way to a round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Part {
    Seed(u64),
    Ratio(f64),
    Division(u64),
    Fold(usize),
}

impl Part {
    pub(super) fn is_one(name: &str) -> bool {
        name.parse::<Self>().is_ok()
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed(seed) => write!(f, "seed-{seed}"),
            Self::Ratio(ratio) => write!(f, "ratio-{ratio}"),
            Self::Division(division) => write!(f, "division-{division}"),
            Self::Fold(fold) => write!(f, "fold-{fold}"),
        }
    }
}

impl FromStr for Part {
    type Err = NoRound;

    fn from_str(name: &str) -> Result<Self, NoRound> {
        let (kind, number) = name.split_once('-').ok_or(NoRound)?;
        let part = match kind {
            "seed" => number.parse().ok().map(Self::Seed),
            "ratio" => number.parse().ok().map(Self::Ratio),
            "division" => number.parse().ok().map(Self::Division),
            "fold" => number.parse().ok().map(Self::Fold),
            _ => None,
        };
        part.ok_or(NoRound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(
        net: Option<&str>,
        seed: Option<u64>,
        ratio: Option<f64>,
        fold: Option<usize>,
    ) -> RoundName {
        RoundName {
            net: net.map(str::to_owned),
            seed,
            ratio,
            division: None,
            fold,
            organs: "liver+kidney_left".to_owned(),
        }
    }

    #[test]
    fn every_round_is_found_again_by_the_name_of_its_folder() {
        for (round, path, split) in [
            (
                name(None, None, None, None),
                "liver+kidney_left",
                "split.json",
            ),
            (
                name(None, Some(10), None, None),
                "seed-10/liver+kidney_left",
                "split.json",
            ),
            (
                name(None, Some(0), None, Some(2)),
                "seed-0/fold-2/liver+kidney_left",
                "split-2.json",
            ),
            (
                RoundName {
                    division: Some(1),
                    ..name(None, Some(0), None, None)
                },
                "seed-0/division-1/liver+kidney_left",
                "split-division-1.json",
            ),
            (
                RoundName {
                    division: Some(1),
                    ..name(None, Some(0), None, Some(2))
                },
                "seed-0/division-1/fold-2/liver+kidney_left",
                "split-division-1-2.json",
            ),
            (
                name(Some("unet"), Some(3), Some(0.5), None),
                "unet/seed-3/ratio-0.5/liver+kidney_left",
                "split-0.5.json",
            ),
            (
                name(Some("fcn8s"), Some(0), Some(1.0), None),
                "fcn8s/seed-0/ratio-1/liver+kidney_left",
                "split-1.json",
            ),
        ] {
            assert_eq!(round.to_string(), path);
            assert_eq!(path.parse::<RoundName>(), Ok(round.clone()), "{path}");
            assert_eq!(round.split(), split, "{path}");
            assert_eq!(round.organs().len(), 2, "{path}");
        }
        for other in [
            "",
            "store/cases/c0",
            "seed-x/liver",
            "unet/liver",
            "seed-1/",
            "liver+",
        ] {
            assert_eq!(other.parse::<RoundName>(), Err(NoRound), "{other}");
        }
    }
}

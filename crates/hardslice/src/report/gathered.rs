//! Everything that the sections are made from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hardslice_data::balance::Arm;
use hardslice_data::split::Split;
use hardslice_data::store::Store;
use hardslice_data::{CaseId, Organ};
use hardslice_eval::CaseScores;
use hardslice_eval::compare::{ArmScore, ComparisonPlan, SharedSlices, counted};
use hardslice_train::round;
use hardslice_train::{Evaluation, ModelRecord, TestScore};
use hardslice_view::paper_tables::PaperArm;
use hardslice_view::report::Section;
use hardslice_volume::whole_file::{read_json_if_there, read_sealed};

use super::found::{FoundRound, find};
use super::listed::ListedScores;
use crate::controls::shared_slices;
use crate::layout::{LeftBy, OutDir};
use crate::results::{OfTraining, arm_score};
use crate::selection_ratios::{SelectionRatios, SweepScore, gather, split_file};
use crate::training::Training;

/// What a folder holds.
pub(super) struct Gathered {
    pub(super) dir: PathBuf,
    pub(super) left_by: LeftBy,
    pub(super) rounds: Vec<FoundRound>,
    /// The prepared cohort, or why it cannot be read.
    pub(super) store: Result<Store, String>,
    /// Every score of every round.
    scores: Vec<Scored>,
}

/// The scores of one arm in one round.
struct Scored {
    round: usize,
    arm: Arm,
    scores: Vec<TestScore>,
}

/// Arm, organ and case.
type CaseKey<'a> = (Arm, &'a Organ, &'a CaseId);

/// Rounds of one net and ratio: all seeds and organs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Variant {
    pub(super) net: Option<String>,
    pub(super) ratio: Option<f64>,
}

impl Variant {
    /// For headings: `unet, ratio 0.5`; empty where there is only one.
    pub(super) fn title(&self) -> String {
        let ratio = self.ratio.map(|ratio| format!("ratio {ratio}"));
        let parts: Vec<String> = self.net.iter().cloned().chain(ratio).collect();
        parts.join(", ")
    }

    fn has(&self, round: &FoundRound) -> bool {
        self.net == round.name.net && self.ratio == round.name.ratio
    }
}

/// The prepared cohort, where it is the one that the results are of.
fn same_as_recorded(store: Store, dir: &Path) -> Result<Store, String> {
    let recorded = read_json_if_there::<serde_json::Value>(&OutDir::new(dir).provenance());
    let recorded = recorded.ok().flatten();
    let of_results = recorded
        .as_ref()
        .and_then(|record| record["store_blake3"].as_str());
    if of_results.is_some_and(|of_results| of_results != store.content_hash()) {
        return Err(format!(
            "The prepared cohort in {} is another one than that which the results are of: what would be shown of \
             it is left out. The experiment run again, with the scans, labels and settings that it had, \
             prepares the right one.",
            store.dir().display()
        ));
    }
    Ok(store)
}

impl Gathered {
    pub(super) fn read(dir: &Path) -> anyhow::Result<Self> {
        let (left_by, mut rounds) = find(dir)?;
        let listed = ListedScores::of(&OutDir::new(dir));
        rounds.retain(|round| listed.has_some(round));
        let store = Store::open(OutDir::new(dir).store()).map_err(|error| {
            format!(
                "The prepared cohort cannot be read: {}.",
                crate::causes::causes(&error)
            )
        });
        let store = store.and_then(|store| same_as_recorded(store, dir));
        let mut scores = Vec::new();
        for (idx, round) in rounds.iter().enumerate() {
            for arm in Arm::ALL {
                let path = round.dir.arm(arm).evaluation();
                if path.exists() && listed.has(round, arm) {
                    scores.push(Scored {
                        round: idx,
                        arm,
                        scores: read_sealed::<Evaluation>(&path)?.scores,
                    });
                }
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            left_by,
            rounds,
            store,
            scores,
        })
    }

    /// Whether an arm was scored by an earlier command, with arms that the last one does not have.
    pub(super) fn is_left_over(&self, round: &FoundRound, arm: Arm) -> bool {
        let is_its =
            |scored: &Scored| scored.arm == arm && self.rounds[scored.round].name == round.name;
        round.dir.arm(arm).evaluation().exists() && !self.scores.iter().any(is_its)
    }

    /// The prepared cohort; where it cannot be read, the section says why.
    pub(super) fn store_for(&self, section: &mut Section) -> Option<&Store> {
        let store = self.store.as_ref();
        store.map_err(|why| section.push(Err(why.clone()))).ok()
    }

    pub(super) fn title(&self) -> String {
        let organs = listed(&self.organs());
        match self.left_by {
            LeftBy::Run => format!("Hard slices of the {organs}"),
            LeftBy::Compare if self.arms().contains(&Arm::Hard) => {
                format!("Do hard slices help? The {organs} over several trainings")
            }
            LeftBy::Compare => format!("Arms compared: the {organs} over several trainings"),
            LeftBy::Sweep => format!("Selection ratios and hard slices of the {organs}"),
        }
    }

    pub(super) fn subtitle(&self) -> String {
        let (seeds, n_cases) = (self.seeds(), self.n_test_cases());
        let arms: Vec<&str> = self.arms().into_iter().map(Arm::name).collect();
        format!(
            "arms {} · {} · {} · organs: {}",
            arms.join(", "),
            counted(seeds.len().max(1), "seed"),
            counted(n_cases, "test scan"),
            self.organs()
                .iter()
                .map(Organ::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        )
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = self.leak_warnings();
        warnings.extend(self.not_learnt());
        if self.trainings().len() <= 1 {
            warnings.push(
                "These numbers come from one seed. Another seed gives other nets; how much that \
                 moves them is in no interval below. The command compare trains several."
                    .to_owned(),
            );
        }
        warnings
    }

    /// Nets that had learnt nothing and were not given up.
    fn not_learnt(&self) -> Vec<String> {
        let of_round = |round: &FoundRound| match round::not_learnt(&round.dir, Arm::ALL) {
            Ok(nets) => nets
                .iter()
                .map(|net| format!("In {} {}.", round.name, net.sentence()))
                .collect(),
            Err(error) => vec![format!(
                "Whether a net had learnt nothing is not known: {}.",
                crate::causes::causes(&error)
            )],
        };
        self.rounds.iter().flat_map(of_round).collect::<Vec<_>>()
    }

    /// Whether the test set was used to set a threshold, and of which models that cannot be told.
    fn leak_warnings(&self) -> Vec<String> {
        let folders = self
            .rounds
            .iter()
            .flat_map(|round| Arm::ALL.map(|arm| round.dir.arm(arm).training().model()));
        let (mut is_leaky, mut unknown) = (false, Vec::new());
        for dir in folders {
            match ModelRecord::read(&dir) {
                Ok(record) => is_leaky |= record.is_some_and(|record| record.leaky),
                Err(error) => unknown.push(format!(
                    "Whether the test set was used to train a model is not known: {}.",
                    crate::causes::causes(&error)
                )),
            }
        }
        let leaky = "LEAKY. The threshold was taken from the test set, so the test scores of the \
                     arms that depend on it are not fair.";
        let leaky = is_leaky.then(|| leaky.to_owned());
        leaky.into_iter().chain(unknown).collect()
    }

    /// Organs that were scored, in the order of the rounds; those of the folders' names where
    /// nothing was.
    pub(super) fn organs(&self) -> Vec<Organ> {
        let scored = self.scores.iter().flat_map(|of_arm| &of_arm.scores);
        let organs = in_order(scored.map(|score| score.organ.clone()));
        if !organs.is_empty() {
            return organs;
        }
        let names = self.rounds.iter().flat_map(|round| round.name.organs());
        in_order(names)
    }

    pub(super) fn seeds(&self) -> Vec<u64> {
        let mut seeds: Vec<u64> = self
            .rounds
            .iter()
            .filter_map(|round| round.name.seed)
            .collect();
        seeds.sort_unstable();
        seeds.dedup();
        seeds
    }

    /// The trainings of each arm, over all seeds and divisions into A and B.
    pub(super) fn trainings(&self) -> Vec<Training> {
        let trainings = self.rounds.iter().map(|round| round.name.training());
        let mut trainings: Vec<Training> = trainings.collect();
        trainings.sort_unstable();
        trainings.dedup();
        trainings
    }

    pub(super) fn arms(&self) -> Vec<Arm> {
        let mut arms: Vec<Arm> = self.scores.iter().map(|of_arm| of_arm.arm).collect();
        arms.sort_unstable();
        arms.dedup();
        arms
    }

    fn n_test_cases(&self) -> usize {
        let scored = self.scores.iter().flat_map(|of_arm| &of_arm.scores);
        in_order(scored.map(|score| score.case.clone())).len()
    }

    /// Nets and ratios in the order of the rounds.
    pub(super) fn variants(&self) -> Vec<Variant> {
        let variants = self.rounds.iter().map(|round| Variant {
            net: round.name.net.clone(),
            ratio: round.name.ratio,
        });
        in_order(variants)
    }

    /// The variant that pictures are taken from: the first with hard slices, or the first.
    pub(super) fn shown_variant(&self) -> Variant {
        let with_hard = self.scores.iter().find(|of_arm| of_arm.arm == Arm::Hard);
        let round = with_hard.map_or(0, |of_arm| of_arm.round);
        Variant {
            net: self.rounds[round].name.net.clone(),
            ratio: self.rounds[round].name.ratio,
        }
    }

    /// The rounds of that variant, of the first seed and of the first division into A and B: one for
    /// each fold and net's organs.
    fn rounds_of_shown_seed(&self) -> Vec<&FoundRound> {
        let variant = self.shown_variant();
        let rounds = || self.rounds.iter().filter(|round| variant.has(round));
        let first = rounds().next();
        let training = |round: &FoundRound| (round.name.seed, round.name.division);
        let is_first = |round: &&FoundRound| first.map(training) == Some(training(round));
        rounds().filter(is_first).collect()
    }

    /// The rounds whose training and mining are shown: of that variant, of the first seed and of
    /// the first fold, one for each net's organs.
    pub(super) fn shown_rounds(&self) -> Vec<&FoundRound> {
        let mut rounds = self.rounds_of_shown_seed();
        let fold = rounds.first().and_then(|round| round.name.fold);
        rounds.retain(|round| round.name.fold == fold);
        rounds
    }

    /// The rounds whose test patients are shown, their nets finding an organ: as
    /// [`Gathered::shown_rounds`], but of all folds, which have different patients.
    pub(super) fn tested_rounds(&self, organ: &Organ) -> Vec<&FoundRound> {
        let mut rounds = self.rounds_of_shown_seed();
        rounds.retain(|round| round.name.finds(organ.as_str()));
        rounds
    }

    /// The round among [`Gathered::shown_rounds`] whose net finds an organ.
    pub(super) fn shown_round(&self, organ: &Organ) -> Option<&FoundRound> {
        let mut rounds = self.shown_rounds().into_iter();
        rounds.find(|round| round.name.finds(organ.as_str()))
    }

    /// Which net and training pictures of test patients are of; empty where there is only one.
    pub(super) fn tested_words(&self) -> String {
        let variant = self.shown_variant().title();
        let round = self.shown_rounds().into_iter().next();
        let training = round.into_iter().flat_map(of_training);
        shown(Some(variant).into_iter().chain(training))
    }

    /// Which net, training and fold training and mining are shown of; empty where there is only one.
    pub(super) fn shown_words(&self) -> String {
        let variant = self.shown_variant().title();
        let round = self.shown_rounds().into_iter().next();
        let training = round.into_iter().flat_map(of_training);
        let fold = round.and_then(|round| round.name.fold);
        let fold = fold.map(|fold| format!("fold {fold}"));
        shown(Some(variant).into_iter().chain(training).chain(fold))
    }

    /// The scores of a variant's arms, round by round.
    fn of_variant<'g, 'v>(
        &'g self,
        variant: &'v Variant,
    ) -> impl Iterator<Item = &'g Scored> + use<'g, 'v> {
        let is_its = move |of_arm: &&Scored| variant.has(&self.rounds[of_arm.round]);
        self.scores.iter().filter(is_its)
    }

    /// The scores of a variant, training by training, arm by arm in the order of reports.
    pub(super) fn of_trainings(&self, variant: &Variant) -> Vec<OfTraining<'_>> {
        let of_variant = self.of_variant(variant);
        let mut scores: Vec<(Arm, OfTraining<'_>)> = of_variant
            .flat_map(|of_arm| {
                let training = self.rounds[of_arm.round].name.training();
                of_arm.scores.iter().map(move |score| {
                    let arm = of_arm.arm.name();
                    (
                        of_arm.arm,
                        OfTraining {
                            arm,
                            training,
                            score,
                        },
                    )
                })
            })
            .collect();
        scores.sort_by_key(|(arm, _)| *arm);
        scores
            .into_iter()
            .map(|(_, of_training)| of_training)
            .collect()
    }

    /// The scores of a sweep by selection ratio, organ by organ and net by net; none of a run or a
    /// comparison. Or why that cannot be told.
    pub(super) fn selection_ratios(&self) -> Result<Vec<SelectionRatios<'_>>, String> {
        if self.left_by != LeftBy::Sweep {
            return Ok(Vec::new());
        }
        let store = self.store.as_ref().map_err(Clone::clone)?;
        let out = OutDir::new(&self.dir);
        let mut splits = BTreeMap::new();
        for row in PaperArm::ALL {
            let file = split_file(row);
            let path = self.dir.join(&file);
            if path.exists() {
                let split = Split::read(&path);
                let split = split.map_err(|error| format!("{}.", crate::causes::causes(&error)))?;
                splits.insert(file, split);
            }
        }
        let scores = self.scores.iter().flat_map(|of_arm| {
            let name = &self.rounds[of_arm.round].name;
            let of_round = name.net.as_deref().zip(name.ratio);
            let scores = of_round.into_iter().flat_map(|of| {
                let scores = of_arm.scores.iter();
                scores.map(move |score| (of, score))
            });
            scores.map(|((net, ratio), score)| SweepScore {
                arm: of_arm.arm,
                net,
                ratio,
                training: name.training(),
                score,
            })
        });
        gather(scores, store, &splits, &out)
            .map_err(|error| format!("{}.", crate::causes::causes(error.as_ref())))
    }

    /// The scores of a variant, each case's mean over the seeds, arm by arm in the order of reports
    /// and organ by organ. A case without a value in some seed has the mean of the others.
    pub(super) fn mean_scores(&self, variant: &Variant) -> Vec<(String, TestScore)> {
        let mut groups: Vec<(CaseKey<'_>, Vec<&CaseScores>)> = Vec::new();
        let mut places: BTreeMap<CaseKey<'_>, usize> = BTreeMap::new();
        let of_variant = self.of_variant(variant);
        for of_arm in of_variant {
            for score in &of_arm.scores {
                let key = (of_arm.arm, &score.organ, &score.case);
                let place = *places.entry(key).or_insert(groups.len());
                if place == groups.len() {
                    groups.push((key, Vec::new()));
                }
                groups[place].1.push(&score.scores);
            }
        }
        groups.sort_by_key(|((arm, _, _), _)| *arm);
        let mean = |((arm, organ, case), members): (CaseKey<'_>, Vec<&CaseScores>)| {
            let score = TestScore {
                case: case.clone(),
                organ: organ.clone(),
                scores: mean_of(&members),
            };
            (arm.to_string(), score)
        };
        groups.into_iter().map(mean).collect()
    }

    /// The Dice of an organ in a variant, as a comparison wants it; or why that cannot be told:
    /// whose scan it is stands in the store.
    pub(super) fn arm_scores(
        &self,
        variant: &Variant,
        organ: &Organ,
    ) -> Result<Vec<ArmScore>, String> {
        let cases = self.store.as_ref().map_err(Clone::clone)?.cases();
        let of_variant = self.of_variant(variant);
        let rows = of_variant.flat_map(|of_arm| {
            let training = self.rounds[of_arm.round].name.training();
            let of_organ = of_arm.scores.iter().filter(|score| score.organ == *organ);
            of_organ.map(move |score| arm_score(cases, of_arm.arm.name(), training, score))
        });
        let rows: anyhow::Result<Vec<ArmScore>> = rows.collect();
        rows.map_err(|error| format!("{error}."))
    }

    /// What the random controls of a variant share with the arms on an organ; or why that cannot be
    /// told.
    pub(super) fn shared_slices(
        &self,
        variant: &Variant,
        organ: &Organ,
        plan: &ComparisonPlan,
    ) -> Result<Vec<SharedSlices>, String> {
        let store = self.store.as_ref().map_err(Clone::clone)?;
        let mut shared = Vec::new();
        let rounds = self.rounds.iter().filter(|round| variant.has(round));
        for round in rounds.filter(|round| round.name.finds(organ.as_str())) {
            let of_round = shared_slices(store, &round.dir, round.name.training(), plan);
            shared.extend(of_round.map_err(|error| format!("{}.", crate::causes::causes(&error)))?);
        }
        Ok(shared)
    }

    /// The scores of one arm in some rounds, each with its round.
    pub(super) fn scores_in<'s, 'r>(
        &'s self,
        rounds: &'s [&'r FoundRound],
        arm: Arm,
        organ: &'s Organ,
    ) -> impl Iterator<Item = (&'r FoundRound, &'s TestScore)> {
        rounds.iter().flat_map(move |&round| {
            let scores = self.scores_of(round, arm, organ);
            scores.into_iter().map(move |score| (round, score))
        })
    }

    /// The scores of one arm in one round.
    pub(super) fn scores_of(&self, round: &FoundRound, arm: Arm, organ: &Organ) -> Vec<&TestScore> {
        let of_arm = self
            .scores
            .iter()
            .find(|of_arm| of_arm.arm == arm && self.rounds[of_arm.round].dir == round.dir);
        let scores = of_arm.into_iter().flat_map(|of_arm| &of_arm.scores);
        scores.filter(|score| score.organ == *organ).collect()
    }
}

fn mean_of(members: &[&CaseScores]) -> CaseScores {
    let mean = |value: fn(&CaseScores) -> Option<f64>| {
        let values: Vec<f64> = members.iter().filter_map(|scores| value(scores)).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    CaseScores {
        dice: mean(|scores| scores.dice),
        hd95_mm: mean(|scores| scores.hd95_mm),
        assd_mm: mean(|scores| scores.assd_mm),
        nsd: mean(|scores| scores.nsd),
        volume_difference_ml: mean(|scores| scores.volume_difference_ml),
        status: members[0].status,
    }
}

/// The seed of a round and its division into A and B, where there are several.
fn of_training(round: &FoundRound) -> impl Iterator<Item = String> + use<> {
    let seed = round.name.seed.map(|seed| format!("seed {seed}"));
    let division = round.name.division;
    let division = division.map(|division| format!("division {division}"));
    seed.into_iter().chain(division)
}

/// ` Shown: unet, seed 0.`; empty where no part says anything.
fn shown(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(" Shown: {}.", parts.join(", "))
    }
}

/// Each value once, in the order in which they first appear.
pub(super) fn in_order<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

/// `liver`, `liver and spleen`, `liver, kidney and spleen`.
pub(super) fn listed<T: ToString>(names: &[T]) -> String {
    let names: Vec<String> = names.iter().map(T::to_string).collect();
    match &names[..] {
        [] => String::new(),
        [name] => name.clone(),
        [names @ .., last] => format!("{} and {last}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_cannot_be_read_is_not_taken_for_one_that_leaks_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("liver/hard/model");
        std::fs::create_dir_all(&model).unwrap();
        let warned = || {
            let warnings = Gathered::read(dir.path()).unwrap().warnings().into_iter();
            let of_leaks = warnings.filter(|warning| warning.contains("test set"));
            of_leaks.collect::<Vec<_>>()
        };
        assert!(warned().is_empty(), "nothing is there yet");
        std::fs::write(model.join("model.json"), "{").unwrap();
        let warned = warned();
        assert!(
            warned.len() == 1 && warned[0].contains("is not known: cannot read"),
            "{warned:?}"
        );
    }
}

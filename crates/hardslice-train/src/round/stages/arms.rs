//! An arm, from the middle of the schedule to its end.

use std::borrow::Cow;
use std::ops::Range;

use hardslice_data::balance::{Arm, Candidates, HardSlices, Plan};

use super::{Shared, Stages};
use crate::config::{Lr0Setting, TrainConfig};
use crate::fit::Phase;
use crate::layout::TrainingDir;
use crate::loss::Loss;
use crate::model::ModelRecord;
use crate::round::RoundError;
use crate::round::chain::PhaseChain;

impl<'a> Stages<'a> {
    /// Trains an arm to the end and leaves its model, or finds that done.
    pub(in crate::round) fn train_arm(
        &self,
        arm: Arm,
        shared: &Shared<'a>,
    ) -> Result<ModelRecord, RoundError> {
        let dir = self.trainer.context.dir.arm(arm);
        let (n, middle) = (
            self.trainer.protocol.train.steps,
            self.trainer.protocol.train.first_half(),
        );
        let is_leaky = shared.is_leaky(arm);
        if let Some(other) = &self.trainer.protocol.final_net {
            if arm.mines_again() {
                return Err(RoundError::RoundsWithFinalNet);
            }
            // Another net has nothing to go on from: it trains from scratch, schedule from 0.
            let mut chain = PhaseChain::new(&self.trainer, other, arm.name())?;
            self.train_parts(&mut chain, arm, shared, 0..n)?;
            return self.write_model(&mut chain, other, is_leaky, &dir.training());
        }
        let mut chain = if let Some(pretrained) = shared.first_half(arm) {
            pretrained.named(arm.name())
        } else {
            let first_half = self.trainer.context.dir.first_half(arm);
            let of = format!("{arm} (first half)");
            self.train_first_half(arm, arm.name(), &of, &self.candidates(), first_half)?
        };
        self.train_parts(&mut chain, arm, shared, middle..n)?;
        self.write_model(
            &mut chain,
            &self.trainer.protocol.net,
            is_leaky,
            &dir.training(),
        )
    }

    /// A net after the first half as an arm shows and trains it. `name` is part of what the training is
    /// known by, `of` says in progress bars what is trained.
    pub(super) fn train_first_half(
        &self,
        arm: Arm,
        name: &str,
        of: &str,
        candidates: &Candidates<'_>,
        dir: TrainingDir,
    ) -> Result<PhaseChain<'a>, RoundError> {
        let protocol = self.trainer.protocol;
        let mut chain = PhaseChain::new(&self.trainer, &protocol.net, name)?;
        let phase = Phase {
            name: "first".to_owned(),
            stage: self.trainer.stage("train", of),
            config: self.train_config(arm),
            lr0_setting: lr0_setting(arm),
            plan: arm.first_half(candidates)?,
            steps: 0..protocol.train.first_half(),
        };
        chain.advance(&self.trainer, phase, dir)?;
        Ok(chain)
    }

    /// Trains over the parts of an arm's second half.
    fn train_parts(
        &self,
        chain: &mut PhaseChain<'a>,
        arm: Arm,
        shared: &Shared<'a>,
        steps: Range<u64>,
    ) -> Result<(), RoundError> {
        let dir = self.trainer.context.dir.arm(arm);
        let mut hard = shared.hard_slices(arm);
        let mut plans = self.second_half(arm, &hard)?;
        let mut refresh = Refresh::of(arm);
        let n_parts = if arm.mines_again() {
            u64::from(self.trainer.protocol.balance.rounds)
        } else {
            plans.len() as u64
        };
        for part in parts(steps, n_parts) {
            if part.number > 1
                && let Some(again) = refresh.before(self, chain, arm, part.number, &hard)?
            {
                plans = self.second_half(arm, &again)?;
                hard = again;
            }
            let training = dir.part(part.number, n_parts);
            let plan = plan_of(&plans, part.number);
            self.write_plan(plan, &hard, shared.is_leaky(arm), &training)?;
            // Stages show the same slices with other weights.
            if part.number == n_parts || !arm.is_staged() {
                self.warn_of_plan(arm, plan, &hard);
            }
            let phase = Phase {
                name: part.name,
                stage: self
                    .trainer
                    .stage("train", &format!("{arm} ({})", part.label)),
                config: self.train_config(arm),
                lr0_setting: lr0_setting(arm),
                plan: plan.clone(),
                steps: part.steps,
            };
            chain.advance(&self.trainer, phase, training)?;
        }
        Ok(())
    }

    /// How an arm is trained: as all others, but for the loss of a rival and its learning rate.
    fn train_config(&self, arm: Arm) -> Cow<'a, TrainConfig> {
        let config = &self.trainer.protocol.train;
        match arm {
            Arm::BaselineFocal => {
                Cow::Owned(config.with_loss(Loss::focal_of_its_authors(), config.focal_lr0))
            }
            Arm::BaselineTopK => {
                Cow::Owned(config.with_loss(Loss::top_k_by_default(), config.top_k_lr0))
            }
            _ => Cow::Borrowed(config),
        }
    }
}

/// The setting that an arm's first learning rate comes from.
fn lr0_setting(arm: Arm) -> Lr0Setting {
    match arm {
        Arm::BaselineFocal => Lr0Setting::Focal,
        Arm::BaselineTopK => Lr0Setting::TopK,
        _ => Lr0Setting::Common,
    }
}

/// Whether to mine again before later parts.
enum Refresh {
    Never,
    /// Before each part, until the hard slices hardly change.
    UntilSettled,
}

impl Refresh {
    fn of(arm: Arm) -> Self {
        if arm.mines_again() {
            Self::UntilSettled
        } else {
            Self::Never
        }
    }

    /// The hard slices for a part, where they are other ones than before.
    fn before<'a>(
        &mut self,
        stages: &Stages<'a>,
        chain: &mut PhaseChain<'a>,
        arm: Arm,
        part: u64,
        hard: &HardSlices,
    ) -> Result<Option<HardSlices>, RoundError> {
        match self {
            Self::Never => Ok(None),
            Self::UntilSettled => {
                let dir = stages.trainer.context.dir.arm(arm).mining_before(part);
                let again = stages.mine_again(arm, chain, dir, part - 1)?;
                let is_same = again.overlap(hard) >= stages.trainer.protocol.balance.settled;
                if is_same || again.hard.is_empty() {
                    *self = Self::Never;
                    return Ok(None);
                }
                Ok(Some(again))
            }
        }
    }
}

/// A part of a half.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    /// Counted from 1.
    number: u64,
    /// Its name in random streams.
    name: String,
    /// Its name in progress bars.
    label: String,
    steps: Range<u64>,
}

/// The second half in parts of equal length, as nearly as whole steps allow.
fn parts(steps: Range<u64>, n_parts: u64) -> Vec<Part> {
    let n_steps = steps.end - steps.start;
    let part = |number| {
        let [name, label] = if n_parts == 1 {
            ["second", "second half"].map(str::to_owned)
        } else {
            [
                format!("second_{number}_of_{n_parts}"),
                format!("second half, part {number} of {n_parts}"),
            ]
        };
        Part {
            number,
            name,
            label,
            steps: steps.start + (number - 1) * n_steps / n_parts
                ..steps.start + number * n_steps / n_parts,
        }
    };
    (1..=n_parts).map(part).collect()
}

/// The plan of a part; where there are fewer plans than parts, the last holds on.
fn plan_of(plans: &[Plan], number: u64) -> &Plan {
    let idx = usize::try_from(number - 1).expect("parts are few");
    plans
        .get(idx)
        .or(plans.last())
        .expect("an arm has a plan for its second half")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other_over_all_steps_and_are_named_by_number_and_count() {
        let of_three = parts(10..20, 3);
        let steps: Vec<_> = of_three.iter().map(|part| part.steps.clone()).collect();
        assert_eq!(steps, [10..13, 13..16, 16..20]);
        assert_eq!(of_three[1].name, "second_2_of_3", "of its random streams");
        assert_eq!(of_three[2].label, "second half, part 3 of 3");
        let [whole] = <[Part; 1]>::try_from(parts(10..20, 1)).unwrap();
        assert_eq!((whole.name.as_str(), whole.steps), ("second", 10..20));
    }
}

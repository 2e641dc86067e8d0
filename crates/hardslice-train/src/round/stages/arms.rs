//! An arm, from the middle of the schedule to its end.

use std::borrow::Cow;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hardslice_data::balance::Arm;
use hardslice_volume::whole_file::write_whole_bytes;

use super::{Shared, Stages};
use crate::config::TrainConfig;
use crate::fit::{Half, Trainee};
use crate::loss::Loss;
use crate::model::Model;
use crate::round::RoundError;

impl Stages<'_> {
    /// Trains an arm to the end, or finds it done.
    pub(in crate::round) fn train_arm(
        &self,
        arm: Arm,
        shared: &Shared,
    ) -> Result<Model, RoundError> {
        let dir = self.place.dir.join(arm.name());
        let (n, middle) = (self.protocol.train.steps, self.protocol.train.first_half());
        let is_leaky = shared.is_leaky(arm);
        if let Some(other) = &self.protocol.final_net {
            if arm == Arm::Rounds {
                return Err(RoundError::RoundsWithFinalNet);
            }
            // Another net has nothing to go on from: it trains from scratch, schedule from 0.
            let trainee = self.fit_parts(self.fresh(other)?, arm, shared, 0..n, None)?;
            return self.write_model(&trainee, other, is_leaky, &dir);
        }
        let (at_middle, first_dir) = if let Some(pretrained) = &shared.pretrained
            && arm.pretrains_on_b()
        {
            (pretrained.clone(), self.place.dir.join("pretrained"))
        } else {
            let half = Half {
                name: "first",
                stage: &self.stage("train", &format!("{arm} (first half)")),
                plan: arm.first_half(&self.candidates())?,
                steps: 0..middle,
            };
            let (start, dir) = (self.fresh(&self.protocol.net)?, dir.join("first_half"));
            let config = self.train_config(arm);
            let trainee = self.fit(start, &half, (arm.name(), &config), &dir)?;
            (trainee, dir)
        };
        let trainee = self.fit_parts(at_middle, arm, shared, middle..n, Some(first_dir))?;
        self.write_model(&trainee, &self.protocol.net, is_leaky, &dir)
    }

    /// Trains over the parts of an arm's second half, the last one in the arm's own folder.
    /// `before` is where the training before it lies, if it goes on from one.
    fn fit_parts(
        &self,
        mut trainee: Trainee,
        arm: Arm,
        shared: &Shared,
        steps: Range<u64>,
        mut before: Option<PathBuf>,
    ) -> Result<Trainee, RoundError> {
        let mut found = shared.found(arm);
        let mut plans = self.second_half(arm, &found)?;
        let n_parts = match arm {
            Arm::Rounds => u64::from(self.protocol.balance.rounds),
            _ => plans.len() as u64,
        };
        let n_steps = steps.end - steps.start;
        let config = self.train_config(arm);
        let mut is_settled = arm != Arm::Rounds;
        for part in 0..n_parts {
            let [name, shown] = part_names(part, n_parts);
            let mut dir = self.place.dir.join(arm.name());
            if part + 1 < n_parts {
                dir.push(format!("part-{}", part + 1));
            }
            if part > 0 && !is_settled {
                let again = self.mine_again(arm, part, &trainee.net)?;
                let is_same = again.found.overlap(&found) >= self.protocol.balance.settled;
                is_settled = is_same || again.found.hard.is_empty();
                if !is_settled {
                    found = again.found;
                    plans = self.second_half(arm, &found)?;
                }
            }
            let plan = &plans[usize::try_from(part).map_or(0, |part| part.min(plans.len() - 1))];
            self.write_plan(plan, &dir)?;
            if let Some(before) = &before {
                hand_on_best(before, &dir)?;
            }
            let half = Half {
                name: &name,
                stage: &self.stage("train", &format!("{arm} ({shown})")),
                plan: plan.clone(),
                steps: steps.start + part * n_steps / n_parts
                    ..steps.start + (part + 1) * n_steps / n_parts,
            };
            trainee = self.fit(trainee, &half, (arm.name(), &config), &dir)?;
            before = Some(dir);
        }
        Ok(trainee)
    }

    /// How an arm is trained: as all others, but for the loss of a rival.
    fn train_config(&self, arm: Arm) -> Cow<'_, TrainConfig> {
        let config = &self.protocol.train;
        let loss = match arm {
            Arm::BaselineFocal => Loss::focal_of_its_authors(),
            Arm::BaselineTopK => Loss::top_k_by_default(),
            _ => return Cow::Borrowed(config),
        };
        Cow::Owned(TrainConfig {
            loss,
            ..config.clone()
        })
    }
}

/// A part's name in random streams and in progress bars.
fn part_names(part: u64, n_parts: u64) -> [String; 2] {
    if n_parts == 1 {
        return ["second", "second half"].map(str::to_owned);
    }
    let part = part + 1;
    [
        format!("second_{part}_of_{n_parts}"),
        format!("second half, part {part} of {n_parts}"),
    ]
}

/// A training starts with the best weights of the one before it, until it finds better ones.
fn hand_on_best(from: &Path, to: &Path) -> Result<(), RoundError> {
    const BEST: &str = "best.safetensors";
    let (from, to) = (from.join(BEST), to.join(BEST));
    if to.exists() || !from.exists() {
        return Ok(());
    }
    let copied = fs::read(&from).and_then(|bytes| write_whole_bytes(&to, &bytes));
    copied.map_err(|source| RoundError::File {
        action: "write",
        path: to,
        source,
    })
}

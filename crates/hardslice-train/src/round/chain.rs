//! The phases that a net goes through, one after the other, and where it stands on that way.

use std::collections::BTreeSet;
use std::sync::Arc;

use hardslice_data::SliceRef;
use hardslice_data::balance::Plan;
use hardslice_data::store::Store;
use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Action, FileError};

use super::RoundError;
use super::trainer::Trainer;
use crate::checkpoint::Checkpoint;
use crate::config::Lr0Setting;
use crate::fit::{FitError, Phase, Receipt, TrainState};
use crate::layout::TrainingDir;
use crate::net::NetConfig;
use crate::weights::Weights;

/// What a training by hand is called where others have the name of their arm.
pub(super) const BY_HAND: &str = "by_hand";

/// A net on its way through phases of training.
///
/// A phase is done when its receipt is there and fits; then nothing is loaded. The state itself
/// (weights, velocities, batch statistics) is read, or trained again where its checkpoints are gone,
/// only when something has to go on from it.
#[derive(Clone)]
pub(super) struct PhaseChain<'a> {
    /// The net that it began with.
    net: &'a NetConfig,
    /// Where somebody else's training left it; none of new weights.
    began: Option<Arc<Checkpoint>>,
    /// What trains it, for messages and identities.
    name: String,
    links: Vec<Link<'a>>,
    /// Scans that were trained on before the chain began, by the hashes of their voxels.
    trained_before: BTreeSet<String>,
    /// Hash of the weights as they stand.
    weights_blake3: String,
    state: Option<TrainState>,
}

/// A phase that is done.
#[derive(Clone)]
struct Link<'a> {
    phase: Phase<'a>,
    dir: TrainingDir,
    receipt: Receipt,
}

impl<'a> PhaseChain<'a> {
    /// A net before its first step. `name` is the arm's, or what is trained before arms part.
    pub(super) fn new(
        trainer: &Trainer<'_>,
        net: &'a NetConfig,
        name: &str,
    ) -> Result<Self, RoundError> {
        let state = trainer.fresh(net)?;
        Ok(Self {
            net,
            began: None,
            name: name.to_owned(),
            links: Vec::new(),
            trained_before: BTreeSet::new(),
            weights_blake3: Weights::of(&state.predictor()).hash(),
            state: Some(state),
        })
    }

    /// A net that somebody has trained before.
    pub(super) fn from_checkpoint(
        trainer: &Trainer<'_>,
        net: &'a NetConfig,
        name: &str,
        saved: Checkpoint,
        trained_before: BTreeSet<String>,
    ) -> Result<Self, RoundError> {
        let mut chain = Self::new(trainer, net, name)?;
        chain.trained_before = trained_before;
        chain.began = Some(Arc::new(saved));
        let state = chain.start(trainer)?;
        chain.weights_blake3 = Weights::of(&state.predictor()).hash();
        chain.state = Some(state);
        Ok(chain)
    }

    /// The same, going on under another name.
    pub(super) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Hash of the weights as they stand.
    pub(super) fn weights_blake3(&self) -> &str {
        &self.weights_blake3
    }

    /// The scans that it has been shown slices of, by the hashes of their voxels.
    pub(super) fn trained_on(&self, store: &Store) -> BTreeSet<String> {
        let plans = self.links.iter().map(|link| &link.phase.plan);
        let slices = plans.flat_map(Plan::entries).map(|entry| entry.slice);
        let cases: BTreeSet<usize> = slices.map(SliceRef::case).collect();
        let scans = cases.into_iter().map(|case| &store.cases()[case].source);
        let mut scans: BTreeSet<String> = scans.map(|scan| scan.voxels_blake3.clone()).collect();
        scans.extend(self.trained_before.iter().cloned());
        scans
    }

    /// What the last phase ended with.
    ///
    /// # Panics
    ///
    /// Before the first phase.
    pub(super) fn receipt(&self) -> &Receipt {
        &self.last_link().receipt
    }

    fn last_link(&self) -> &Link<'a> {
        self.links
            .last()
            .expect("a chain is asked after its first phase")
    }

    /// Trains over one more phase, or finds that done.
    pub(super) fn advance(
        &mut self,
        trainer: &Trainer<'_>,
        phase: Phase<'a>,
        dir: TrainingDir,
    ) -> Result<(), RoundError> {
        let identity = self.identity_of(trainer, &phase);
        let receipt = match Receipt::read(&dir)? {
            Some(receipt) if receipt.identity == identity => {
                trainer.skipped(&phase.stage);
                self.state = None;
                receipt
            }
            Some(_) => {
                let dir = dir.path().to_owned();
                return Err(self.error(FitError::OtherTraining { dir }));
            }
            None => {
                if !trainer.may_train {
                    return Err(RoundError::NotTrained {
                        path: dir.path().to_owned(),
                    });
                }
                if let Some(before) = self.links.last() {
                    hand_on_best(&before.dir, &dir)?;
                }
                let state = self.take_state(trainer)?;
                let state = trainer
                    .fit(state, &phase, &identity, &dir)
                    .map_err(|source| self.error(source))?;
                self.state = Some(state);
                let receipt = Receipt::read(&dir)?;
                receipt.expect("a training that is over has left its receipt")
            }
        };
        self.weights_blake3.clone_from(&receipt.weights_blake3);
        self.links.push(Link {
            phase,
            dir,
            receipt,
        });
        Ok(())
    }

    /// The state as it stands.
    pub(super) fn state(&mut self, trainer: &Trainer<'_>) -> Result<&TrainState, RoundError> {
        let state = self.take_state(trainer)?;
        Ok(self.state.insert(state))
    }

    /// The state that the first phase goes on from.
    fn start(&self, trainer: &Trainer<'_>) -> Result<TrainState, RoundError> {
        let fresh = trainer.fresh(self.net)?;
        let Some(saved) = &self.began else {
            return Ok(fresh);
        };
        let context = trainer.context;
        fresh
            .restore(
                Checkpoint::clone(saved),
                &trainer.protocol.train,
                context.device,
                context.force,
            )
            .map_err(|source| self.error(source))
    }

    fn take_state(&mut self, trainer: &Trainer<'_>) -> Result<TrainState, RoundError> {
        if let Some(state) = self.state.take() {
            return Ok(state);
        }
        // From the last phase that has its state, forward again over those that lost theirs.
        let mut state = self.start(trainer)?;
        let mut from = 0;
        for (idx, link) in self.links.iter().enumerate().rev() {
            // Damaged checkpoints are told of when the phase is trained again.
            let saved = Checkpoint::newest(&link.dir.checkpoints(), drop)?;
            let is_end = |saved: &Checkpoint| {
                saved.position.step == link.receipt.steps
                    && saved.position.identity == link.receipt.identity
            };
            if let Some(saved) = saved.filter(is_end) {
                state = state
                    .restore(
                        saved,
                        &link.phase.config,
                        trainer.context.device,
                        trainer.context.force,
                    )
                    .map_err(|source| self.error(source))?;
                from = idx + 1;
                break;
            }
        }
        for link in &self.links[from..] {
            if !trainer.may_train {
                return Err(RoundError::NotTrained {
                    path: link.dir.path().to_owned(),
                });
            }
            state = trainer
                .fit(state, &link.phase, &link.receipt.identity, &link.dir)
                .map_err(|source| self.error(source))?;
            if Weights::of(&state.predictor()).hash() != link.receipt.weights_blake3 {
                return Err(RoundError::OtherWeights {
                    path: link.dir.path().to_owned(),
                });
            }
        }
        Ok(state)
    }

    /// Hash of all that decides a phase from here.
    fn identity_of(&self, trainer: &Trainer<'_>, phase: &Phase<'_>) -> String {
        let entries = phase.plan.entries().iter();
        // By its reason an entry's copies are flipped.
        let plan: Vec<_> = entries
            .map(|entry| (entry.slice, entry.weight, entry.reason.name()))
            .collect();
        // What the phase has of its own, as rivals have; the common settings are in every identity.
        let [own, common] = [&*phase.config, &trainer.protocol.train].map(|of| of.clip_grad_norm);
        let has_lr0 = phase.lr0_setting != Lr0Setting::Common;
        let has_clip = own.to_bits() != common.to_bits();
        let settings = [
            Some(self.name.clone()),
            has_lr0.then(|| format!("lr0 {}", phase.config.lr0)),
            has_clip.then(|| format!("clip_grad_norm {own}")),
        ];
        let name = settings
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", ");
        trainer.identity(&(name, &phase.name, &self.weights_blake3, plan))
    }

    fn error(&self, source: FitError) -> RoundError {
        RoundError::Fit {
            arm: (self.name != BY_HAND).then(|| self.name.clone()),
            source,
        }
    }
}

/// A training starts with the best weights of the one before it, until it finds better ones.
pub(super) fn hand_on_best(from: &TrainingDir, to: &TrainingDir) -> Result<(), FileError> {
    let (from, to) = (from.best(), to.best());
    if to.exists() || !from.exists() {
        return Ok(());
    }
    let bytes = std::fs::read(&from).map_err(Action::Read.on(&from))?;
    write_whole_bytes(&to, &bytes).map_err(Action::Write.on(&to))
}

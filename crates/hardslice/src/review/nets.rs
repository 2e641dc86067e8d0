//! The nets that can be asked about a slice: that which mined it, and each arm's.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::Context;
use hardslice_data::balance::{Arm, Plan};
use hardslice_data::store::{Store, StoredSlices};
use hardslice_data::{Organ, SliceRef};
use hardslice_train::layout::RoundDir;
use hardslice_train::{Predicted, predict};

use super::kept::{Kept, held};
use crate::slice_model::SliceModel;

/// Room for predictions of slices, bytes.
const PREDICTIONS_ROOM: usize = 128 << 20;

/// Room for predictions of whole scans, bytes.
const SCANS_ROOM: usize = 128 << 20;

/// A net of a round: the arm's, or that which mined.
pub(super) type NetKey = (usize, Option<Arm>);

/// A net, case, slice and organ.
type SliceKey = (NetKey, usize, usize, String);

/// The nets of all rounds, each read when it is first asked for.
pub(super) struct Nets {
    store: Arc<Store>,
    models: BTreeMap<NetKey, Net>,
    /// What each arm's net is shown in the end, and how often.
    plans: BTreeMap<(usize, Arm), BTreeMap<SliceRef, f64>>,
    slices: Mutex<Kept<SliceKey, Vec<bool>>>,
    scans: Mutex<Kept<(NetKey, usize), Vec<u8>>>,
}

struct Net {
    dir: PathBuf,
    model: Mutex<State>,
}

enum State {
    Unread,
    Read(Arc<SliceModel>),
    Missing,
}

impl Nets {
    /// Those whose folders are there, and the arms' plans.
    ///
    /// # Errors
    ///
    /// A plan cannot be read.
    pub(super) fn of(store: Arc<Store>, rounds: &[RoundDir]) -> anyhow::Result<Self> {
        let (mut models, mut plans) = (BTreeMap::new(), BTreeMap::new());
        for (round, dir) in rounds.iter().enumerate() {
            let of_arms = Arm::ALL.map(|arm| (Some(arm), dir.arm(arm).training()));
            for (arm, training) in of_arms.into_iter().chain([(None, dir.pretrained())]) {
                if !training.model().is_dir() {
                    continue;
                }
                let net = Net {
                    dir: training.model(),
                    model: Mutex::new(State::Unread),
                };
                models.insert((round, arm), net);
                let Some(arm) = arm.filter(|_| training.plan().is_file()) else {
                    continue;
                };
                let n_slices = |case: usize| store.cases()[case].n_slices;
                let plan = Plan::read_csv(&training.plan(), |name| store.place_of(name), n_slices)
                    .with_context(|| format!("the plan of the arm `{arm}`"))?;
                let entries = plan.entries().iter();
                let weights = entries.map(|entry| (entry.slice, entry.weight)).collect();
                plans.insert((round, arm), weights);
            }
        }
        Ok(Self {
            store,
            models,
            plans,
            slices: Mutex::new(Kept::new(PREDICTIONS_ROOM)),
            scans: Mutex::new(Kept::new(SCANS_ROOM)),
        })
    }

    /// The arms of a round that have a net.
    pub(super) fn arms(&self, round: usize) -> impl Iterator<Item = Arm> + '_ {
        Arm::ALL
            .into_iter()
            .filter(move |arm| self.models.contains_key(&(round, Some(*arm))))
    }

    /// How often an epoch of the arm's last part shows a slice; `None` where the arm has no plan.
    pub(super) fn weight(&self, round: usize, arm: Arm, slice: SliceRef) -> Option<f64> {
        let plan = self.plans.get(&(round, arm))?;
        Some(plan.get(&slice).copied().unwrap_or(0.0))
    }

    /// What a net says of a slice, on the scan's own pixels; `None` where there is none.
    pub(super) fn slice(
        &self,
        net: NetKey,
        case_idx: usize,
        z: usize,
        organ: &Organ,
    ) -> anyhow::Result<Option<Arc<Vec<bool>>>> {
        let key = (net, case_idx, z, organ.to_string());
        if let Some(kept) = held(&self.slices).get(&key) {
            return Ok(Some(kept));
        }
        let said = self.with(net, |model| model.slice(&self.store, case_idx, z, organ))?;
        let Some(mask) = said.map(Arc::new) else {
            return Ok(None);
        };
        held(&self.slices).put(key, mask.clone(), mask.len());
        Ok(Some(mask))
    }

    /// What a net says of a whole scan, on its own grid; `None` where there is none.
    pub(super) fn scan(
        &self,
        net: NetKey,
        case_idx: usize,
        organ: &Organ,
    ) -> anyhow::Result<Option<Vec<bool>>> {
        let value = self.with(net, |model| Ok(model.value_of(organ)))?.flatten();
        let Some(value) = value else {
            return Ok(None);
        };
        let key = (net, case_idx);
        let kept = held(&self.scans).get(&key);
        let labels = if let Some(kept) = kept {
            kept
        } else {
            let source = StoredSlices {
                store: &self.store,
                case_idx,
            };
            let predicted = self.with(net, |model| {
                let options = &model.model.record.predict;
                Ok(predict(&model.model, &source, options, &|_| {})?)
            })?;
            let Predicted { labels, .. } = predicted.expect("it has told the organ's value");
            let labels = Arc::new(labels.into_voxels());
            held(&self.scans).put(key, labels.clone(), labels.len());
            labels
        };
        Ok(Some(labels.iter().map(|label| *label == value).collect()))
    }

    /// Asks a net, several questions at once if need be; `None` where it cannot be read.
    fn with<T>(
        &self,
        net: NetKey,
        ask: impl FnOnce(&SliceModel) -> anyhow::Result<T>,
    ) -> anyhow::Result<Option<T>> {
        let Some(net) = self.models.get(&net) else {
            return Ok(None);
        };
        let mut state = held(&net.model);
        if matches!(*state, State::Unread) {
            *state = match SliceModel::read(&net.dir) {
                Ok(read) => State::Read(Arc::new(read)),
                Err(_said) => State::Missing,
            };
        }
        let model = match &*state {
            State::Read(model) => model.clone(),
            State::Unread | State::Missing => return Ok(None),
        };
        drop(state);
        ask(&model).map(Some)
    }
}

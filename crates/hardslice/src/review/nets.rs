//! The nets that can be asked about a slice: that which mined it, and each arm's; or the predictions of
//! another program that were mined.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::Context;
use hardslice_data::balance::Arm;
use hardslice_data::mining::{ExternalPredictions, read_plan};
use hardslice_data::store::{Store, StoredSlices};
use hardslice_data::{Organ, SliceRef};
use hardslice_train::layout::RoundDir;
use hardslice_train::{Predicted, predict};

use super::kept::{Kept, held};
use crate::by_hand::{ByHand, ScoredBy, ScoredPredictions};
use crate::slice_model::SliceModel;

/// Room for predictions of slices, bytes.
const PREDICTIONS_ROOM: usize = 128 << 20;

/// Room for predictions of whole scans, bytes.
const SCANS_ROOM: usize = 128 << 20;

/// A net of a round: the arm's, or that which mined.
pub(super) type NetKey = (usize, Option<Arm>);

/// A net, case and slice.
type SliceKey = (NetKey, usize, usize);

/// The nets of all rounds, each read when it is first asked for.
pub(super) struct Nets {
    store: Arc<Store>,
    models: BTreeMap<NetKey, Net>,
    /// Where the predictions lie that were mined in place of a model's, by round.
    mined: BTreeMap<usize, ScoredPredictions>,
    /// Folders of what scored that are no longer there.
    pub(super) missing: Vec<PathBuf>,
    /// What each arm's net is shown in the end, and how often.
    plans: BTreeMap<(usize, Arm), BTreeMap<SliceRef, f64>>,
    slices: Mutex<Kept<SliceKey, Vec<u8>>>,
    scans: Mutex<Kept<(NetKey, usize), Vec<u8>>>,
}

struct Net {
    dir: PathBuf,
    model: Mutex<State>,
}

impl Net {
    fn unread(dir: PathBuf) -> Self {
        Self {
            dir,
            model: Mutex::new(State::Unread),
        }
    }
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
    /// A plan, or the record of what scored, cannot be read.
    pub(super) fn of(store: Arc<Store>, rounds: &[RoundDir]) -> anyhow::Result<Self> {
        let (mut models, mut plans) = (BTreeMap::new(), BTreeMap::new());
        let (mut mined, mut missing) = (BTreeMap::new(), Vec::new());
        for (round, dir) in rounds.iter().enumerate() {
            match ByHand::of(dir)?.map(|by_hand| by_hand.scored_by) {
                Some(scored_by) if !scored_by.folder().is_dir() => {
                    missing.push(scored_by.folder().to_owned());
                }
                Some(ScoredBy::Model(dir)) => {
                    models.insert((round, None), Net::unread(dir));
                }
                Some(ScoredBy::Predictions(predictions)) => {
                    mined.insert(round, predictions);
                }
                None => {}
            }
            let of_arms = Arm::ALL.map(|arm| (Some(arm), dir.arm(arm).training()));
            for (arm, training) in of_arms.into_iter().chain([(None, dir.pretrained())]) {
                if !training.model().is_dir() {
                    continue;
                }
                models.insert((round, arm), Net::unread(training.model()));
                let Some(arm) = arm.filter(|_| training.plan().is_file()) else {
                    continue;
                };
                let plan = read_plan(&training.plan(), &store)
                    .with_context(|| format!("the plan of the arm `{arm}`"))?;
                let entries = plan.entries().iter();
                let weights = entries.map(|entry| (entry.slice, entry.weight)).collect();
                plans.insert((round, arm), weights);
            }
        }
        Ok(Self {
            store,
            models,
            mined,
            missing,
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
    ) -> anyhow::Result<Option<Vec<bool>>> {
        let Some(value) = self.value_of(net, organ)? else {
            return Ok(None);
        };
        let kept = held(&self.slices).get(&(net, case_idx, z));
        let labels = match kept {
            Some(kept) => Some(kept),
            None => self.predict(net, case_idx, &[z])?.pop(),
        };
        let mask = |labels: &Vec<u8>| labels.iter().map(|label| *label == value).collect();
        Ok(labels.as_deref().map(mask))
    }

    /// The organ's value in a net's label maps; `None` where there is no net, or it does not find it.
    fn value_of(&self, net: NetKey, organ: &Organ) -> anyhow::Result<Option<u8>> {
        if self.mined_in_place_of(net).is_some() {
            let organ = self.store.organ_of(organ);
            return Ok(organ.map(|organ| self.store.label_of(organ)));
        }
        Ok(self.with(net, |model| Ok(model.value_of(organ)))?.flatten())
    }

    /// The predictions that were mined in place of a net's.
    fn mined_in_place_of(&self, (round, arm): NetKey) -> Option<&ScoredPredictions> {
        self.mined.get(&round).filter(|_| arm.is_none())
    }

    /// Predicts slices of a case together, which takes less time than one by one, and keeps them:
    /// label maps on the scan's own pixels, none where there is no net.
    pub(super) fn predict(
        &self,
        net: NetKey,
        case_idx: usize,
        slices: &[usize],
    ) -> anyhow::Result<Vec<Arc<Vec<u8>>>> {
        let n_pixels = self.store.cases()[case_idx]
            .placement
            .canonical
            .shape
            .n_pixels();
        let labels: Vec<Arc<Vec<u8>>> = if self.mined_in_place_of(net).is_some() {
            let scan = self.labels_of_scan(net, case_idx)?.unwrap_or_default();
            let slice = |z: &usize| Arc::new(scan[z * n_pixels..][..n_pixels].to_vec());
            slices.iter().map(slice).collect()
        } else {
            let labels = self.with(net, |model| model.labels(&self.store, case_idx, slices))?;
            let labels = labels.unwrap_or_default();
            let slices = labels.chunks(n_pixels);
            slices.map(|labels| Arc::new(labels.to_vec())).collect()
        };
        let mut kept = held(&self.slices);
        for (z, labels) in slices.iter().zip(&labels) {
            kept.put((net, case_idx, *z), labels.clone(), n_pixels);
        }
        Ok(labels)
    }

    /// What a net says of a whole scan, on its own grid; `None` where there is none.
    pub(super) fn scan(
        &self,
        net: NetKey,
        case_idx: usize,
        organ: &Organ,
    ) -> anyhow::Result<Option<Vec<bool>>> {
        let Some(value) = self.value_of(net, organ)? else {
            return Ok(None);
        };
        let labels = self.labels_of_scan(net, case_idx)?;
        Ok(labels.map(|labels| labels.iter().map(|label| *label == value).collect()))
    }

    /// A net's label map of a whole scan, on its own grid; `None` where there is no net.
    fn labels_of_scan(&self, net: NetKey, case_idx: usize) -> anyhow::Result<Option<Arc<Vec<u8>>>> {
        let key = (net, case_idx);
        if let Some(kept) = held(&self.scans).get(&key) {
            return Ok(Some(kept));
        }
        let labels = if let Some(mined) = self.mined_in_place_of(net) {
            let predictions = ExternalPredictions {
                store: &self.store,
                organs: &[],
                dir: &mined.folder,
                labels: mined.labels.as_ref(),
                probabilities: false,
            };
            Some(predictions.label_map(case_idx)?)
        } else {
            let source = StoredSlices {
                store: &self.store,
                case_idx,
            };
            self.with(net, |model| {
                let options = &model.model.record.predict;
                let Predicted { labels, .. } = predict(&model.model, &source, options, &|_| {})?;
                Ok(labels.into_voxels())
            })?
        };
        let labels = labels.map(Arc::new);
        if let Some(labels) = &labels {
            held(&self.scans).put(key, labels.clone(), labels.len());
        }
        Ok(labels)
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

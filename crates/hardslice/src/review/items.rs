//! What is looked at: hard slices, some easy ones among them, or the slices of a cohort alone.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use anyhow::anyhow;
use hardslice_data::balance::Arm;
use hardslice_data::mining::Decision;
use hardslice_data::mining::ledger::{self, LedgerRow};
use hardslice_data::mining::triage::Triage;
use hardslice_data::store::Store;
use hardslice_data::{Organ, SliceRef};
use hardslice_train::layout::RoundDir;
use serde::Serialize;

use super::nets::NetKey;
use crate::layout::mined_rounds;
use hardslice_data::mining::review::Judged;

/// Of ten slices that come up for judgement one is an easy one, so that the hard ones have a control.
const HARD_PER_EASY: usize = 9;

/// A slice of an organ that can be looked at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    pub(crate) case_idx: usize,
    pub(crate) z: u32,
    pub(crate) organ: Organ,
    /// What the mining said; `None` where nothing was mined.
    pub(crate) mined: Option<Mined>,
    /// Whether it is an easy slice that comes up among the hard ones.
    pub(crate) is_control: bool,
}

/// What a ledger says of a slice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Mined {
    pub(crate) dice: Option<f64>,
    pub(crate) tau: f64,
    pub(crate) kind: &'static str,
    pub(crate) is_hard: bool,
    pub(crate) reason: String,
    pub(crate) triage: Option<&'static str>,
    pub(crate) triage_reason: Option<String>,
    /// Pixels that only one of truth and prediction has.
    #[serde(skip)]
    pub(crate) error_px: u32,
    /// Place of the round in [`Items::rounds`].
    #[serde(skip)]
    pub(crate) round: usize,
    /// Whether the net scored it that the round keeps: that of its first mining. The one that was trained
    /// on A to score B is not kept, nor is an arm's as it stood before a later part.
    #[serde(skip)]
    is_by_kept_net: bool,
}

impl Mined {
    /// The arm's net, or that which mined the slice; `None` where that was not kept.
    pub(super) fn net(&self, arm: Option<Arm>) -> Option<NetKey> {
        (arm.is_some() || self.is_by_kept_net).then_some((self.round, arm))
    }
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Items {
    /// Hardest first, control slices last; of a cohort alone by case, slice and organ.
    pub(crate) all: Vec<Item>,
    /// The order in which they come up for judgement, as places in `all`.
    pub(crate) queue: Vec<usize>,
    /// Folders of the rounds that mined.
    pub(crate) rounds: Vec<RoundDir>,
}

impl Items {
    /// Those of what `run`, `compare`, `sweep` or `mine` left in a folder; all slices that show an
    /// organ where nothing was mined.
    ///
    /// # Errors
    ///
    /// A ledger cannot be read, or is of other cases than the store's.
    pub(crate) fn of(dir: &Path, store: &Store) -> anyhow::Result<Self> {
        let rounds = mined_rounds(dir)?;
        // The first ledger in which a slice is hard speaks of it, else the first that holds it.
        let mut found: BTreeMap<(usize, u32, Organ), Item> = BTreeMap::new();
        for (round, folder) in rounds.iter().enumerate() {
            let first = folder.mining();
            for mining in folder.minings() {
                let is_by_kept_net = mining.path() == first.path();
                for row in ledger::read(&mining.ledger())? {
                    let case = row.case.as_str();
                    let case_idx = store.place_of(case).ok_or_else(|| {
                        anyhow!("the ledger names the case `{case}`, which the store does not have")
                    })?;
                    let n_slices = store.cases()[case_idx].n_slices;
                    if row.z as usize >= n_slices {
                        return Err(anyhow!(
                            "the ledger names slice {} of the case `{case}`, which has {n_slices} in the \
                             store: it is of another cohort",
                            row.z
                        ));
                    }
                    let key = (case_idx, row.z, row.organ.clone());
                    let item = item(row, case_idx, round, is_by_kept_net);
                    match found.entry(key) {
                        Entry::Vacant(vacant) => {
                            vacant.insert(item);
                        }
                        Entry::Occupied(mut held) => {
                            if item.is_hard() && !held.get().is_hard() {
                                held.insert(item);
                            }
                        }
                    }
                }
            }
        }
        if found.is_empty() {
            return Ok(Self::of_cohort(store));
        }
        let (mut hard, easy): (Vec<Item>, Vec<Item>) = found.into_values().partition(Item::is_hard);
        // Of those with the same Dice, most have none of it, the larger error comes first.
        hard.sort_by(|a, b| {
            let by_dice = a.dice().total_cmp(&b.dice());
            by_dice.then_with(|| b.error_px().cmp(&a.error_px()))
        });
        let controls = controls(easy, hard.len().div_ceil(HARD_PER_EASY), store);
        let queue = mixed(&hard, &controls, store);
        hard.extend(controls);
        Ok(Self {
            all: hard,
            queue,
            rounds,
        })
    }

    fn of_cohort(store: &Store) -> Self {
        let mut items = Vec::new();
        for (case_idx, case) in store.cases().iter().enumerate() {
            for z in 0..case.n_slices {
                for organ in store.all_organs() {
                    if store.is_annotated(case_idx, organ) && case.area_px(organ, z) > 0 {
                        items.push(Item {
                            case_idx,
                            z: u32::try_from(z).expect("a scan has fewer slices"),
                            organ: store.organ(organ).clone(),
                            mined: None,
                            is_control: false,
                        });
                    }
                }
            }
        }
        Self {
            queue: (0..items.len()).collect(),
            all: items,
            rounds: Vec::new(),
        }
    }
}

impl Item {
    pub(crate) fn judged(&self, store: &Store) -> Judged {
        Judged {
            case: store.cases()[self.case_idx].id.to_string(),
            z: self.z,
            organ: self.organ.to_string(),
        }
    }

    pub(crate) fn slice(&self) -> SliceRef {
        SliceRef::at(self.case_idx, self.z as usize)
    }

    fn is_hard(&self) -> bool {
        self.mined.as_ref().is_some_and(|mined| mined.is_hard)
    }

    /// Dice, below everything where the slice has none: the organ is in neither of the two.
    fn dice(&self) -> f64 {
        let dice = self.mined.as_ref().and_then(|mined| mined.dice);
        dice.unwrap_or(-1.0)
    }

    fn error_px(&self) -> u32 {
        self.mined.as_ref().map_or(0, |mined| mined.error_px)
    }

    /// What decides its place among others, and shows nothing of what it is.
    fn lot(&self, store: &Store) -> [u8; 32] {
        let Judged { case, z, organ } = self.judged(store);
        *blake3::hash(format!("{case}\n{z}\n{organ}").as_bytes()).as_bytes()
    }
}

fn item(row: LedgerRow, case_idx: usize, round: usize, is_by_kept_net: bool) -> Item {
    Item {
        case_idx,
        z: row.z,
        mined: Some(Mined {
            dice: row.dice,
            tau: row.tau,
            kind: row.kind.name(),
            is_hard: row.decision == Decision::Hard,
            reason: row.reason,
            triage: row.triage.map(Triage::name),
            error_px: row.truth_px + row.predicted_px - 2 * row.shared_px,
            triage_reason: row.triage_reason,
            round,
            is_by_kept_net,
        }),
        is_control: false,
        organ: row.organ,
    }
}

/// Easy slices that show the organ, `n` of them, drawn by lot.
fn controls(easy: Vec<Item>, n: usize, store: &Store) -> Vec<Item> {
    let shows_it = |item: &Item| {
        let organ = store.organ_of(&item.organ);
        let case = &store.cases()[item.case_idx];
        organ.is_some_and(|organ| case.area_px(organ, item.z as usize) > 0)
    };
    let mut easy: Vec<Item> = easy.into_iter().filter(shows_it).collect();
    easy.sort_by_cached_key(|item| item.lot(store));
    easy.truncate(n);
    for item in &mut easy {
        item.is_control = true;
    }
    easy
}

/// The places of hard slices, hardest first, with the controls among them at places drawn by lot.
fn mixed(hard: &[Item], controls: &[Item], store: &Store) -> Vec<usize> {
    let mut queue: Vec<usize> = (0..hard.len()).collect();
    for (n, control) in controls.iter().enumerate() {
        let [a, b, c, d, ..] = control.lot(store);
        let place = u32::from_le_bytes([d, c, b, a]) as usize % (queue.len() + 1);
        queue.insert(place, hard.len() + n);
    }
    queue
}

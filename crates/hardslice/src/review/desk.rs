//! What the page asks and tells: slices, pictures, verdicts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use anyhow::anyhow;
use hardslice_data::balance::Arm;
use hardslice_data::mining::review::{Judged, LabelVerdict, More, Verdicts, shown_hash};
use hardslice_data::mining::triage::Triage;
use hardslice_data::store::Store;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ahead::Ahead;
use super::items::{Item, Items};
use super::kept::held;
use super::nets::{NetKey, Nets};
use super::pictures::{Asked, Pictures, Subject};
use super::surfaces;
use super::tally::{Known, Tally};
use crate::bars::wall_time_s;
use crate::folder_lock::FolderLock;
use crate::scans;

/// Longest note and name, characters.
const LONGEST_NOTE: usize = 2000;
const LONGEST_NAME: usize = 80;

/// A folder's slices, as they are looked at and judged.
pub(crate) struct Desk {
    store: Arc<Store>,
    items: Items,
    /// The places of the items, by what is judged.
    ids: BTreeMap<Judged, usize>,
    /// What a verdict on each item is about, once it was asked for.
    hashes: Vec<OnceLock<String>>,
    nets: Arc<Nets>,
    pictures: Pictures,
    ahead: Ahead,
    verdicts: Mutex<Verdicts>,
    /// One desk in a folder: each reads the verdicts' file when it is opened, and adds to it.
    _lock: FolderLock,
}

/// What the page sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Judgement {
    /// Place of the item.
    pub(crate) id: usize,
    pub(crate) verdict: LabelVerdict,
    #[serde(default)]
    pub(crate) note: String,
    pub(crate) reviewer: String,
    /// Whether it came up in the queue.
    #[serde(default)]
    pub(crate) blind: bool,
}

/// An item as the light table shows it.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    id: usize,
    case: &'a str,
    patient: &'a str,
    z: u32,
    n_slices: usize,
    organ: &'a str,
    /// Kept back of the easy slices among the hard ones.
    #[serde(flatten)]
    mined: Option<&'a super::items::Mined>,
    is_control: bool,
    /// Places, among all arms, of those whose nets are shown it in the end.
    shown_to: Vec<usize>,
}

/// What an arm's net says of a slice.
#[derive(Debug, Serialize)]
pub(crate) struct ArmsAnswer {
    arm: Arm,
    /// `None` where neither truth nor prediction shows the organ.
    dice: Option<f64>,
    predicted_px: usize,
    /// How often an epoch of the arm's second half shows it; `None` where that is not known.
    weight: Option<f64>,
}

impl Desk {
    /// Opens what a command left in a folder.
    ///
    /// # Errors
    ///
    /// Nothing is there to look at; a ledger or the verdicts cannot be read; another desk is open on
    /// the folder.
    pub(crate) fn open(dir: &Path, store: Store) -> anyhow::Result<Self> {
        let items = Items::of(dir, &store)?;
        if items.all.is_empty() {
            return Err(anyhow!(
                "no slice of {} shows an organ: there is nothing to look at",
                store.dir().display()
            ));
        }
        let judged = items.all.iter().map(|item| item.judged(&store));
        let ids = judged
            .enumerate()
            .map(|(id, judged)| (judged, id))
            .collect();
        let hashes = items.all.iter().map(|_| OnceLock::new()).collect();
        let path = Verdicts::path_in(dir);
        let lock = FolderLock::of(path.parent().expect("a file in a folder"))?;
        let verdicts = Verdicts::read(&path)?;
        let store = Arc::new(store);
        let nets = Arc::new(Nets::of(store.clone(), &items.rounds)?);
        Ok(Self {
            pictures: Pictures::new(store.clone(), nets.clone()),
            ahead: Ahead::new(),
            nets,
            store,
            items,
            ids,
            hashes,
            verdicts: Mutex::new(verdicts),
            _lock: lock,
        })
    }

    /// What cannot be shown.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> + '_ {
        self.nets.missing.iter().map(|folder| {
            format!(
                "what scored the slices is no longer there, so that its predictions are not shown: \
                 bring it back, or mine again ({})",
                folder.display()
            )
        })
    }

    pub(crate) fn n_items(&self) -> usize {
        self.items.all.len()
    }

    /// Every slice, hardest first, the order in which they come up, and the organs.
    pub(crate) fn list(&self) -> Value {
        let arms = self.arms();
        let shown = self.items.all.iter().enumerate().map(|(id, item)| {
            let case = &self.store.cases()[item.case_idx];
            Listed {
                id,
                case: case.id.as_str(),
                patient: case.patient.as_str(),
                z: item.z,
                n_slices: case.n_slices,
                organ: item.organ.as_str(),
                mined: item.mined.as_ref().filter(|_| !item.is_control),
                is_control: item.is_control,
                shown_to: self.shown_to(item, &arms),
            }
        });
        json!({
            "items": shown.collect::<Vec<_>>(),
            "arms": arms,
            "queue": self.items.queue,
            "is_mined": !self.items.rounds.is_empty(),
            "window_hu": self.store.options().window_hu,
        })
    }

    /// The arms that have a net in some round.
    fn arms(&self) -> Vec<Arm> {
        let has_net = |arm: &Arm| {
            let mut rounds = 0..self.items.rounds.len();
            rounds.any(|round| self.nets.arms(round).any(|other| other == *arm))
        };
        Arm::ALL.into_iter().filter(has_net).collect()
    }

    fn shown_to(&self, item: &Item, arms: &[Arm]) -> Vec<usize> {
        let Some(mined) = &item.mined else {
            return Vec::new();
        };
        let is_shown = |arm: &Arm| {
            let weight = self.nets.weight(mined.round, *arm, item.slice());
            weight.is_some_and(|weight| weight > 0.0)
        };
        let arms = arms.iter().enumerate();
        arms.filter(|(_, arm)| is_shown(arm))
            .map(|(place, _)| place)
            .collect()
    }

    /// What the nets of all arms say of an item.
    ///
    /// # Errors
    ///
    /// There is no such item, or a net cannot predict it.
    pub(crate) fn of_arms(&self, id: usize) -> anyhow::Result<Vec<ArmsAnswer>> {
        let item = self.item(id)?;
        let Some(mined) = &item.mined else {
            return Ok(Vec::new());
        };
        let (case_idx, z, organ) = (item.case_idx, item.z as usize, &item.organ);
        let mut said = Vec::new();
        for arm in self.nets.arms(mined.round) {
            let net = (mined.round, Some(arm));
            let Some(predicted) = self.nets.slice(net, case_idx, z, organ)? else {
                continue;
            };
            let overlap = scans::slice_overlap(&self.store, case_idx, z, organ, &predicted);
            said.push(ArmsAnswer {
                arm,
                dice: overlap.dice(),
                predicted_px: overlap.n_predicted,
                weight: self.nets.weight(mined.round, arm, item.slice()),
            });
        }
        Ok(said)
    }

    /// The surface of an item's organ in its scan, as MZ3: that of the truth, or of a net's prediction
    /// coloured by its distance from it; `None` where there is nothing.
    ///
    /// # Errors
    ///
    /// There is no such item, or a net cannot predict the scan.
    pub(crate) fn surface(&self, id: usize, of: surfaces::Of) -> anyhow::Result<Option<Vec<u8>>> {
        let item = self.item(id)?;
        let (case_idx, organ) = (item.case_idx, &item.organ);
        let grid = self.store.cases()[case_idx].placement.canonical;
        let truth = scans::truth(&self.store, case_idx, organ);
        let predicted = match (of, &item.mined) {
            (surfaces::Of::Net(arm), Some(mined)) => match mined.net(arm) {
                Some(net) => self.nets.scan(net, case_idx, organ)?,
                None => None,
            },
            _ => None,
        };
        Ok(match of {
            surfaces::Of::Truth => truth.and_then(|truth| surfaces::of_truth(&truth, &grid)),
            surfaces::Of::Net(_) => {
                predicted.and_then(|mask| surfaces::of_prediction(&mask, truth.as_deref(), &grid))
            }
        })
    }

    /// The plane of a slice `dz` above an item's, as a surface.
    ///
    /// # Errors
    ///
    /// There is no such slice.
    pub(crate) fn plane(&self, id: usize, dz: i64) -> anyhow::Result<Vec<u8>> {
        let item = self.item(id)?;
        let grid = self.store.cases()[item.case_idx].placement.canonical;
        let z = usize::try_from(i64::from(item.z) + dz).ok();
        let z = z.filter(|z| *z < grid.shape.z);
        let z = z.ok_or_else(|| anyhow!("the scan ends there"))?;
        Ok(surfaces::of_slice(z, &grid))
    }

    /// The verdicts that hold, by item and reviewer, and what they add up to.
    pub(crate) fn verdicts(&self) -> Value {
        let standing = self.held().standing();
        let mut by_item = serde_json::Map::new();
        let mut counted = BTreeMap::new();
        let mut n_outdated = 0;
        for (judged, mut of_slice) in standing {
            let Some(id) = self.ids.get(&judged) else {
                continue; // Of another organ, or no longer among the slices.
            };
            let shown = self.hash(*id);
            let n_before = of_slice.len();
            of_slice.retain(|_, standing| standing.shown == shown);
            n_outdated += n_before - of_slice.len();
            if !of_slice.is_empty() {
                by_item.insert(id.to_string(), json!(of_slice));
                counted.insert(judged, of_slice);
            }
        }
        let tally = Tally::of(&counted, |judged| self.known(judged));
        json!({ "by_item": by_item, "tally": tally, "n_outdated": n_outdated })
    }

    /// Writes a verdict down.
    pub(crate) fn judge(&self, judgement: &Judgement) -> anyhow::Result<()> {
        let item = self.item(judgement.id)?;
        let reviewer = name(&judgement.reviewer)?;
        if judgement.note.chars().count() > LONGEST_NOTE {
            return Err(anyhow!("a note has at most {LONGEST_NOTE} characters"));
        }
        let judged = item.judged(&self.store);
        let mut verdicts = self.held();
        let more = More {
            note: judgement.note.trim(),
            reviewer,
            time: &now()?,
            shown: self.hash(judgement.id),
            // Whoever has judged a slice has been shown what it is, and what others said of it.
            blind: judgement.blind && !verdicts.has_judged(&judged, reviewer),
        };
        Ok(verdicts.add(&judged, Some(judgement.verdict), more)?)
    }

    /// Takes a reviewer's last verdict back; gives the item that it was on, if it is one of these.
    pub(crate) fn undo(&self, reviewer: &str) -> anyhow::Result<Option<usize>> {
        let reviewer = name(reviewer)?;
        let mut verdicts = self.held();
        let Some(last) = verdicts.last_of(reviewer) else {
            return Ok(None);
        };
        let more = More {
            note: "",
            reviewer,
            time: &now()?,
            shown: "",
            blind: false,
        };
        verdicts.add(&last, None, more)?;
        Ok(self.ids.get(&last).copied())
    }

    /// Predicts slices of the light table, page by page, some of a case together, before their pictures
    /// are asked for; ends when all are. What cannot be predicted is told where its picture is asked for.
    pub(crate) fn predict_ahead(&self) {
        let mut done = 0;
        while done < self.items.all.len() {
            let page = self.ahead.next_page(done);
            done = page.end;
            let mut of_scans: BTreeMap<(NetKey, usize), BTreeSet<usize>> = BTreeMap::new();
            for item in self.items.all.iter().take(page.end).skip(page.start) {
                let mined = item.mined.as_ref();
                if let Some(net) = mined.and_then(|mined| mined.net(None)) {
                    let scan = (net, item.case_idx);
                    of_scans.entry(scan).or_default().insert(item.z as usize);
                }
            }
            for ((net, case_idx), slices) in of_scans {
                let slices: Vec<usize> = slices.into_iter().collect();
                if self.nets.predict(net, case_idx, &slices).is_err() {
                    return;
                }
            }
        }
    }

    /// A picture of an item as PNG.
    pub(crate) fn picture(&self, id: usize, asked: &Asked) -> anyhow::Result<Arc<Vec<u8>>> {
        let item = self.item(id)?;
        self.ahead.looked_at(id);
        let subject = Subject {
            case_idx: item.case_idx,
            z: item.z as usize,
            organ: &item.organ,
            net: item.mined.as_ref().and_then(|mined| mined.net(asked.net)),
        };
        self.pictures.png(subject, asked)
    }

    fn item(&self, id: usize) -> anyhow::Result<&Item> {
        let item = self.items.all.get(id);
        item.ok_or_else(|| anyhow!("there is no slice {id}"))
    }

    fn known(&self, judged: &Judged) -> Option<Known> {
        let item = &self.items.all[*self.ids.get(judged)?];
        let mined = item.mined.as_ref();
        Some(Known {
            is_hard: mined.is_some_and(|mined| mined.is_hard),
            is_control: item.is_control,
            patient: self.store.cases()[item.case_idx].patient.clone(),
            is_suspect: mined.is_some_and(|mined| mined.triage == Some(Triage::Suspect.name())),
        })
    }

    /// Hash of an item's slice and of the organ's label in it, as they are stored.
    fn hash(&self, id: usize) -> &str {
        self.hashes[id].get_or_init(|| {
            let item = &self.items.all[id];
            shown_hash(&self.store, item.case_idx, item.z as usize, &item.organ)
        })
    }

    fn held(&self) -> MutexGuard<'_, Verdicts> {
        held(&self.verdicts)
    }
}

/// The time, as RFC 3339 has it, in UTC.
fn now() -> anyhow::Result<String> {
    let since_1970 = std::time::Duration::try_from_secs_f64(wall_time_s().floor())?;
    let now = jiff::Timestamp::UNIX_EPOCH.checked_add(since_1970)?;
    Ok(now.to_string())
}

/// A reviewer's name, which must be one.
fn name(reviewer: &str) -> anyhow::Result<&str> {
    let name = reviewer.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(anyhow!(
            "a reviewer's name has 1 to {LONGEST_NAME} characters"
        ));
    }
    Ok(name)
}

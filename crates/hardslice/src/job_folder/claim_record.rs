//! What a claim says of who holds it.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::folder_lock::{State, Worker};

/// No sign of life for so long, and whoever is at work on another machine is taken to be gone.
///
/// Several times [`EVERY`], and longer than network file systems keep what they know of a file (a
/// minute, by default).
pub(super) const GONE_AFTER: Duration = Duration::from_mins(3);

/// Between two signs of life.
pub(super) const EVERY: Duration = Duration::from_secs(30);

/// Room that a record takes, bytes: always as much, so that it is written over in one call.
const ROOM: usize = 1024;

/// Characters of a stage that are kept.
const LONGEST_STAGE: usize = 200;

/// Who is at work, and how far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClaimRecord {
    #[serde(flatten)]
    pub(crate) worker: Worker,
    /// When it began, seconds since 1970 by its machine's clock.
    pub(crate) begun_s: f64,
    /// When it last gave a sign of life, by the same clock.
    pub(crate) beat_s: f64,
    /// What is being done.
    #[serde(flatten)]
    pub(crate) stands: Stands,
}

/// How far a stage is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stands {
    pub(crate) stage: String,
    /// Units of it that are done, steps of a training.
    pub(crate) step: u64,
    pub(crate) n_steps: u64,
}

impl ClaimRecord {
    /// A line of a fixed length.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut record = self.clone();
        let stage = record.stands.stage.chars().take(LONGEST_STAGE);
        record.stands.stage = stage.collect();
        let mut bytes = serde_json::to_vec(&record).expect("text and numbers have a JSON form");
        bytes.resize(ROOM.max(bytes.len() + 1), b' ');
        bytes.pop();
        bytes.push(b'\n');
        bytes
    }

    /// `None` of a claim whose maker has not written into it yet, or died before.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Whether whoever made a claim is at work still, asked by `me` at `now` by the clock that dated the
/// claim's last change.
///
/// Of a process of this machine the system knows. Of another's, or where nothing is written yet, only
/// its signs of life tell.
pub(super) fn is_alive(
    record: Option<&ClaimRecord>,
    changed: SystemTime,
    me: &Worker,
    now: SystemTime,
) -> bool {
    let state = record.map_or(State::Unknown, |record| record.worker.state(me));
    match state {
        State::Alive => true,
        State::Over => false,
        // A change after `now` is a clock that goes ahead, and a sign of life.
        State::Unknown => now
            .duration_since(changed)
            .map_or(true, |silent| silent < GONE_AFTER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(host: &str) -> ClaimRecord {
        ClaimRecord {
            worker: Worker {
                host: host.to_owned(),
                ..Worker::this_process()
            },
            begun_s: 1.5,
            beat_s: 2.5,
            stands: Stands {
                stage: "train \"liver\"/é".to_owned(),
                step: 3,
                n_steps: 4,
            },
        }
    }

    #[test]
    fn a_record_reads_back_and_always_takes_as_much_room() {
        let short = record("a");
        let mut long = record("b");
        long.stands.stage = "é".repeat(5000);
        for record in [&short, &long] {
            let bytes = record.to_bytes();
            assert_eq!(bytes.len(), ROOM, "so that an older one is covered");
            let read = ClaimRecord::of_bytes(&bytes).unwrap();
            assert_eq!(read.worker, record.worker);
        }
        assert_eq!(ClaimRecord::of_bytes(&short.to_bytes()), Some(short));
        for half in ["", "{\"process\":1", "{}", "[]"] {
            assert_eq!(ClaimRecord::of_bytes(half.as_bytes()), None, "{half}");
        }
    }

    #[test]
    fn a_process_of_this_machine_is_known_and_one_of_another_is_judged_by_its_signs_of_life() {
        let me = Worker::this_process();
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000);
        let after = |s: u64| changed + Duration::from_secs(s);
        let alive = |record: Option<&ClaimRecord>, now| is_alive(record, changed, &me, now);
        let elsewhere = record("node-7.cluster");
        assert!(alive(Some(&elsewhere), after(179)), "silent for a while");
        assert!(!alive(Some(&elsewhere), after(180)), "for three minutes");
        assert!(
            alive(Some(&elsewhere), changed - Duration::from_secs(9)),
            "another clock"
        );
        assert!(alive(None, after(179)), "just made, or its maker died");
        assert!(!alive(None, after(180)), "its maker died");
        let mut here = record(&me.host);
        assert!(alive(Some(&here), after(100_000)), "at work, if slowly");
        let (place, _) = me.since.rsplit_once('-').unwrap();
        here.worker.since = format!("{place}-1");
        assert!(!alive(Some(&here), after(1)), "its number was given again");
    }
}

//! Asked to stop by a signal: SIGTERM, as queues send it before they kill.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hardslice_train::FitError;

/// The exit status of a command that was asked to stop and goes on when it is run again: `EX_TEMPFAIL`
/// of sysexits.h.
pub(crate) const STOPPED: u8 = 75;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Whether nothing is lost where the program ends at once.
static AT_ONCE: AtomicBool = AtomicBool::new(false);

/// From now on the program ends as soon as it is asked to, and all is well then: what it does is done
/// at every moment.
pub(crate) fn end_at_once() {
    AT_ONCE.store(true, Ordering::Relaxed);
}

/// Seconds from being asked to stop to the end: Slurm kills 30 seconds after SIGTERM by default,
/// Kubernetes too, Docker after 10.
static GRACE_S: AtomicU64 = AtomicU64::new(20);

/// From now on the program is one job of a queue, whose script asks it to stop two minutes before the
/// job's time is over: there is time for a long step of training.
pub(crate) fn is_job_of_queue() {
    GRACE_S.store(100, Ordering::Relaxed);
}

/// Files that say that this process is at work.
static AT_WORK: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Has a file removed where the program ends before its owner removes it.
pub(crate) fn remove_at_end(path: &Path) {
    let mut at_work = AT_WORK.lock().unwrap_or_else(PoisonError::into_inner);
    at_work.insert(path.to_owned());
}

/// Takes [`remove_at_end`] back.
pub(crate) fn keep_at_end(path: &Path) {
    let mut at_work = AT_WORK.lock().unwrap_or_else(PoisonError::into_inner);
    at_work.remove(path);
}

/// Ends the program at once, to go on when it is run again: nothing is lost, as at a kill, but others
/// know that it has ended.
#[expect(
    clippy::exit,
    reason = "whoever works must not write any more, and is not to be waited for"
)]
pub(crate) fn end_as_stopped() -> ! {
    for path in AT_WORK
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .iter()
    {
        // One that cannot be removed is known to be stale by its signs of life.
        drop(fs::remove_file(path));
    }
    std::process::exit(i32::from(STOPPED))
}

/// Whether the program was asked to stop.
pub(crate) fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Whether a command ended because it was asked to stop.
pub(crate) fn is_cause_of(error: &anyhow::Error) -> bool {
    error.chain().any(is_stopped)
}

fn is_stopped(error: &(dyn Error + 'static)) -> bool {
    matches!(
        error.downcast_ref::<FitError>(),
        Some(FitError::Stopped { .. })
    )
}

/// Listens for SIGTERM from now on, and tells `say` about it. Trainings save a checkpoint and end;
/// whatever else is at work has [`GRACE_S`] to come to its end, and is then ended: nothing is lost, as
/// at a kill.
#[cfg(unix)]
#[expect(
    clippy::exit,
    reason = "a queue that asks to stop kills soon; nothing is lost at a kill"
)]
pub(crate) fn listen(say: fn(&str)) -> std::io::Result<()> {
    use std::process;
    use std::sync::Once;
    use std::thread;
    use std::time::Duration;

    use signal_hook::consts::SIGTERM;
    use signal_hook::iterator::Signals;

    static LISTENING: Once = Once::new();
    let mut result = Ok(());
    LISTENING.call_once(|| {
        let mut signals = match Signals::new([SIGTERM]) {
            Ok(signals) => signals,
            Err(error) => {
                result = Err(error);
                return;
            }
        };
        thread::spawn(move || {
            if signals.forever().next().is_some() {
                if AT_ONCE.load(Ordering::Relaxed) {
                    process::exit(0);
                }
                ASKED.store(true, Ordering::Relaxed);
                say("asked to stop (SIGTERM): saving what is being trained");
                thread::sleep(Duration::from_secs(GRACE_S.load(Ordering::Relaxed)));
                say("stopped; the same command goes on");
                end_as_stopped();
            }
        });
    });
    result
}

#[cfg(not(unix))]
pub(crate) fn listen(_say: fn(&str)) -> std::io::Result<()> {
    Ok(())
}

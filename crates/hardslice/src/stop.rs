//! Asked to stop by a signal: SIGTERM, as queues send it before they kill, Ctrl-C, a closed terminal.

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

/// Whether it was by Ctrl-C.
#[cfg(unix)]
static WAS_INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether a net is being trained, which saves a checkpoint when the program is asked to stop.
static IS_TRAINING: AtomicBool = AtomicBool::new(false);

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
    remove_signs_of_work();
    std::process::exit(i32::from(STOPPED))
}

fn remove_signs_of_work() {
    let at_work = AT_WORK.lock().unwrap_or_else(PoisonError::into_inner);
    for path in at_work.iter() {
        // One that cannot be removed is known to be stale by its signs of life.
        drop(fs::remove_file(path));
    }
}

/// Whether the program was asked to stop.
pub(crate) fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Whether a training is to stop; one asks after every step.
pub(crate) fn is_asked_of_training() -> bool {
    IS_TRAINING.store(true, Ordering::Relaxed);
    is_asked()
}

/// A stage of the work begins or is over: if it was a training, it is none any more.
pub(crate) fn is_another_stage() {
    IS_TRAINING.store(false, Ordering::Relaxed);
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

/// From now on the program listens for SIGTERM, SIGINT (Ctrl-C) and SIGHUP (the terminal is closed),
/// and tells `say` about it. Trainings save a checkpoint and end. Whatever else is at work ends at once
/// at Ctrl-C, and so does a training that is asked twice; at the other two it has [`GRACE_S`] to come
/// to its end, and is then ended. Nothing is lost, as at a kill.
#[cfg(unix)]
pub(crate) fn listen(say: fn(&str)) -> std::io::Result<()> {
    use std::sync::Once;
    use std::thread;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    static LISTENING: Once = Once::new();
    let mut result = Ok(());
    LISTENING.call_once(|| {
        let ignored = ignored_signals();
        let is_heard = |signal: &i32| *signal == SIGTERM || ignored & (1 << (signal - 1)) == 0;
        let heard = [SIGTERM, SIGINT, SIGHUP].into_iter().filter(is_heard);
        let mut signals = match Signals::new(heard) {
            Ok(signals) => signals,
            Err(error) => {
                result = Err(error);
                return;
            }
        };
        thread::spawn(move || {
            for signal in signals.forever() {
                obey(signal, say);
            }
        });
    });
    result
}

/// Signals that whoever started the program has it ignore, as a mask: `nohup` does so with SIGHUP, a
/// shell with SIGINT for what it starts in the background. Where `/proc` does not tell, all but
/// SIGTERM are taken for ignored, and do what they do by default.
#[cfg(unix)]
fn ignored_signals() -> u64 {
    let told = fs::read_to_string("/proc/self/status").ok();
    let mask = told.as_deref().and_then(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        u64::from_str_radix(line?.trim(), 16).ok()
    });
    mask.unwrap_or(u64::MAX)
}

#[cfg(unix)]
#[expect(
    clippy::exit,
    reason = "what does its work at every moment has nothing to bring to its end"
)]
fn obey(signal: i32, say: fn(&str)) {
    use std::thread;
    use std::time::Duration;

    use signal_hook::consts::SIGINT;
    use signal_hook::low_level::signal_name;

    if AT_ONCE.load(Ordering::Relaxed) {
        std::process::exit(0);
    }
    let is_interrupt = signal == SIGINT;
    if is_interrupt && (is_asked() || !IS_TRAINING.load(Ordering::Relaxed)) {
        die_of_interrupt();
    }
    if is_asked() {
        return;
    }
    WAS_INTERRUPTED.store(is_interrupt, Ordering::Relaxed);
    ASKED.store(true, Ordering::Relaxed);
    let name = signal_name(signal).unwrap_or("a signal");
    say(&format!(
        "asked to stop ({name}): saving what is being trained{}",
        if is_interrupt {
            "; Ctrl-C again ends at once"
        } else {
            ""
        }
    ));
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(GRACE_S.load(Ordering::Relaxed)));
        say("stopped; the same command goes on");
        if is_interrupt {
            die_of_interrupt();
        }
        end_as_stopped();
    });
}

/// Ends the program as Ctrl-C does where nobody listens, so that a shell ends its loop or script.
#[cfg(unix)]
fn die_of_interrupt() {
    remove_signs_of_work();
    let failed = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGINT);
    failed.expect("SIGINT has a default");
}

/// After the program's work: where Ctrl-C ended it, so does its process.
pub(crate) fn end_if_interrupted() {
    #[cfg(unix)]
    if WAS_INTERRUPTED.load(Ordering::Relaxed) {
        die_of_interrupt();
    }
}

#[cfg(not(unix))]
pub(crate) fn listen(_say: fn(&str)) -> std::io::Result<()> {
    Ok(())
}

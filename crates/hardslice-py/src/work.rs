//! Work that takes a while: without the GIL, with progress, and Ctrl-C stops it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use hardslice::data::compute_on;
use hardslice::host::Host;
use hardslice::train::{Event, Observer};
use pyo3::exceptions::PyRuntimeWarning;
use pyo3::prelude::*;
use pyo3::types::PyModule;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::failure::{broken, exception};

/// How soon Ctrl-C is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// As much as the program's main thread has.
const STACK_BYTES: usize = 8 << 20;

/// What the work tells the interpreter's thread.
enum Told {
    Progress { stage: String, done: u64, n: u64 },
    Warning(String),
}

/// Who the work tells how far it is. Once Ctrl-C was pressed, or the callback raised, telling it
/// unwinds the thread that works, as a kill would: files are whole or not there, and what was done
/// is found at the next call.
pub(crate) struct Watch {
    told: Mutex<Sender<Told>>,
    stage: Mutex<(String, u64)>,
    is_over: Arc<AtomicBool>,
}

/// What unwinds interrupted work.
struct Interrupted;

impl Watch {
    /// Unwinds where the work is to stop.
    fn stop_if_asked(&self) {
        if self.is_over.load(Ordering::Relaxed) {
            resume_unwind(Box::new(Interrupted));
        }
    }

    /// A sentence that the user should read.
    fn warn(&self, text: String) {
        self.tell(Told::Warning(text));
    }

    /// Tells how far a stage is.
    pub(crate) fn progress(&self, stage: &str, done: u64, n: u64) {
        let stage = stage.to_owned();
        self.tell(Told::Progress { stage, done, n });
        self.stop_if_asked();
    }

    #[expect(
        clippy::let_underscore_must_use,
        reason = "nobody listens to work that is over"
    )]
    fn tell(&self, told: Told) {
        let _ = lock(&self.told).send(told);
    }
}

impl Observer for Watch {
    fn notify(&self, event: &Event<'_>) {
        match event {
            Event::Started { stage, n, done } => {
                *lock(&self.stage) = ((*stage).to_owned(), *n);
                self.progress(stage, *done, *n);
            }
            Event::Advanced { done } => {
                let (stage, n) = lock(&self.stage).clone();
                self.progress(&stage, *done, n);
            }
            Event::Warning(warning) => self.warn(warning.to_string()),
            _ => self.stop_if_asked(),
        }
    }
}

impl Host for Watch {
    fn begin(&self, stage: &str, done: u64, n: u64) {
        self.notify(&Event::Started { stage, n, done });
    }

    fn advance(&self, done: u64) {
        self.notify(&Event::Advanced { done });
    }

    /// Notes stand in the provenance; what went wrong is worth a warning.
    fn line(&self, line: &str) {
        if let Some(warning) = line.strip_prefix("warning: ") {
            self.warn(warning.to_owned());
        } else if line.starts_with("not ") {
            self.warn(line.to_owned());
        }
        self.stop_if_asked();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does a piece of work on a thread of its own, without the GIL, and meanwhile calls `progress(stage,
/// done, n)`, shows warnings and looks for signals on the caller's thread, which is where Python wants
/// them.
///
/// # Errors
///
/// The work's error as an exception; what the callback raised; `KeyboardInterrupt`; a panic as
/// `RuntimeError`.
pub(crate) fn work<T: Send>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    job: impl FnOnce(&Arc<Watch>) -> anyhow::Result<T> + Send,
) -> PyResult<T> {
    let (sender, receiver) = channel();
    let receiver = Mutex::new(receiver);
    let is_over = Arc::new(AtomicBool::new(false));
    let watch = Arc::new(Watch {
        told: Mutex::new(sender),
        stage: Mutex::default(),
        is_over: Arc::clone(&is_over),
    });
    // The watch, and with it the channel's end, is gone when the work is over.
    let job = move || catch_unwind(AssertUnwindSafe(|| within_pool(|| job(&watch))));
    thread::scope(|scope| {
        let worker = thread::Builder::new()
            .name("hardslice".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, job)?;
        let listened = listen(py, progress, &receiver);
        if listened.is_err() {
            is_over.store(true, Ordering::Relaxed);
        }
        let ended = py.detach(|| worker.join().and_then(|ended| ended));
        listened?;
        match ended {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(exception(&error)),
            Err(payload) => Err(broken(payload.as_ref())),
        }
    })
}

/// Tells what the work has to say until it is over.
fn listen(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    receiver: &Mutex<Receiver<Told>>,
) -> PyResult<()> {
    loop {
        let told = py.detach(|| lock(receiver).recv_timeout(LOOK_EVERY));
        py.check_signals()?;
        match told {
            Ok(Told::Progress { stage, done, n }) => {
                if let Some(progress) = progress {
                    progress.call1((stage, done, n))?;
                }
            }
            Ok(Told::Warning(text)) => {
                let warnings = PyModule::import(py, "warnings")?;
                let category = py.get_type::<PyRuntimeWarning>();
                warnings.call_method1("warn", (text, category, 2))?;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// The process that has imported the module.
static IMPORTED_BY: OnceLock<u32> = OnceLock::new();

/// Remembers which process this is, to know one that was forked from it.
pub(crate) fn remember_process() {
    IMPORTED_BY.get_or_init(process::id);
}

/// Computes on threads that exist. Those of Rayon do not live on in a process that was forked, as the
/// workers of a data loader are; there the work gets threads of its own, made once a process.
fn within_pool<T: Send>(job: impl FnOnce() -> T + Send) -> T {
    static FORKED: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);
    let here = process::id();
    if *IMPORTED_BY.get_or_init(|| here) == here {
        return job();
    }
    let pool = {
        let mut forked = lock(&FORKED);
        match &*forked {
            Some((process, pool)) if *process == here => Some(Arc::clone(pool)),
            _ => {
                let built = ThreadPoolBuilder::new().build().ok().map(Arc::new);
                if let Some(pool) = &built {
                    compute_on(Arc::clone(pool));
                }
                *forked = built.as_ref().map(|pool| (here, Arc::clone(pool)));
                built
            }
        }
    };
    match pool {
        Some(pool) => pool.install(job),
        // No thread can be made: then there is this one.
        None => job(),
    }
}

//! A parallel map that bounds how many items are at work at once, and so memory.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;

use rayon::ThreadPool;

/// Where [`bounded_parallel_map`] computes, if not on Rayon's own threads.
static POOL: RwLock<Option<Arc<ThreadPool>>> = RwLock::new(None);

/// Has what the items of a [`bounded_parallel_map`] leave to Rayon computed on this pool from now on: for
/// a process that was forked, in which Rayon's own threads do not live on.
pub fn compute_on(pool: Arc<ThreadPool>) {
    *POOL.write().unwrap_or_else(PoisonError::into_inner) = Some(pool);
}

/// Applies `work` to every item, at most `n_at_once` at a time, and gives the results back in the
/// order of the items.
///
/// It bounds memory where each item opens a scan. Rayon's own pool would not: a worker that waits
/// inside one item takes up another. Inside `work` rayon may be used freely.
///
/// # Panics
///
/// When `work` panics: no further item is begun and the panic goes on to the caller.
pub fn bounded_parallel_map<T: Sync, R: Send>(
    items: &[T],
    n_at_once: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let has_panicked = AtomicBool::new(false);
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let pool = POOL.read().unwrap_or_else(PoisonError::into_inner).clone();
    let take_items = || {
        let _stop = StopOnPanic(&has_panicked);
        while !has_panicked.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            let result = match &pool {
                Some(pool) => pool.install(|| work(item)),
                None => work(item),
            };
            let mut results = results
                .lock()
                .expect("nothing panics while it holds the lock");
            results.push((index, result));
        }
    };
    thread::scope(|scope| {
        let n_workers = n_at_once.clamp(1, items.len().max(1));
        let workers: Vec<_> = (0..n_workers).map(|_| scope.spawn(take_items)).collect();
        let ended: Vec<_> = workers
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        // The first panic goes on with its own words, which a scope would replace.
        if let Some(Err(panic)) = ended.into_iter().find(Result::is_err) {
            resume_unwind(panic);
        }
    });
    let mut results = results
        .into_inner()
        .expect("nothing panics while it holds the lock");
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Tells the other workers of a panic as it passes by.
struct StopOnPanic<'a>(&'a AtomicBool);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items_and_no_more_than_asked_run_at_once() {
        let items: Vec<usize> = (0..40).collect();
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let squares = bounded_parallel_map(&items, 3, |item| {
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            thread::sleep(std::time::Duration::from_millis(1 + (item % 3) as u64));
            running.fetch_sub(1, Ordering::SeqCst);
            item * item
        });
        let want: Vec<usize> = items.iter().map(|item| item * item).collect();
        assert_eq!(squares, want, "in order");
        assert!(most.load(Ordering::SeqCst) <= 3, "{most:?} at once");
        assert!(
            bounded_parallel_map(&[0_u8; 0], 3, |_| ()).is_empty(),
            "nothing to do"
        );
    }

    #[test]
    fn a_panic_stops_the_work_and_reaches_the_caller() {
        let n_begun = AtomicUsize::new(0);
        let items = [0; 1000];
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            bounded_parallel_map(&items, 2, |_| {
                thread::sleep(std::time::Duration::from_millis(1));
                assert!(n_begun.fetch_add(1, Ordering::SeqCst) < 5, "stop here");
            })
        }));
        let said = caught.unwrap_err();
        assert_eq!(
            said.downcast_ref(),
            Some(&"stop here"),
            "passed on as it was"
        );
        assert!(
            n_begun.load(Ordering::SeqCst) < 20,
            "{n_begun:?} of 1000 were begun"
        );
    }
}

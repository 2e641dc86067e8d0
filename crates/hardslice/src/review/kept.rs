//! Values that are kept while there is room.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Values that were made, as many as there is room for; the oldest go first.
pub(super) struct Kept<K, V> {
    values: HashMap<K, (Arc<V>, usize)>,
    order: VecDeque<K>,
    room: usize,
    taken: usize,
}

impl<K: Hash + Eq + Clone, V> Kept<K, V> {
    /// Room for so many bytes.
    pub(super) fn new(room: usize) -> Self {
        Self {
            values: HashMap::new(),
            order: VecDeque::new(),
            room,
            taken: 0,
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<Arc<V>> {
        self.values.get(key).map(|(value, _)| value.clone())
    }

    /// Keeps a value of a size in bytes.
    pub(super) fn put(&mut self, key: K, value: Arc<V>, size: usize) {
        if self.values.contains_key(&key) {
            return;
        }
        while self.taken + size > self.room {
            let Some((_, gone)) = self
                .order
                .pop_front()
                .and_then(|old| self.values.remove(&old))
            else {
                break;
            };
            self.taken -= gone;
        }
        self.taken += size;
        self.order.push_back(key.clone());
        self.values.insert(key, (value, size));
    }
}

/// What a mutex guards; whoever panicked with it left a whole value.
pub(super) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_within_its_room() {
        let mut kept = Kept::new(10);
        for n in 0..5_usize {
            kept.put(n, Arc::new(n), 4);
        }
        assert!(kept.taken <= 10);
        assert_eq!(kept.get(&4).as_deref(), Some(&4));
        assert_eq!(kept.get(&0), None, "the oldest went");
        kept.put(9, Arc::new(9), 100);
        kept.put(10, Arc::new(10), 4);
        assert_eq!(kept.get(&9), None, "what is too large goes next");
    }
}

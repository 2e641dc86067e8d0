//! How far down the light table slices are predicted before they are asked for.

use std::sync::{Condvar, Mutex};

use super::kept::held;

/// Slices of a page.
const PAGE: usize = 60;

/// Slices that are predicted beyond the last that was asked for.
const AHEAD: usize = 3 * PAGE;

/// Where the table has been looked at, by the places of its slices, hardest first.
pub(super) struct Ahead {
    /// Slices to predict, from the first one on.
    wanted: Mutex<usize>,
    told: Condvar,
}

impl Ahead {
    /// The first pages are looked at first.
    pub(super) fn new() -> Self {
        Self {
            wanted: Mutex::new(2 * PAGE),
            told: Condvar::new(),
        }
    }

    /// A slice is looked at. Who goes down the table looks at those below it next; who jumps, or sorts it
    /// another way, does not.
    pub(super) fn looked_at(&self, place: usize) {
        let mut wanted = held(&self.wanted);
        if place < *wanted + PAGE && place + AHEAD > *wanted {
            *wanted = place + AHEAD;
            self.told.notify_all();
        }
    }

    /// The places of the page to predict next, after `done` slices; waits until it is wanted.
    pub(super) fn next_page(&self, done: usize) -> std::ops::Range<usize> {
        let wanted = held(&self.wanted);
        let wanted = self.told.wait_while(wanted, |wanted| *wanted <= done);
        drop(wanted);
        done..done + PAGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_predicted_as_far_as_the_table_is_gone_down_and_jumps_ask_for_nothing() {
        let ahead = Ahead::new();
        assert_eq!(ahead.next_page(0), 0..60);
        assert_eq!(ahead.next_page(60), 60..120);
        assert_eq!(*held(&ahead.wanted), 120);
        ahead.looked_at(5000);
        assert_eq!(*held(&ahead.wanted), 120, "a jump");
        ahead.looked_at(59);
        ahead.looked_at(3);
        assert_eq!(*held(&ahead.wanted), 239, "three pages below the lowest");
        assert_eq!(ahead.next_page(180), 180..240);
    }
}

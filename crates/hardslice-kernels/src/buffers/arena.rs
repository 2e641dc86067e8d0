//! Where the memory of buffers comes from and goes back to.
//!
//! A training step asks for the same sizes again and again, and frees them in another order. Fresh
//! memory costs a page fault every few kilobytes, which is a good part of a step's time, and an
//! allocator that keeps freed memory by size keeps too much of it: the activations that are freed
//! on the way back must serve the gradients of the weights. So memory is taken from a few large
//! mappings, cut to size, and joined again with its free neighbours when it comes back. The
//! smallest free piece that is large enough is taken. Nothing is given back to the system.

use std::alloc::{Layout, handle_alloc_error};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use memmap2::MmapOptions;

use crate::simd::Pixel;

/// A pixel on a cache line of its own.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line(Pixel);

/// Lines of a mapping, at least: 256 MiB, of which only what was ever used takes memory.
const MAPPING_LINES: usize = (256 << 20) / size_of::<Line>();

static ARENA: Mutex<Arena> = Mutex::new(Arena {
    mappings: Vec::new(),
    free: BTreeMap::new(),
    by_size: BTreeSet::new(),
});

/// Free memory.
struct Arena {
    mappings: Vec<Mapping>,
    /// Length of each free piece, by its place.
    free: BTreeMap<Place, usize>,
    /// The same pieces by length.
    by_size: BTreeSet<(usize, Place)>,
}

/// Memory that lives as long as the program.
struct Mapping {
    start: *mut Line,
}

// SAFETY: a mapping is a place in memory; who may use which part of it is the arena's business.
unsafe impl Send for Mapping {}

/// A line of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    mapping: usize,
    line: usize,
}

/// Some lines that nobody else has.
pub(super) struct Piece {
    start: *mut Line,
    place: Place,
    n_lines: usize,
}

// SAFETY: a piece owns its lines, like a boxed slice.
unsafe impl Send for Piece {}
// SAFETY: as above; they are read through a shared piece and written through an exclusive one.
unsafe impl Sync for Piece {}

impl Piece {
    /// `n_lines` lines that hold anything.
    pub(super) fn new(n_lines: usize) -> Self {
        ARENA
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(n_lines)
    }

    pub(super) fn as_ptr(&self) -> *const Line {
        self.start
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut Line {
        self.start
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        ARENA
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .give_back(self.place, self.n_lines);
    }
}

impl Arena {
    fn take(&mut self, n_lines: usize) -> Piece {
        // An empty piece has a place of its own, too.
        let n_lines = n_lines.max(1);
        let smallest = Place {
            mapping: 0,
            line: 0,
        };
        let fits = self.by_size.range((n_lines, smallest)..).next().copied();
        let (len, place) = fits.unwrap_or_else(|| self.map(n_lines));
        self.remove(place, len);
        if len > n_lines {
            let rest = Place {
                line: place.line + n_lines,
                ..place
            };
            self.insert(rest, len - n_lines);
        }
        // SAFETY: the piece lies in its mapping: `map` and `take` keep it there.
        let start = unsafe { self.mappings[place.mapping].start.add(place.line) };
        Piece {
            start,
            place,
            n_lines,
        }
    }

    /// Joins a piece with the free ones before and after it.
    fn give_back(&mut self, mut place: Place, mut len: usize) {
        let before = self.free.range(..place).next_back();
        let before = before.map(|(place, len)| (*place, *len));
        if let Some((first, first_len)) = before
            && first.mapping == place.mapping
            && first.line + first_len == place.line
        {
            self.remove(first, first_len);
            (place, len) = (first, first_len + len);
        }
        let next = Place {
            line: place.line + len,
            ..place
        };
        if let Some(next_len) = self.free.get(&next).copied() {
            self.remove(next, next_len);
            len += next_len;
        }
        self.insert(place, len);
    }

    /// A new mapping, free as a whole.
    fn map(&mut self, n_lines: usize) -> (usize, Place) {
        let n_lines = n_lines.max(MAPPING_LINES);
        let n_bytes = n_lines.saturating_mul(size_of::<Line>());
        let mapped = MmapOptions::new().len(n_bytes).no_reserve_swap().map_anon();
        let Ok(memory) = mapped else {
            handle_alloc_error(Layout::array::<Line>(n_lines).unwrap_or(Layout::new::<Line>()));
        };
        // A page starts a line, and the mapping is never taken down.
        let start = Box::leak(Box::new(memory)).as_mut_ptr().cast();
        self.mappings.push(Mapping { start });
        let place = Place {
            mapping: self.mappings.len() - 1,
            line: 0,
        };
        self.insert(place, n_lines);
        (n_lines, place)
    }

    fn insert(&mut self, place: Place, len: usize) {
        self.free.insert(place, len);
        self.by_size.insert((len, place));
    }

    fn remove(&mut self, place: Place, len: usize) {
        self.free.remove(&place);
        self.by_size.remove(&(len, place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arena() -> Arena {
        Arena {
            mappings: Vec::new(),
            free: BTreeMap::new(),
            by_size: BTreeSet::new(),
        }
    }

    /// What a piece is, without giving it back to the program's own arena.
    fn lines_of(piece: Piece) -> (Place, usize) {
        let lines = (piece.place, piece.n_lines);
        std::mem::forget(piece);
        lines
    }

    #[test]
    fn pieces_never_overlap_and_all_come_back_as_one() {
        let mut arena = arena();
        let mut taken: Vec<(Place, usize)> = Vec::new();
        let mut state = 1_u64;
        for _ in 0..2000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let random = usize::try_from(state >> 40).unwrap();
            if random.is_multiple_of(3) && !taken.is_empty() {
                let (place, len) = taken.swap_remove(random % taken.len());
                arena.give_back(place, len);
            } else {
                taken.push(lines_of(arena.take(random % 5000)));
            }
            let mut sorted = taken.clone();
            sorted.sort_unstable();
            for pair in sorted.windows(2) {
                let (first, len) = pair[0];
                let is_apart =
                    first.mapping < pair[1].0.mapping || first.line + len <= pair[1].0.line;
                assert!(is_apart, "{pair:?} overlap");
            }
        }
        for (place, len) in taken {
            arena.give_back(place, len);
        }
        assert_eq!(arena.free.len(), arena.mappings.len(), "joined again");
        assert_eq!(arena.by_size.len(), arena.free.len(), "the same pieces");
    }

    #[test]
    fn what_was_freed_is_taken_again_before_fresh_memory() {
        let mut arena = arena();
        let (first, len) = lines_of(arena.take(100));
        let second = lines_of(arena.take(100));
        arena.give_back(first, len);
        assert_eq!(lines_of(arena.take(60)).0, first, "the smallest that fits");
        let rest = lines_of(arena.take(40)).0;
        assert_eq!(rest.line, first.line + 60, "the rest of it");
        assert!(
            lines_of(arena.take(1)).0 > second.0,
            "nothing else was free"
        );
    }
}

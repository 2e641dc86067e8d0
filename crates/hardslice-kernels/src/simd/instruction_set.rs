//! Which instruction set the kernels run on.

use std::sync::atomic::{AtomicU8, Ordering};

use thiserror::Error;

#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512;
use super::portable::Portable;
use super::vector::Simd;
use crate::precision::Precision;

/// An instruction set that this processor has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    Portable(Portable),
}

/// 0 until something was forced, then 1 + the place in [`NAMES`].
static FORCED: AtomicU8 = AtomicU8::new(0);

/// The best first. Those from `portable` on are never chosen by themselves: every processor has
/// that one.
const NAMES: [&str; 9] = [
    "avx512+amx",
    "avx512+bf16",
    "avx512",
    "avx2+fma",
    "portable",
    "avx2+fma+bf16",
    "portable+bf16",
    "portable+amx",
    "burn",
];

/// The place of Burn's own operations in [`NAMES`]: no kernel runs.
const BURN: u8 = 8;

/// This processor, or this build, has no such instruction set.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "the instruction set {wanted:?} cannot be forced here; possible: {}",
    possible.join(", ")
)]
pub struct ForceInstructionSetError {
    /// What was asked for.
    pub wanted: String,
    /// What this processor has.
    pub possible: Vec<&'static str>,
}

/// The name of the instruction set that the kernels run on: `avx512+amx`, `avx512+bf16`, `avx512`,
/// `avx2+fma` or `portable`; `burn` where Burn's own operations were forced in their place.
///
/// The same inputs give the same bytes on one instruction set, not across them: a fused
/// multiply-add rounds once.
pub fn instruction_set() -> &'static str {
    if has_own_kernels() {
        Level::current().name()
    } else {
        NAMES[usize::from(BURN)]
    }
}

/// The part of [`instruction_set`] that matters to activations of this precision: products in bf16
/// do not where there is no bf16, so that `avx512+amx` and `avx512+bf16` are then the same as `avx512`.
pub fn instruction_set_for(precision: Precision) -> &'static str {
    let name = instruction_set();
    match precision {
        Precision::F32 => ["+bf16", "+amx"]
            .iter()
            .find_map(|products| name.strip_suffix(products))
            .unwrap_or(name),
        Precision::Bf16 => name,
    }
}

/// Whether the kernels of this crate compute on the CPU, not Burn's own operations.
pub(crate) fn has_own_kernels() -> bool {
    FORCED.load(Ordering::Relaxed) != BURN + 1
}

/// Runs the kernels of this process on another instruction set than the best one, or, with `burn`,
/// Burn's own operations in their place. `avx2+fma+bf16` and `portable+bf16` compute the bf16 dot
/// products of `avx512+bf16` one product at a time, `portable+amx` the tiles of `avx512+amx`.
///
/// For tests and measurements: operations that run meanwhile on another thread change over in
/// the middle.
///
/// # Errors
///
/// [`ForceInstructionSetError`] when this processor does not have it.
pub fn force_instruction_set(name: &str) -> Result<(), ForceInstructionSetError> {
    let place = NAMES.iter().position(|known| *known == name);
    match place {
        Some(place) if place == usize::from(BURN) || Level::at(place).is_some() => {
            #[expect(clippy::cast_possible_truncation, reason = "there are a few names")]
            FORCED.store(place as u8 + 1, Ordering::Relaxed);
            Ok(())
        }
        _ => Err(ForceInstructionSetError {
            wanted: name.to_owned(),
            possible: (0..NAMES.len())
                .filter_map(Level::at)
                .map(Level::name)
                .chain([NAMES[usize::from(BURN)]])
                .collect(),
        }),
    }
}

impl Level {
    /// The forced one, else the best one.
    pub(crate) fn current() -> Self {
        let forced = usize::from(FORCED.load(Ordering::Relaxed));
        let candidates = if forced == 0 {
            0..NAMES.len()
        } else {
            forced - 1..forced
        };
        candidates
            .into_iter()
            .find_map(Self::at)
            .expect("every processor has `portable`, and only what is there can be forced")
    }

    /// The instruction set at a place in [`NAMES`], where this processor has it.
    fn at(place: usize) -> Option<Self> {
        match place {
            #[cfg(target_arch = "x86_64")]
            0 => Avx512::detect()?.with_amx().map(Self::Avx512),
            #[cfg(target_arch = "x86_64")]
            1 => Avx512::detect()?.with_bf16_dot().map(Self::Avx512),
            #[cfg(target_arch = "x86_64")]
            2 => Avx512::detect().map(Self::Avx512),
            #[cfg(target_arch = "x86_64")]
            3 => Avx2::detect().map(Self::Avx2),
            4 => Some(Self::Portable(Portable::default())),
            #[cfg(target_arch = "x86_64")]
            5 => Some(Self::Avx2(Avx2::detect()?.with_bf16_dot())),
            6 => Some(Self::Portable(Portable::default().with_bf16_dot())),
            7 => Some(Self::Portable(Portable::default().with_tiles())),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(s) => match (s.matrix_unit(), s.has_bf16_dot()) {
                (Some(_), _) => NAMES[0],
                (None, true) => NAMES[1],
                (None, false) => NAMES[2],
            },
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(s) => NAMES[if s.has_bf16_dot() { 5 } else { 3 }],
            Self::Portable(s) => match (s.matrix_unit(), s.has_bf16_dot()) {
                (Some(_), _) => NAMES[7],
                (None, true) => NAMES[6],
                (None, false) => NAMES[4],
            },
        }
    }
}

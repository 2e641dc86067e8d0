//! Packed (reordered) weights, kept from one prediction to the next.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::backend::flex::FlexTensor;

use crate::buffers::Buffer;
use crate::precision::Precision;
use crate::simd::instruction_set;

/// A place where a kernel keeps a weight in the order in which it reads it.
///
/// For weights that do not change: those of a net that only predicts. Clones share one place. Where a
/// weight is not brought in another order, or the device has no own kernels, nothing is kept.
#[derive(Clone, Default)]
pub struct PackedWeight(Arc<Mutex<Option<Packed>>>);

struct Packed {
    /// What it was made of; since it is held here, nothing else can lie where it lies, nor can it be
    /// written to.
    weight: FlexTensor,
    instruction_set: &'static str,
    precision: Precision,
    elements: Arc<Buffer>,
}

impl PackedWeight {
    /// What was kept of this weight, else what `make` gives, which is kept.
    pub(crate) fn or_make(
        &self,
        weight: &FlexTensor,
        precision: Precision,
        make: impl FnOnce() -> Buffer,
    ) -> Arc<Buffer> {
        let is_of = |packed: &&Packed| {
            Arc::ptr_eq(&packed.weight.data_arc(), &weight.data_arc())
                && packed.weight.layout() == weight.layout()
                && packed.instruction_set == instruction_set()
                && packed.precision == precision
        };
        if let Some(packed) = self.place().as_ref().filter(is_of) {
            return packed.elements.clone();
        }
        // Not under the lock: a thread that waits for its part of `make` may take up another
        // prediction.
        let elements = Arc::new(make());
        *self.place() = Some(Packed {
            weight: weight.clone(),
            instruction_set: instruction_set(),
            precision,
            elements: elements.clone(),
        });
        elements
    }

    fn place(&self) -> MutexGuard<'_, Option<Packed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for PackedWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackedWeight").finish_non_exhaustive()
    }
}

//! Intel AMX: eight registers of sixteen rows of 64 bytes, and an instruction that multiplies two of
//! them into a third.
//!
//! Written in assembly, because Rust's intrinsics for it are not stable. The shape of a thread's tiles
//! stays from one product to the next; the compiler itself never uses them.
//!
//! # Sources
//!
//! - Intel, "Intel 64 and IA-32 Architectures Software Developer's Manual", volume 1, chapter 18
//!   ("Programming with Intel AMX").
//! - The Linux kernel's documentation, "Using XSTATE features in user space applications".

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::sync::OnceLock;

use super::tile_product::{Products, TILE, TileProduct, TileShape};

/// The proof that this processor has AMX with bf16 products, and that the system lets this process
/// use it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amx(());

/// Bits of leaf 7's EDX.
const AMX_BF16: u32 = 1 << 22;
const AMX_TILE: u32 = 1 << 24;

impl Amx {
    /// The proof, where there is one. Asks the system once.
    pub(crate) fn detect() -> Option<Self> {
        static IS_THERE: OnceLock<bool> = OnceLock::new();
        IS_THERE
            .get_or_init(|| {
                // Leaf 7 is there where AVX-512 is, and AMX is nowhere else.
                let has_it = is_x86_feature_detected!("avx512f") && {
                    let features = __cpuid_count(7, 0).edx;
                    features & AMX_BF16 != 0 && features & AMX_TILE != 0
                };
                has_it && is_permitted()
            })
            .then_some(Self(()))
    }

    /// Sets this thread's registers up: sums in 0 to 3, A in 4 and 5, B in 6 and 7.
    ///
    /// # Safety
    ///
    /// Nothing on this thread uses them, and a tile can have this shape.
    #[expect(clippy::unused_self, reason = "the proof that AMX was detected")]
    pub(super) unsafe fn configure(self, shape: TileShape) {
        let config = TileConfig::of(shape);
        // SAFETY: AMX was detected and permitted, and this is a configuration of palette 1.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const config, options(nostack, readonly)) };
    }

    /// Gives the registers back: a thread without them is faster to switch to.
    ///
    /// # Safety
    ///
    /// Nothing on this thread uses them any more.
    #[expect(clippy::unused_self, reason = "the proof that AMX was detected")]
    pub(super) unsafe fn release(self) {
        // SAFETY: AMX was detected and permitted.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }

    /// As [`Tiles::multiply`](super::matrix_unit::Tiles::multiply).
    ///
    /// # Safety
    ///
    /// This thread's registers are set up for the shape that the product was checked with.
    #[expect(clippy::unused_self, reason = "the proof that AMX was detected")]
    pub(super) unsafe fn multiply(self, product: &TileProduct<'_>, products: &mut Products) {
        // SAFETY: the caller's promise.
        unsafe {
            match (product.a_starts.len(), product.b_starts.len()) {
                (1, 1) => multiply_1x1(product, products),
                (1, _) => multiply_1x2(product, products),
                (_, 1) => multiply_2x1(product, products),
                _ => multiply_2x2(product, products),
            }
        }
    }
}

/// Asks Linux to let all threads of this process use the tiles; elsewhere nothing is known of it.
fn is_permitted() -> bool {
    #[cfg(target_os = "linux")]
    {
        const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
        const XFEATURE_XTILEDATA: libc::c_long = 18;
        // SAFETY: it takes two numbers and changes what the process may use.
        let answer = unsafe {
            libc::syscall(
                libc::SYS_arch_prctl,
                ARCH_REQ_XCOMP_PERM,
                XFEATURE_XTILEDATA,
            )
        };
        answer == 0
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// What `ldtilecfg` reads: bytes of a row and rows of each register.
#[repr(C, align(64))]
struct TileConfig {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl TileConfig {
    #[expect(clippy::cast_possible_truncation, reason = "checked: 16 at most")]
    fn of(shape: TileShape) -> Self {
        const ROW_BYTES: u16 = (TILE * size_of::<f32>()) as u16;
        let (rows, pairs) = (shape.rows as u8, shape.pairs as u8);
        let a_bytes = u16::from(pairs) * size_of::<f32>() as u16;
        let mut config = Self {
            palette: 1,
            start_row: 0,
            reserved: [0; 14],
            row_bytes: [0; 16],
            rows: [0; 16],
        };
        config.row_bytes[..8].fill(ROW_BYTES);
        config.row_bytes[4..6].fill(a_bytes);
        config.rows[..6].fill(rows);
        config.rows[6..8].fill(pairs);
        config
    }
}

/// The loop over terms: the first A times the first B, and `$product`s of what `$load`s add, which
/// `$store`s write.
macro_rules! multiply {
    (
        $name:ident,
        loads: [$($load:literal),*],
        products: [$($product:literal),*],
        stores: [$($store:literal),*]
    ) => {
        /// # Safety
        ///
        /// The registers are set up for the shape that the product was checked with.
        unsafe fn $name(product: &TileProduct<'_>, products: &mut Products) {
            let bytes = |elements: usize| elements * size_of::<f32>();
            let a = |which: usize| {
                let start = product.a_starts.get(which).unwrap_or(&0);
                product.a.as_ptr().wrapping_add(*start)
            };
            let b = |which: usize| {
                let start = product.b_starts.get(which).unwrap_or(&0);
                product.b.as_ptr().wrapping_add(*start)
            };
            // SAFETY: the caller's promise. Terms are elements of four bytes, so that a place is
            // scaled by four; there is one term at least. The sums are four tiles of 1,024 bytes, one
            // after the other.
            unsafe {
                asm!(
                    "/* {a1} and {b1}: where there are two */",
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    "2:",
                    "mov {a_term}, [{terms}]",
                    "mov {b_term}, [{terms} + 8]",
                    "add {terms}, 16",
                    "lea {from}, [{a0} + {a_term}*4]",
                    "tileloadd tmm4, [{from} + {a_step}*1]",
                    "lea {from}, [{b0} + {b_term}*4]",
                    "tileloadd tmm6, [{from} + {b_step}*1]",
                    $($load,)*
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    $($product,)*
                    "dec {n}",
                    "jnz 2b",
                    "mov {a_term}, 64",
                    "tilestored [{sums} + {a_term}*1], tmm0",
                    $($store,)*
                    a_term = out(reg) _,
                    b_term = out(reg) _,
                    terms = inout(reg) product.terms.starts.as_ptr() => _,
                    n = inout(reg) product.terms.starts.len() => _,
                    from = out(reg) _,
                    a0 = in(reg) a(0),
                    a1 = in(reg) a(1),
                    a_step = in(reg) bytes(product.a_row_step),
                    b0 = in(reg) b(0),
                    b1 = in(reg) b(1),
                    b_step = in(reg) bytes(product.b_row_step),
                    sums = in(reg) products.0.as_mut_ptr(),
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            }
        }
    };
}

multiply!(multiply_1x1, loads: [], products: [], stores: []);
multiply!(
    multiply_1x2,
    loads: ["lea {from}, [{b1} + {b_term}*4]", "tileloadd tmm7, [{from} + {b_step}*1]"],
    products: ["tdpbf16ps tmm1, tmm4, tmm7"],
    stores: ["tilestored [{sums} + {a_term}*1 + 1024], tmm1"]
);
multiply!(
    multiply_2x1,
    loads: ["lea {from}, [{a1} + {a_term}*4]", "tileloadd tmm5, [{from} + {a_step}*1]"],
    products: ["tdpbf16ps tmm2, tmm5, tmm6"],
    stores: ["tilestored [{sums} + {a_term}*1 + 2048], tmm2"]
);
multiply!(
    multiply_2x2,
    loads: [
        "lea {from}, [{b1} + {b_term}*4]",
        "tileloadd tmm7, [{from} + {b_step}*1]",
        "lea {from}, [{a1} + {a_term}*4]",
        "tileloadd tmm5, [{from} + {a_step}*1]"
    ],
    products: [
        "tdpbf16ps tmm1, tmm4, tmm7",
        "tdpbf16ps tmm2, tmm5, tmm6",
        "tdpbf16ps tmm3, tmm5, tmm7"
    ],
    stores: [
        "tilestored [{sums} + {a_term}*1 + 1024], tmm1",
        "tilestored [{sums} + {a_term}*1 + 2048], tmm2",
        "tilestored [{sums} + {a_term}*1 + 3072], tmm3"
    ]
);

//! Products of small whole numbers, which single precision and bf16 hold exactly.

#![expect(clippy::float_cmp, reason = "whole numbers")]

use super::*;
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512};
use crate::simd::{Portable, vnni_pair, with_simd};

fn panel_of<S: Simd>(_: S) -> usize {
    panel::<S>()
}

#[test]
fn whole_numbers_are_multiplied_without_error() {
    // Depths on either side of what is taken at a time, rows and columns on either side of
    // tiles and tasks.
    for (n_rows, depth, n_columns) in [
        (1_usize, 1_usize, 1_usize),
        (13, 257, 33),
        (49, 600, 70),
        (50, 3, 32),
    ] {
        let left = |row: usize, place: usize| ((row * 7 + place * 3) % 11) as f32 - 5.0;
        let right = |place: usize, column: usize| ((place * 5 + column) % 13) as f32 - 6.0;
        let elements = 0..depth * n_rows;
        let by_rows = elements.clone().map(|i| left(i / depth, i % depth));
        let by_terms = elements.map(|i| left(i % n_rows, i / n_rows));
        let [by_rows, by_terms]: [Vec<f32>; 2] = [by_rows.collect(), by_terms.collect()];
        let panel_len = with_simd!(s => panel_of(s));
        let mut panels = vec![f32::NAN; n_columns.div_ceil(panel_len) * depth * panel_len];
        for place in 0..depth {
            for column in 0..n_columns {
                let (panel, within) = (column / panel_len, column % panel_len);
                panels[(panel * depth + place) * panel_len + within] = right(place, column);
            }
        }
        let elements = &by_terms;
        let mut gemm = Gemm {
            left: Left::ByRows(&by_rows),
            right: &panels,
            terms: Terms::All,
            depth,
            n_columns,
            is_vnni: false,
        };
        let packed = with_simd!(s => gemm.pack_left(s, n_rows));
        for left_of in [
            gemm.left,
            Left::ByTerms { elements, n_rows },
            Left::Packed(&packed),
        ] {
            gemm.left = left_of;
            let mut found = vec![f32::NAN; n_rows * n_columns];
            with_simd!(s => gemm.run(s, &mut found));
            for (place, found) in found.iter().enumerate() {
                let (row, column) = (place / n_columns, place % n_columns);
                let terms = (0..depth).map(|place| left(row, place) * right(place, column));
                assert_eq!(*found, terms.sum::<f32>(), "{n_rows} {depth} {n_columns}");
            }
        }
    }
}

/// The same in pairs: whole elements this small are exact in bf16.
fn pairs_are_multiplied_without_error<S: Simd>(s: S) {
    // Odd depths, runs that end within a pair, and depths on either side of what is taken at a
    // time.
    for (n_rows, depth, n_columns, kept) in [
        (0_usize, 5_usize, 3_usize, 0..7),
        (1, 1, 1, 0..1),
        (13, 1100, 33, 2..5),
        (49, 525, 70, 3..6),
        (50, 6, 32, 0..7),
        (20, 1060, 40, 3..3),
    ] {
        let period = 7;
        let left = |row: usize, term: usize| ((row * 7 + term * 3) % 11) as f32 - 5.0;
        let right = |term: usize, column: usize| {
            let is_kept = kept.contains(&(term % period)) && term < depth;
            let value = ((term * 5 + column) % 13) as f32 - 6.0;
            if is_kept { value } else { 0.0 }
        };
        let elements = 0..depth * n_rows;
        let by_rows: Vec<f32> = elements
            .clone()
            .map(|i| left(i / depth, i % depth))
            .collect();
        let by_terms: Vec<f32> = elements.map(|i| left(i % n_rows, i / n_rows)).collect();
        let (panel_len, n_pairs) = (panel::<S>(), depth.div_ceil(2));
        let n_panels = n_columns.div_ceil(panel_len);
        let pairs = (0..n_panels * n_pairs * panel_len).map(|place| {
            let (row, column) = (place / panel_len, place % panel_len);
            let (panel, pair) = (row / n_pairs, row % n_pairs);
            let value = |term| right(term, panel * panel_len + column);
            vnni_pair(value(2 * pair), value(2 * pair + 1))
        });
        let panels: Vec<f32> = pairs.collect();
        let of_panels = vec![kept.clone(); n_panels];
        let of_panels = &of_panels;
        let mut gemm = Gemm {
            left: Left::ByRows(&by_rows),
            right: &panels,
            terms: Terms::Periodic { period, of_panels },
            depth,
            n_columns,
            is_vnni: true,
        };
        let packed = gemm.pack_left(s, n_rows);
        let elements = &by_terms;
        for left_of in [
            gemm.left,
            Left::ByTerms { elements, n_rows },
            Left::Packed(&packed),
        ] {
            gemm.left = left_of;
            let mut found = vec![f32::NAN; n_rows * n_columns];
            gemm.run(s, &mut found);
            for (place, found) in found.iter().enumerate() {
                let (row, column) = (place / n_columns, place % n_columns);
                let terms = (0..depth).map(|term| left(row, term) * right(term, column));
                assert_eq!(*found, terms.sum::<f32>(), "{n_rows} {depth} {n_columns}");
            }
        }
    }
}

#[test]
fn pairs_are_multiplied_without_error_on_every_level_that_has_their_sums() {
    pairs_are_multiplied_without_error(Portable::default().with_bf16_dot());
    pairs_are_multiplied_without_error(Portable::default().with_tiles());
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(s) = Avx2::detect() {
            pairs_are_multiplied_without_error(s.with_bf16_dot());
        }
        if let Some(s) = Avx512::detect().and_then(Avx512::with_bf16_dot) {
            pairs_are_multiplied_without_error(s);
        }
        if let Some(s) = Avx512::detect().and_then(Avx512::with_amx) {
            pairs_are_multiplied_without_error(s);
        }
    }
}

#[test]
fn terms_outside_their_period_s_range_are_left_out() {
    let (n_rows, depth, n_columns) = (14_usize, 300_usize, 40_usize);
    let panel_len = with_simd!(s => panel_of(s));
    let n_panels = n_columns.div_ceil(panel_len);
    // Whole periods, none of one, and runs across what is taken at a time.
    let of_panels: Vec<Range<usize>> = [2..7, 0..7, 3..3]
        .into_iter()
        .cycle()
        .take(n_panels)
        .collect();
    let ones = vec![1.0; n_rows * depth];
    let term_of = |place: usize| (place / panel_len % depth) as f32;
    let panels: Vec<f32> = (0..n_panels * depth * panel_len).map(term_of).collect();
    let gemm = Gemm {
        left: Left::ByRows(&ones),
        right: &panels,
        terms: Terms::Periodic {
            period: 7,
            of_panels: &of_panels,
        },
        depth,
        n_columns,
        is_vnni: false,
    };
    let mut found = vec![f32::NAN; n_rows * n_columns];
    with_simd!(s => gemm.run(s, &mut found));
    for (place, found) in found.iter().enumerate() {
        let kept = &of_panels[place % n_columns / panel_len];
        let terms = (0..depth).filter(|term| kept.contains(&(term % 7)));
        assert_eq!(
            *found,
            terms.map(|term| term as f32).sum::<f32>(),
            "{place}"
        );
    }
}

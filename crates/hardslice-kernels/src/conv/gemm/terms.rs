//! Which terms of a GEMM are not all zero.

use std::ops::Range;

/// The terms of a panel of the right one that are not all zero.
#[derive(Debug, Clone, Copy)]
pub(in crate::conv) enum Terms<'a> {
    All,
    /// Of every `period` of them those in a range, for each panel.
    Periodic {
        period: usize,
        of_panels: &'a [Range<usize>],
    },
}

impl Terms<'_> {
    /// The VNNI pairs in which those of a panel lie, as [`Self::runs`]; `depth` in pairs.
    pub(super) fn vnni_runs(self, panel: usize, depth: Range<usize>) -> Vec<Range<usize>> {
        let mut next = 0;
        let runs = self.runs(panel, 2 * depth.start..2 * depth.end).into_iter();
        let pairs = runs.map(|run| {
            let pairs = next.max(run.start / 2)..run.end.div_ceil(2);
            next = pairs.end;
            pairs
        });
        pairs.filter(|run| !run.is_empty()).collect()
    }

    /// Those of a panel that lie in `depth`, in runs, counted from its start.
    pub(super) fn runs(self, panel: usize, depth: Range<usize>) -> Vec<Range<usize>> {
        let (period, kept) = match self {
            Self::Periodic { period, of_panels } if of_panels[panel].len() < period => {
                (period, of_panels[panel].clone())
            }
            _ => (depth.end.max(1), 0..depth.end),
        };
        let periods = depth.start / period..depth.end.div_ceil(period);
        let runs = periods.map(|idx| {
            let [start, end] = [kept.start, kept.end]
                .map(|place| (idx * period + place).clamp(depth.start, depth.end));
            start - depth.start..end - depth.start
        });
        runs.filter(|run| !run.is_empty()).collect()
    }
}

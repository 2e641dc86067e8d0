//! Whether a printed standard deviation can belong to the values printed beside it.

/// One printed row of a table of scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Printed {
    /// Cases.
    pub n: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation with `n - 1` in the denominator.
    pub sd: f64,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
}

/// Whether no set of values can have this mean, standard deviation and range.
///
/// Values within `[min, max]` with a given mean spread most when all of them lie at the two ends
/// (Bhatia and Davis), so with `n - 1` in the denominator
///
/// ```text
/// sd² ≤ (max - mean) · (mean - min) · n / (n - 1)
/// ```
///
/// Meant for reading other people's tables, and as a check on one's own before they are printed: a
/// row that fails cannot be a slip of the last digit, and its spread must not be compared with.
///
/// Printed numbers are rounded. `half_unit` is half of one unit in the last printed place of mean
/// and range (0.00005 for four decimals), `half_unit_sd` the same for the standard deviation. A row
/// is called impossible only when the bound fails for every set of numbers that would have been
/// printed as this row.
///
/// A negative standard deviation, a mean outside the range, `n` below 2 and `NaN` are impossible
/// too.
///
/// # Sources
///
/// - R. Bhatia and C. Davis (2000), "A better bound on the variance", American Mathematical
///   Monthly 107(4), 353–357.
pub fn impossible_sd(row: &Printed, half_unit: f64, half_unit_sd: f64) -> bool {
    let printed = [row.mean, row.sd, row.min, row.max];
    if row.n < 2 || printed.into_iter().any(f64::is_nan) {
        return true;
    }
    let (low, high) = (row.min - half_unit, row.max + half_unit);
    // The product below is largest for a mean in the middle of the range.
    let mean = f64::midpoint(low, high)
        .max(row.mean - half_unit)
        .min(row.mean + half_unit);
    let n = row.n as f64;
    let largest_variance = (high - mean) * (mean - low) * n / (n - 1.0);
    let smallest_sd = (row.sd - half_unit_sd).max(0.0);
    let possible = row.sd >= -half_unit_sd
        && low <= mean
        && mean <= high
        && smallest_sd.powi(2) <= largest_variance;
    !possible
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Summary;

    /// Tables 1 and A1 to A5 of Zhang et al. (2019), "Data balancing based on pre-training strategy
    /// for liver segmentation from CT scans", Applied Sciences 9(9), 1825, as printed: mean,
    /// standard deviation, least and greatest test Dice of 40 patients, for the arms 1.0, 0.8, 0.5,
    /// 0.3, 0.2 and proposed. The last column: whether the row is impossible.
    #[rustfmt::skip]
    const PAPER: [(f64, f64, f64, f64, bool); 36] = [
        // Table 1: liver, FCN
        (0.9705, 0.011, 0.923, 0.9856, false),
        (0.9706, 0.011, 0.921, 0.9853, false),
        (0.9702, 0.013, 0.9124, 0.9843, false),
        (0.9512, 0.035, 0.8635, 0.9844, false),
        (0.9475, 0.039, 0.812, 0.9817, false),
        (0.9789, 0.012, 0.947, 0.9854, false),
        // Table A1: kidney, FCN
        (0.9167, 0.13, 0.8262, 0.9698, true),
        (0.9106, 0.089, 0.8213, 0.9703, true),
        (0.9078, 0.114, 0.822, 0.9693, true),
        (0.8835, 0.035, 0.7935, 0.9687, false),
        (0.8511, 0.039, 0.7724, 0.9684, false),
        (0.9258, 0.067, 0.8547, 0.9693, true),
        // Table A2: spleen, FCN
        (0.9773, 0.016, 0.9364, 0.9973, false),
        (0.9762, 0.012, 0.9379, 0.9957, false),
        (0.9767, 0.014, 0.9359, 0.9969, false),
        (0.9714, 0.035, 0.9358, 0.997, true),
        (0.8981, 0.139, 0.7724, 0.9965, true),
        (0.9801, 0.007, 0.9563, 0.9975, false),
        // Table A3: liver, U-Net
        (0.9532, 0.035, 0.9017, 0.9875, false),
        (0.9501, 0.031, 0.908, 0.9863, false),
        (0.9486, 0.023, 0.898, 0.9867, false),
        (0.9107, 0.057, 0.834, 0.9821, false),
        (0.8932, 0.063, 0.796, 0.9806, false),
        (0.9604, 0.022, 0.912, 0.987, false),
        // Table A4: kidney, U-Net
        (0.9206, 0.073, 0.8345, 0.9732, true),
        (0.9188, 0.092, 0.8351, 0.9725, true),
        (0.9158, 0.113, 0.8298, 0.973, true),
        (0.8735, 0.127, 0.7653, 0.9563, true),
        (0.8621, 0.153, 0.7549, 0.9517, true),
        (0.9287, 0.028, 0.8591, 0.9708, false),
        // Table A5: spleen, U-Net
        (0.9795, 0.009, 0.9473, 0.9971, false),
        (0.9803, 0.007, 0.9482, 0.9962, false),
        (0.9780, 0.015, 0.9367, 0.9969, false),
        (0.9704, 0.023, 0.9289, 0.9972, false),
        (0.9057, 0.089, 0.8124, 0.9963, false),
        (0.9857, 0.005, 0.9579, 0.9969, false),
    ];

    #[test]
    fn eleven_of_the_36_rows_of_the_paper_have_an_impossible_spread() {
        for (idx, (mean, sd, min, max, impossible)) in PAPER.into_iter().enumerate() {
            let row = Printed {
                n: 40,
                mean,
                sd,
                min,
                max,
            };
            // Standard deviations are printed with three decimals, everything else with four.
            let found = impossible_sd(&row, 0.000_05, 0.000_5);
            assert_eq!(found, impossible, "row {idx}: {row:?}");
        }
        assert_eq!(PAPER.iter().filter(|row| row.4).count(), 11, "11 of 36");
    }

    #[test]
    fn values_at_the_two_ends_reach_the_bound_and_a_little_more_is_impossible() {
        let summary = Summary::of([0.25, 0.25, 0.25, 0.75].map(Some));
        let row = Printed {
            n: 4,
            mean: 0.375,
            sd: summary.sd.unwrap(),
            min: 0.25,
            max: 0.75,
        };
        assert!(
            !impossible_sd(&row, 0.0, 1e-15),
            "variance 3/16 · 1/4 · 4/3 = 1/16, sd 1/4"
        );
        let wider = Printed { sd: 0.2501, ..row };
        assert!(impossible_sd(&wider, 0.0, 0.0), "0.2501 is more than 1/4");
        assert!(
            !impossible_sd(&wider, 0.0, 0.000_5),
            "but 0.250 would be printed like it"
        );
    }

    #[test]
    fn a_mean_outside_the_range_is_impossible() {
        let row = Printed {
            n: 9,
            mean: 0.95,
            sd: 0.0,
            min: 0.8,
            max: 0.9,
        };
        assert!(
            impossible_sd(&row, 0.0, 0.0),
            "0.95 above the greatest value"
        );
        assert!(
            impossible_sd(
                &Printed {
                    mean: f64::NAN,
                    ..row
                },
                0.0,
                0.0
            ),
            "no number"
        );
    }
}

//! Printed rows, possible and not, each worked by hand.

use hardslice_eval::Summary;
use hardslice_eval::reported::{
    Denominator, ImplausibilityKind, ReportedRow, RoundedNumber, implausibilities,
};

/// A row of n, mean, SD, min and max as printed; an empty cell is absent.
fn row([n, mean, sd, min, max]: [&str; 5]) -> ReportedRow {
    let number = |text: &str| {
        let number = RoundedNumber::parse(text);
        (!text.is_empty()).then(|| number.expect("a number of the test"))
    };
    ReportedRow {
        n: n.parse().ok(),
        mean: number(mean),
        sd: number(sd),
        min: number(min),
        max: number(max),
        ..ReportedRow::default()
    }
}

fn kinds(row: &ReportedRow) -> Vec<ImplausibilityKind> {
    let found = implausibilities(row);
    found.into_iter().map(|one| one.kind).collect()
}

#[test]
fn each_rule_finds_what_breaks_it_and_lets_pass_what_is_just_possible() {
    use ImplausibilityKind::{MeanOutside, MinAboveMax, NegativeSd, SdTooLarge, SdTooSmall};
    for (cells, wanted) in [
        (["5", "0.90", "0.05", "0.95", "0.80"], Some(MinAboveMax)),
        (["5", "0.79", "0.05", "0.80", "0.95"], Some(MeanOutside)),
        (["5", "0.96", "0.05", "0.80", "0.95"], Some(MeanOutside)),
        // (0.50 + 4 · 1.00) / 5 = 0.90 is the greatest mean of five with one 0.50.
        (["5", "0.92", "0.2", "0.50", "1.00"], Some(MeanOutside)),
        (["5", "0.90", "0.22", "0.50", "1.00"], None),
        // (1.00 + 4 · 0.50) / 5 = 0.60 is the least.
        (["5", "0.58", "0.2", "0.50", "1.00"], Some(MeanOutside)),
        (["", "0.99", "", "0.50", "1.00"], None),
        (["5", "0.90", "-0.05", "0.80", "0.95"], Some(NegativeSd)),
        // 0 and 1 half each: √(4 · 0.25 / 3) = 0.57735.
        (["4", "0.500", "0.577", "0.000", "1.000"], None),
        (["4", "0.500", "0.579", "0.000", "1.000"], Some(SdTooLarge)),
        // 0, 0, 1/2, 1: √(0.6875 / 3) = 0.4787; Bhatia and Davis alone would allow
        // √(0.625 · 0.375 · 4 / 3) = 0.559.
        (["4", "0.3750", "0.4787", "0.0000", "1.0000"], None),
        (
            ["4", "0.3750", "0.4850", "0.0000", "1.0000"],
            Some(SdTooLarge),
        ),
        // 0, 1 and three times 1/2: √(0.5 / 4) = 0.3536 with n - 1, √(0.5 / 5) = 0.3162 with n.
        (["5", "0.500", "0.354", "0.000", "1.000"], None),
        (["5", "0.500", "0.316", "0.000", "1.000"], None),
        (["5", "0.500", "0.314", "0.000", "1.000"], Some(SdTooSmall)),
        (["2", "0.50", "0.00", "0.00", "1.00"], Some(SdTooSmall)),
        (["1", "0.50", "", "0.40", "0.60"], Some(MeanOutside)),
        (["1", "0.50", "0.10", "0.50", "0.50"], Some(SdTooLarge)),
        (["1", "0.50", "0.00", "0.50", "0.50"], None),
        // Without a mean half of the values lie at each end, √(1/3 + ...) for n = 4.
        (["4", "", "0.577", "0.000", "1.000"], None),
        (["4", "", "0.579", "0.000", "1.000"], Some(SdTooLarge)),
        // Without n the largest is that of two values, √2 · 1/2.
        (["", "0.500", "0.707", "0.000", "1.000"], None),
        (["", "0.500", "0.709", "0.000", "1.000"], Some(SdTooLarge)),
        (["5", "0.5", "9", "", ""], None),
    ] {
        let row = row(cells);
        let wanted: Vec<ImplausibilityKind> = wanted.into_iter().collect();
        assert_eq!(
            kinds(&row),
            wanted,
            "{cells:?}: {:?}",
            implausibilities(&row)
        );
    }
}

#[test]
fn a_row_is_called_impossible_only_if_no_rounding_makes_it_possible() {
    // 0.45 and 0.95 have mean 0.70 and SD 0.354; printed with one decimal they may be 0.4, 1.0.
    let coarse = row(["2", "0.7", "0.35", "0.5", "1.0"]);
    assert_eq!(kinds(&coarse), []);
    let fine = row(["2", "0.7000", "0.3500", "0.5000", "1.0000"]);
    assert_eq!(kinds(&fine).len(), 1, "0.7 is not the middle of 0.5 and 1");
}

#[test]
fn a_known_denominator_rules_out_what_only_the_other_allows() {
    let known = |denominator| ReportedRow {
        denominator: Some(denominator),
        ..row(["4", "0.500", "0.577", "0.000", "1.000"])
    };
    assert_eq!(kinds(&known(Denominator::Sample)), []);
    let population = kinds(&known(Denominator::Population));
    assert_eq!(population, [ImplausibilityKind::SdTooLarge], "0.500 with n");
    let least = |denominator| ReportedRow {
        denominator: Some(denominator),
        ..row(["5", "0.500", "0.316", "0.000", "1.000"])
    };
    assert_eq!(kinds(&least(Denominator::Population)), []);
    let sample = kinds(&least(Denominator::Sample));
    assert_eq!(sample, [ImplausibilityKind::SdTooSmall], "0.354 with n - 1");
}

#[test]
fn limits_of_the_score_hold_for_its_values_and_stand_in_for_a_missing_range() {
    let with = |cells, limits| ReportedRow {
        limits: Some(limits),
        ..row(cells)
    };
    let unit = [0.0, 1.0];
    let above = with(["9", "0.97", "0.01", "0.90", "1.02"], unit);
    assert_eq!(kinds(&above), [ImplausibilityKind::OutsideLimits], "1.02");
    let percent = with(["9", "97.0", "1.0", "95.0", "99.0"], [0.0, 100.0]);
    assert_eq!(kinds(&percent), []);
    let as_unit = kinds(&with(["9", "97.0", "1.0", "95.0", "99.0"], unit));
    assert_eq!(as_unit, [ImplausibilityKind::OutsideLimits; 3]);
    // √(0.1 · 0.9 · 9 / 8) = 0.318.
    let alone = with(["9", "0.900", "0.325", "", ""], unit);
    assert_eq!(kinds(&alone), [ImplausibilityKind::SdTooLarge], "no range");
}

#[test]
fn sums_of_whole_numbers_have_the_means_and_spreads_of_whole_numbers_only() {
    let with = |cells, step| ReportedRow {
        step: Some(step),
        ..row(cells)
    };
    // Of 28 counts 5.18 is 145 / 28 = 5.1786, and 5.19 is none: 5.2143 is 146 / 28.
    assert_eq!(kinds(&with(["28", "5.18", "", "", ""], 1.0)), []);
    let grim = with(["28", "5.19", "", "", ""], 1.0);
    assert_eq!(kinds(&grim), [ImplausibilityKind::Granularity]);
    assert!(
        implausibilities(&grim)[0]
            .sentence
            .contains("28 · 5.19 = 145.32"),
        "{:?}",
        implausibilities(&grim)
    );
    // 0, 1, 2 and 0, 0, 3 have SDs 1 and 1.732; 1, 1, 1 has 0; nothing lies between.
    for (sd, wanted) in [("1.000", 0), ("1.732", 0), ("0.000", 0), ("1.200", 1)] {
        let row = with(["3", "1.000", sd, "", ""], 1.0);
        assert_eq!(kinds(&row).len(), wanted, "{sd}");
    }
    // 0.816 is √(2/3): 0, 1, 2 with n in the denominator.
    assert_eq!(kinds(&with(["3", "1.000", "0.816", "", ""], 1.0)), []);
    // Shares of yes and no among 7, in per cent: 42.9 is 3 / 7, 45.0 is none.
    assert_eq!(kinds(&with(["7", "42.9", "", "", ""], 100.0)), []);
    assert_eq!(kinds(&with(["7", "45.0", "", "", ""], 100.0)).len(), 1);
    assert_eq!(kinds(&with(["7", "3.2", "", "2.5", "4"], 1.0)).len(), 2);
}

#[test]
fn statistics_of_values_are_possible_whatever_the_values_and_their_rounding() {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    for trial in 0..3000 {
        let n = 1 + trial % 9;
        let power = 1 + trial % 3;
        let values: Vec<f64> = (0..n).map(|_| next().powi(power).min(0.8)).collect();
        let summary = Summary::of(values.iter().copied().map(Some));
        for places in [1, 2, 4, 15] {
            let shown = |value: Option<f64>| {
                let value = value.map(|value| format!("{value:.places$}"));
                value.unwrap_or_default()
            };
            let cells = [
                n.to_string(),
                shown(summary.mean),
                shown(summary.sd),
                shown(summary.min),
                shown(summary.max),
            ];
            let row = ReportedRow {
                limits: Some([0.0, 1.0]),
                ..row(cells.each_ref().map(String::as_str))
            };
            assert!(
                implausibilities(&row).is_empty(),
                "{values:?}: {:?}",
                implausibilities(&row)
            );
        }
    }
}

#[test]
fn what_the_bound_of_bhatia_and_davis_rules_out_is_found_here_as_well() {
    for sd in 0..60 {
        for mean in 1..20 {
            let (sd, mean) = (f64::from(sd) / 100.0, f64::from(mean) / 20.0);
            let cells = [
                "6",
                &format!("{mean:.2}"),
                &format!("{sd:.2}"),
                "0.00",
                "1.00",
            ];
            let is_found = !implausibilities(&row(cells)).is_empty();
            // The mean within its rounding where the product is largest, the range widened by its.
            let middle = 0.5_f64.clamp(mean - 0.005, mean + 0.005);
            let largest_variance = (1.005 - middle) * (middle + 0.005) * 6.0 / 5.0;
            let by_bound = (sd - 0.005).max(0.0).powi(2) > largest_variance;
            assert!(is_found || !by_bound, "{cells:?}");
        }
    }
}

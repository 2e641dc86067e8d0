//! Student's distribution with any number of degrees of freedom.
//!
//! # Sources
//!
//! - National Institute of Standards and Technology, Digital Library of Mathematical Functions,
//!   8.17.22: the incomplete beta function as a continued fraction.
//! - W. J. Lentz (1976), "Generating Bessel functions in Mie scattering calculations using continued
//!   fractions", Applied Optics 15(3), 668–671.

/// How likely a value at least so far from 0, either way, is.
pub(super) fn two_sided_p(t: f64, df: f64) -> f64 {
    if t == 0.0 {
        return 1.0;
    }
    let squared = t * t;
    if !squared.is_finite() {
        return 0.0;
    }
    incomplete_beta(df / 2.0, 0.5, df / (df + squared), squared / (df + squared))
}

/// The distance from 0 that is exceeded with this probability, either way; above 0 and below 1.
pub(super) fn quantile(two_sided: f64, df: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while two_sided_p(high, df) > two_sided {
        low = high;
        high *= 2.0;
    }
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return middle;
        }
        if two_sided_p(middle, df) > two_sided {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// The regularised incomplete beta function at `x`, with `y = 1 - x`.
fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let log_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
        + a * libm::log(x)
        + b * libm::log(y);
    let front = libm::exp(log_front);
    if x <= (a + 1.0) / (a + b + 2.0) {
        front * continued_fraction(a, b, x) / a
    } else {
        1.0 - front * continued_fraction(b, a, y) / b
    }
}

fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_0 = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_0(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..10_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_0(1.0 + even * d);
        c = away_from_0(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_0(1.0 + odd * d);
        c = away_from_0(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_two_degrees_of_freedom_have_closed_forms() {
        for t in [0.1_f64, 1.0, 2.5, 12.7, 300.0] {
            let one = 1.0 - 2.0 / std::f64::consts::PI * t.atan();
            assert!((two_sided_p(t, 1.0) - one).abs() < 1e-13, "Cauchy at {t}");
            let two = 1.0 - t / (2.0 + t * t).sqrt();
            assert!((two_sided_p(t, 2.0) - two).abs() < 1e-13, "two at {t}");
        }
        assert!((two_sided_p(0.0, 3.0) - 1.0).abs() < 1e-15, "everything");
        assert!(two_sided_p(f64::INFINITY, 3.0) < 1e-15, "nothing");
    }

    #[test]
    fn any_number_of_degrees_of_freedom_gives_scipys_p() {
        #[derive(serde::Deserialize)]
        struct Golden {
            students: Vec<Student>,
        }
        #[derive(serde::Deserialize)]
        struct Student {
            t: f64,
            df: f64,
            p: f64,
        }
        let golden = include_str!("../../tests/golden/comparisons.json");
        let golden: Golden = serde_json::from_str(golden).unwrap();
        assert_eq!(golden.students.len(), 36, "all of the file");
        for Student { t, df, p } in golden.students {
            let found = two_sided_p(t, df);
            assert!(
                (found / p - 1.0).abs() < 1e-10,
                "{t} {df}: {found}, not {p}"
            );
        }
    }

    #[test]
    fn quantiles_give_their_probability_back() {
        for df in [1.0, 2.7, 8.0, 131.5] {
            for p in [0.2, 0.05, 0.001] {
                let back = two_sided_p(quantile(p, df), df);
                assert!((back - p).abs() < 1e-13, "{df} {p}: {back}");
            }
        }
    }
}

//! The chi-square distribution: how unlikely a squared distance is, and the distance of a given likelihood.

use std::f64::consts::LN_10;

/// Enough for every degree of freedom up to a thousand; the sums below stop by themselves long before.
const MOST_TERMS: u32 = 1000;

/// log10 of the probability that a chi-square value of `freedom` degrees is at least `value`.
pub fn log10_upper_tail(value: f64, freedom: f64) -> f64 {
    ln_upper_gamma(freedom / 2.0, value / 2.0) / LN_10
}

/// The value that a share `probability` in (0, 1) of chi-square values of `freedom` degrees stays below.
pub fn quantile(probability: f64, freedom: f64) -> f64 {
    let tail = 1.0 - probability;
    let shape = freedom / 2.0;
    let upper = |value: f64| libm::exp(ln_upper_gamma(shape, value / 2.0));
    let (mut low, mut high) = (0.0, freedom + 10.0);
    while upper(high) > tail && high < 1e6 {
        (low, high) = (high, high * 2.0);
    }
    // Newton's step where it stays inside the bracket, else its middle.
    let mut value = 0.5 * (low + high);
    for _ in 0..200 {
        let excess = upper(value) - tail;
        if excess > 0.0 {
            low = value;
        } else {
            high = value;
        }
        let half = value / 2.0;
        let density = 0.5 * libm::exp((shape - 1.0) * libm::log(half) - half - libm::lgamma(shape));
        let newton = value + excess / density;
        let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
        let step = (next - value).abs();
        value = next;
        if step <= value * 1e-15 {
            break;
        }
    }
    value
}

/// ln Q(a, x), the regularised upper incomplete gamma function (Abramowitz & Stegun 6.5.29 and 6.5.31), which never
/// underflows: a distance of a thousand still tells from one of two thousand.
fn ln_upper_gamma(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let ln_front = shape * libm::log(x) - x - libm::lgamma(shape);
    if x < shape + 1.0 {
        let (mut term, mut sum) = (1.0 / shape, 1.0 / shape);
        for n in 1..MOST_TERMS {
            term *= x / (shape + f64::from(n));
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        return libm::log1p(-(libm::exp(ln_front) * sum).min(1.0 - 1e-16));
    }
    // The continued fraction by Lentz's method as modified by Thompson and Barnett (1986).
    let mut b = x + 1.0 - shape;
    let mut c = 1e300;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for n in 1..MOST_TERMS {
        let n = f64::from(n);
        let a = -n * (n - shape);
        b += 2.0;
        d = 1.0 / (a * d + b);
        c = b + a / c;
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    ln_front + libm::log(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_quantile(probability: f64, freedom: f64, expected: f64) {
        let found = quantile(probability, freedom);
        assert!(((found - expected) / expected).abs() < 1e-12, "{probability} {freedom}: {found}");
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        check_quantile(0.99, 2.0, 9.210_340_371_976_18);
        check_quantile(0.99, 1.0, 6.634_896_601_021_214_5);
        check_quantile(0.99, 5.0, 15.086_272_469_388_99);
        check_quantile(0.95, 12.0, 21.026_069_817_483_07);
        check_quantile(0.999, 64.0, 104.716_325_263_040_57);
        check_quantile(0.5, 3.0, 2.365_973_884_375_337_7);
        check_quantile(0.01, 2.0, 0.020_100_671_707_002_873);
    }

    fn check_tail(value: f64, freedom: f64, expected: f64) {
        let found = log10_upper_tail(value, freedom);
        assert!(((found - expected) / expected).abs() < 1e-10, "{value} {freedom}: {found}");
    }

    #[test]
    fn tails_are_those_of_the_tables() {
        check_tail(9.2, 2.0, -1.997_754_616_754_958);
        check_tail(30.0, 5.0, -4.831_249_761_164_994);
        check_tail(1.0, 10.0, -7.475_530_180_161_52e-5);
        check_tail(500.0, 12.0, -98.654_363_631_253_99);
    }

    #[test]
    fn a_tail_never_underflows_and_never_rises() {
        let mut last = 0.0;
        for value in [0.0, 1e-9, 0.5, 3.0, 13.9, 14.1, 30.0, 1e3, 1e5, 1e200] {
            let tail = log10_upper_tail(value, 12.0);
            assert!(tail.is_finite() && tail <= last, "{value}: {tail}");
            last = tail;
        }
    }
}

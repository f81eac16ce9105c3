//! Welch's t: do two kinds of calls take different times?
//!
//! As in dudect (Reparaz, Balasch, Verbauwhede, 2017): the two kinds are measured in random order, the slowest calls
//! of both (interrupts, not the code) are cut off at a common bound, and |t| above 4.5 says that they differ.

use std::time::Duration;

/// Above this the times differ.
pub const THRESHOLD: f64 = 4.5;
/// The part of all calls that is kept; the rest was interrupted.
const KEPT: f64 = 0.95;

/// Welch's t of two sets of times after the common cut; 0 where a set is too small or nothing varies.
pub fn welch_t(first: &[u64], second: &[u64]) -> f64 {
    let bound = cut(first, second);
    let ((n1, mean1, var1), (n2, mean2, var2)) = (moments(first, bound), moments(second, bound));
    let error = (var1 / n1 + var2 / n2).sqrt();
    if n1 < 2.0 || n2 < 2.0 || error <= 0.0 { 0.0 } else { (mean1 - mean2) / error }
}

/// How the means of two sets of times compare, after the common cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// First ÷ second.
    pub value: f64,
    /// Where it lies with a confidence of 95 %.
    pub low: f64,
    pub high: f64,
}

/// The ratio of the means with its confidence (the variance of a quotient, by the delta method); `None` where a set is too
/// small.
pub fn ratio(first: &[u64], second: &[u64]) -> Option<Ratio> {
    /// Of the normal distribution: 95 % lie within so many standard errors.
    const WITHIN: f64 = 1.96;
    let bound = cut(first, second);
    let ((n1, mean1, var1), (n2, mean2, var2)) = (moments(first, bound), moments(second, bound));
    if n1 < 2.0 || n2 < 2.0 || mean1 <= 0.0 || mean2 <= 0.0 {
        return None;
    }
    let value = mean1 / mean2;
    let relative = (var1 / n1) / (mean1 * mean1) + (var2 / n2) / (mean2 * mean2);
    let off = WITHIN * value * relative.sqrt();
    Some(Ratio { value, low: value - off, high: value + off })
}

/// Which of two kinds is next: a fixed, irregular order.
pub struct Coin(u64);

impl Coin {
    /// `seed` is not zero.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn toss(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 & 1 == 1
    }
}

/// A span as the nanoseconds that are compared.
pub fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// The time below which the kept part of both sets lies.
fn cut(first: &[u64], second: &[u64]) -> u64 {
    let mut all: Vec<u64> = first.iter().chain(second).copied().collect();
    all.sort_unstable();
    let kept = (all.len() as f64 * KEPT) as usize;
    all.get(kept).copied().unwrap_or(u64::MAX)
}

/// Number, mean and variance of the times up to `bound`.
fn moments(times: &[u64], bound: u64) -> (f64, f64, f64) {
    let (mut n, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for time in times.iter().filter(|time| **time <= bound) {
        let value = *time as f64;
        n += 1.0;
        let off = value - mean;
        mean += off / n;
        squares += off * (value - mean);
    }
    (n, mean, if n > 1.0 { squares / (n - 1.0) } else { 0.0 })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Times that vary around `base`, without a random source.
    fn times(base: u64, seed: u64) -> Vec<u64> {
        let mut state = seed;
        (0..20_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                base + (state >> 33) % 100
            })
            .collect()
    }

    #[test]
    fn a_known_value() {
        // Means 3 and 5, variances 2.5 and 2.5, five each: t = -2 / sqrt(1) = -2. Nothing is cut of ten values.
        let t = welch_t(&[1, 2, 3, 4, 5], &[3, 4, 5, 6, 7]);
        assert!((t + 2.0).abs() < 1e-9, "{t}");
    }

    #[test]
    fn equal_times_do_not_differ() {
        assert!(welch_t(&times(1_000, 1), &times(1_000, 2)).abs() < THRESHOLD);
    }

    #[test]
    fn a_small_difference_is_found() {
        assert!(welch_t(&times(1_005, 1), &times(1_000, 2)) > THRESHOLD);
        assert!(welch_t(&times(1_000, 1), &times(1_005, 2)) < -THRESHOLD);
    }

    #[test]
    fn interruptions_hide_nothing() {
        let (mut slow, fast) = (times(1_005, 1), times(1_000, 2));
        for time in slow.iter_mut().step_by(50) {
            *time += 5_000_000;
        }
        assert!(welch_t(&slow, &fast) > THRESHOLD);
    }

    #[test]
    fn a_known_ratio() {
        // Means 3 and 5, variances 2.5, five each: 0.6 × sqrt(0.5/9 + 0.5/25) = 0.1649… is its standard error.
        let found = ratio(&[1, 2, 3, 4, 5], &[3, 4, 5, 6, 7]).unwrap();
        assert!((found.value - 0.6).abs() < 1e-9, "{found:?}");
        assert!((found.high - found.value - 1.96 * 0.164_924_225).abs() < 1e-6, "{found:?}");
        let alike = ratio(&times(1_000, 1), &times(1_000, 2)).unwrap();
        assert!(alike.low < 1.0 && 1.0 < alike.high && alike.high - alike.low < 0.01, "{alike:?}");
        assert!(ratio(&times(1_005, 1), &times(1_000, 2)).unwrap().low > 1.0);
        assert_eq!(ratio(&[1], &[1, 2]), None);
    }

    #[test]
    fn nothing_to_compare() {
        for (first, second) in [(&[][..], &[][..]), (&[5][..], &[7][..]), (&[5, 5][..], &[5, 5][..])] {
            assert!(welch_t(first, second).abs() < f64::EPSILON);
        }
    }
}

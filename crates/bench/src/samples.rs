//! Repetitions of one measurement.

/// The values of a few short repetitions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn push(&mut self, value: f64) {
        if value.is_finite() {
            self.0.push(value);
            self.0.sort_by(f64::total_cmp);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// 0 when there are none.
    pub fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(0.0)
    }

    /// 0 when there are none.
    pub fn max(&self) -> f64 {
        self.0.last().copied().unwrap_or(0.0)
    }

    /// The middle one, or the mean of the two in the middle; 0 when there are none.
    pub fn median(&self) -> f64 {
        let (len, half) = (self.0.len(), self.0.len() / 2);
        let at = |index: usize| self.0.get(index).copied().unwrap_or(0.0);
        if len.is_multiple_of(2) && len > 0 { f64::midpoint(at(half - 1), at(half)) } else { at(half) }
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut samples = Self::default();
        values.into_iter().for_each(|value| samples.push(value));
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_any_number() {
        let summary = |values: &[f64]| {
            let samples: Samples = values.iter().copied().collect();
            format!("{} {} {}", samples.min(), samples.median(), samples.max())
        };
        assert_eq!(summary(&[]), "0 0 0");
        assert_eq!(summary(&[7.0]), "7 7 7");
        assert_eq!(summary(&[9.0, 1.0]), "1 5 9");
        assert_eq!(summary(&[5.0, 1.0, 3.0]), "1 3 5");
        assert_eq!(summary(&[4.0, 1.0, 2.0, 3.0]), "1 2.5 4");
    }

    #[test]
    fn what_is_no_number_does_not_count() {
        assert!(Samples::from_iter([f64::NAN, f64::INFINITY]).is_empty());
    }
}

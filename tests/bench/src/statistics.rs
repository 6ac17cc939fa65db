//! The few statistics that the reports use.

/// The middle value, and between which values the middle half lies.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    pub median: f64,
    pub lower: f64,
    pub upper: f64,
}

impl Spread {
    /// `None` if there are no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            median: quantile(&sorted, 0.5)?,
            lower: quantile(&sorted, 0.25)?,
            upper: quantile(&sorted, 0.75)?,
        })
    }
}

/// The value below which the `share` of all `sorted` values lies, in between two of them
/// if need be.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * (sorted.len().checked_sub(1)?) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::{Spread, quantile};

    #[test]
    fn the_median_of_an_odd_number_of_values_is_the_middle_one() {
        let spread = Spread { median: 3.0, lower: 2.0, upper: 4.0 };
        assert_eq!(Spread::of(&[5.0, 1.0, 3.0, 2.0, 4.0]), Some(spread));
    }

    #[test]
    fn the_median_of_an_even_number_of_values_lies_between_the_two_in_the_middle() {
        assert_eq!(Spread::of(&[4.0, 1.0]).map(|spread| spread.median), Some(2.5));
    }

    #[test]
    fn no_values_have_no_median() {
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn the_last_quantile_is_the_greatest_value() {
        assert_eq!(quantile(&[1.0, 2.0, 9.0], 1.0), Some(9.0));
    }
}

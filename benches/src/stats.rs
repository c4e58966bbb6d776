//! Medians and quartiles.

/// The middle half of some measurements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quartiles {
    /// A quarter of the measurements is below.
    pub low: f64,
    /// Half of them is below.
    pub median: f64,
    /// A quarter of them is above.
    pub high: f64,
}

impl Quartiles {
    /// Of at least one measurement; of none, all are `NaN`.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Quartiles {
        values.sort_by(f64::total_cmp);
        Quartiles { low: quantile(&values, 0.25), median: quantile(&values, 0.5), high: quantile(&values, 0.75) }
    }

    /// Of `over[i] / under[i]`: what two contestants needed in the same round, so that what disturbs a whole round cancels out.
    #[must_use]
    pub fn of_ratios(over: &[f64], under: &[f64]) -> Quartiles {
        Self::of(over.iter().zip(under).map(|(over, under)| over / under).collect())
    }
}

/// Between neighbours, linearly.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = part * last as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_neighbours() {
        assert_eq!(Quartiles::of(vec![4.0, 1.0, 2.0, 3.0]), Quartiles { low: 1.75, median: 2.5, high: 3.25 });
        assert!(Quartiles::of(Vec::new()).median.is_nan());
    }

    #[test]
    fn ratios_are_paired() {
        let ratios = Quartiles::of_ratios(&[1.0, 20.0, 300.0], &[2.0, 40.0, 600.0]);
        assert_eq!(ratios, Quartiles { low: 0.5, median: 0.5, high: 0.5 });
    }
}

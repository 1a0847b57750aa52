//! Interleaved rounds: every contestant runs once per round, so that all of them see the same weather.
//!
//! Absolute figures of a shared machine drift by factors within an hour; the ratio of two neighbours in one
//! round does not. The first round warms up and is thrown away; the order turns by one every round.

use serde::{Deserialize, Serialize};

use strongroom_bench_store::Result;

use crate::report::Goal;

/// One of those that are compared: its name, and what it does in round `n`, returning its figure.
pub(crate) struct Contestant<'a> {
    pub(crate) name: String,
    pub(crate) run: Box<dyn FnMut(usize) -> Result<f64> + 'a>,
}

impl<'a> Contestant<'a> {
    /// A contestant called `name`.
    pub(crate) fn new(name: impl Into<String>, run: impl FnMut(usize) -> Result<f64> + 'a) -> Self {
        Self {
            name: name.into(),
            run: Box::new(run),
        }
    }
}

/// The figures of one contestant, one per round.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Series {
    pub(crate) name: String,
    /// Where it stands on the axis of a row that shows growth.
    #[serde(default)]
    pub(crate) at: Option<f64>,
    pub(crate) values: Vec<f64>,
    /// Where the figure itself must lie.
    #[serde(default)]
    pub(crate) goal: Option<Goal>,
}

/// Middle, least and greatest of some figures.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// Runs `rounds` rounds after one that is thrown away.
pub(crate) fn interleave(contestants: &mut [Contestant<'_>], rounds: usize) -> Result<Vec<Series>> {
    let names = contestants.iter().map(|contestant| contestant.name.clone());
    let mut series: Vec<Series> = names.map(|name| Series::new(name, Vec::new())).collect();
    let count = contestants.len();
    for round in 0..=rounds {
        for turn in 0..count {
            let at = (turn + round) % count;
            let (Some(contestant), Some(series)) = (contestants.get_mut(at), series.get_mut(at)) else {
                continue;
            };
            let figure = (contestant.run)(round).map_err(|error| format!("{}: {error}", contestant.name))?;
            if round > 0 {
                series.values.push(figure);
            }
        }
    }
    Ok(series)
}

impl Series {
    /// Figures without goal or place.
    pub(crate) fn new(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self {
            name: name.into(),
            at: None,
            values,
            goal: None,
        }
    }

    /// Places it on the axis of its row.
    #[must_use]
    pub(crate) fn at(mut self, place: f64) -> Self {
        self.at = Some(place);
        self
    }

    /// Says where the figure must lie.
    #[must_use]
    pub(crate) fn wants(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self
    }

    /// The name, and the place on the axis if it has one.
    pub(crate) fn label(&self) -> String {
        match self.at {
            Some(place) => format!("{} at {place}", self.name),
            None => self.name.clone(),
        }
    }

    /// The spread of the figures themselves.
    pub(crate) fn spread(&self) -> Spread {
        Spread::of(self.values.clone())
    }

    /// The spread of this series divided by another, round by round.
    pub(crate) fn ratio(&self, other: &Series) -> Spread {
        Spread::of(
            self.values
                .iter()
                .zip(&other.values)
                .map(|(ours, theirs)| ours / theirs)
                .collect(),
        )
    }
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let (low, high) = (at(values.len().saturating_sub(1) / 2), at(values.len() / 2));
        Self {
            median: (low + high) / 2.0,
            min: at(0),
            max: at(values.len().saturating_sub(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_ratios_are_taken_round_by_round() {
        let series = |values: &[f64]| Series::new("", values.to_vec());
        let spread = series(&[3.0, 1.0, 2.0]).spread();
        assert_eq!((spread.median, spread.min, spread.max), (2.0, 1.0, 3.0));
        assert_eq!(series(&[1.0, 2.0]).spread().median, 1.5);
        let ratio = series(&[10.0, 1.0, 6.0]).ratio(&series(&[5.0, 1.0, 2.0]));
        assert_eq!((ratio.median, ratio.min, ratio.max), (2.0, 1.0, 3.0));
    }

    #[test]
    fn every_contestant_runs_once_per_round_in_turning_order() {
        let order = std::cell::RefCell::new(Vec::new());
        let mut contestants: Vec<_> = ["a", "b"]
            .map(|name| {
                let order = &order;
                Contestant::new(name, move |round| {
                    order.borrow_mut().push((round, name));
                    Ok(1.0)
                })
            })
            .into();
        let series = interleave(&mut contestants, 1).unwrap_or_default();
        assert_eq!(*order.borrow(), [(0, "a"), (0, "b"), (1, "b"), (1, "a")]);
        assert!(series.iter().all(|series| series.values == [1.0]));
    }
}

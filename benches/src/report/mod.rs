//! What a run found: kept as JSON, printed as tables, drawn as plots.

mod goal;
mod plots;
mod tables;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use strongroom_bench_store::Result;

use crate::args::{Args, Scale};
use crate::rounds::{Series, Spread};

pub(crate) use goal::{Goal, Wish};
pub(crate) use plots::draw;
pub(crate) use tables::{print_markdown, print_table};

/// One run: the machine, the versions, and every row.
#[derive(Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: BTreeMap<String, String>,
    pub(crate) rounds: usize,
    /// True for a run of tiny sizes, whose figures mean nothing.
    pub(crate) smoke: bool,
    pub(crate) rows: Vec<Measured>,
}

/// One workload: every figure of every contestant, and what follows from them.
#[derive(Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) id: String,
    pub(crate) workload: String,
    pub(crate) unit: String,
    /// What grows from one series to the next, in a row that shows how a cost grows.
    #[serde(default)]
    pub(crate) axis: Option<String>,
    pub(crate) series: Vec<Series>,
    pub(crate) ratios: Vec<Ratio>,
}

/// One contestant divided by another, round by round.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ratio {
    pub(crate) name: String,
    pub(crate) spread: Spread,
    pub(crate) goal: Option<Goal>,
    /// Where it should lie one day, beyond the goal.
    #[serde(default)]
    pub(crate) target: Option<Goal>,
}

impl Measured {
    /// Figures that are not divided by one another yet.
    pub(crate) fn new(id: &str, workload: &str, unit: &str, series: Vec<Series>) -> Self {
        Self {
            id: id.to_owned(),
            workload: workload.to_owned(),
            unit: unit.to_owned(),
            axis: None,
            series,
            ratios: Vec::new(),
        }
    }

    /// Divides each of `ours` by each of the others, and notes where `wishes` want the ratio.
    #[must_use]
    pub(crate) fn versus(mut self, ours: &[&str], wishes: &[Wish]) -> Self {
        let is_ours = |series: &&Series| ours.contains(&series.name.as_str());
        let others = || self.series.iter().filter(|series| !is_ours(series));
        let pairs = self
            .series
            .iter()
            .filter(is_ours)
            .flat_map(|ours| others().map(move |other| (ours, other)));
        self.ratios = pairs
            .map(|(ours, other)| Ratio::of(ours, other, wishes))
            .collect();
        self
    }

    /// Divides the first contestant by each of the others.
    #[must_use]
    pub(crate) fn first_versus(self, wishes: &[Wish]) -> Self {
        let first = self.series.first().map(|series| series.name.clone());
        self.versus(&[first.unwrap_or_default().as_str()], wishes)
    }

    /// The workload, and what grows.
    pub(crate) fn title(&self) -> String {
        match &self.axis {
            Some(axis) => format!("{}, by {axis}", self.workload),
            None => self.workload.clone(),
        }
    }

    /// Says what grows from one series to the next.
    #[must_use]
    pub(crate) fn along(mut self, axis: &str) -> Self {
        self.axis = Some(axis.to_owned());
        self
    }
}

impl Ratio {
    /// `ours` divided by `other`.
    pub(crate) fn of(ours: &Series, other: &Series, wishes: &[Wish]) -> Self {
        let wish = wishes
            .iter()
            .find(|wish| wish.ours == ours.name && wish.peer == other.name);
        Self {
            name: format!("{} / {}", ours.label(), other.label()),
            spread: ours.ratio(other),
            goal: wish.map(|wish| wish.goal),
            target: wish.and_then(|wish| wish.target),
        }
    }
}

impl Report {
    /// A report without rows yet.
    pub(crate) fn new(machine: BTreeMap<String, String>, args: &Args) -> Self {
        Self {
            machine,
            rounds: args.rounds,
            smoke: args.scale == Scale::Smoke,
            rows: Vec::new(),
        }
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(fs::write(path, json).map_err(|error| format!("{}: {error}", path.display()))?)
    }

    /// The ids of the rows, each once, in their order.
    pub(crate) fn ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = self.rows.iter().map(|row| row.id.as_str()).collect();
        ids.dedup();
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_ours_is_divided_by_each_of_the_others_and_finds_its_goal() {
        let series = ["ours", "files", "peer", "raw"].map(|name| Series::new(name, vec![2.0]));
        let wishes = [Wish::new("files", "raw", Goal::AtLeast(0.5)).then(Goal::AtLeast(0.8))];
        let row = Measured::new("B0", "nothing", "1/s", series.into()).versus(&["ours", "files"], &wishes);
        let found: Vec<_> = row
            .ratios
            .iter()
            .map(|ratio| (ratio.name.as_str(), ratio.goal.is_some(), ratio.target.is_some()))
            .collect();
        assert_eq!(
            found,
            [
                ("ours / peer", false, false),
                ("ours / raw", false, false),
                ("files / peer", false, false),
                ("files / raw", true, true),
            ]
        );
    }
}

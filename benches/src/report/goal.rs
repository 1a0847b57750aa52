//! Where a figure or a ratio must lie.

use serde::{Deserialize, Serialize};

/// Where a figure must lie.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Goal {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Goal {
    /// Does the figure lie there? One that is no number does not.
    pub(crate) fn met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
        }
    }

    /// For tables.
    pub(crate) fn text(self) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {least}"),
            Self::AtMost(most) => format!("≤ {most}"),
        }
    }

    /// The border.
    pub(crate) fn limit(self) -> f64 {
        match self {
            Self::AtLeast(limit) | Self::AtMost(limit) => limit,
        }
    }
}

/// Where one of our contestants, divided by one of the others, must lie.
#[derive(Clone)]
pub(crate) struct Wish {
    pub(crate) ours: String,
    pub(crate) peer: String,
    pub(crate) goal: Goal,
    pub(crate) target: Option<Goal>,
}

impl Wish {
    /// The goal of `ours` divided by `peer`.
    pub(crate) fn new(ours: &str, peer: &str, goal: Goal) -> Self {
        Self {
            ours: ours.to_owned(),
            peer: peer.to_owned(),
            goal,
            target: None,
        }
    }

    /// And where it should lie one day.
    #[must_use]
    pub(crate) fn then(mut self, target: Goal) -> Self {
        self.target = Some(target);
        self
    }
}

//! What was measured, and how it is told.

use std::time::{Duration, Instant};

/// The time now, as a benchmark needs it.
pub(crate) fn now() -> Instant {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long something takes is what a benchmark asks, and nothing depends on it"
    )]
    Instant::now()
}

/// One figure from each round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures(Vec<f64>);

impl Figures {
    pub(crate) fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn median(&self) -> f64 {
        self.part(0.5)
    }

    /// The figure below which this part of all are.
    pub(crate) fn part(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "a part of a length is a place")]
        let place = (part * sorted.len() as f64) as usize;
        sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    }

    /// Where half of the rounds lie, as text.
    pub(crate) fn spread(&self, decimals: usize) -> String {
        format!("{:.decimals$}–{:.decimals$}", self.part(0.25), self.part(0.75))
    }

    pub(crate) fn greatest(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// Each figure in order, with the percentage of all that are not greater.
    pub(crate) fn cumulated(&self) -> Vec<(f64, f64)> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let percent = |place: usize| 100.0 * (place + 1) as f64 / sorted.len() as f64;
        sorted.iter().enumerate().map(|(place, figure)| (*figure, percent(place))).collect()
    }

    /// Each round's figure beside that of the same round of `others`, in percent: both met the same machine.
    pub(crate) fn percent_of(&self, others: &Self) -> Self {
        Self(self.0.iter().zip(&others.0).map(|(figure, other)| 100.0 * figure / other).collect())
    }
}

impl FromIterator<f64> for Figures {
    fn from_iter<I: IntoIterator<Item = f64>>(figures: I) -> Self {
        Self(figures.into_iter().collect())
    }
}

/// Nanoseconds for each of `count`.
pub(crate) fn each_ns(taken: Duration, count: usize) -> f64 {
    taken.as_secs_f64() * 1e9 / count as f64
}

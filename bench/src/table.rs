//! The table that a run ends in.

use std::fmt::Write;
use std::time::Duration;

use crate::times::{Shown, ratio};

/// One line: what was measured, what is possible, what we must reach, and whether we do.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    what: String,
    floor: String,
    ours: String,
    ratio: String,
    target: String,
    reached: Option<bool>,
}

impl Row {
    /// A time beside its floor; to be at most `times` as long.
    pub(crate) fn times(what: impl Into<String>, floor: Duration, ours: Duration, times: f64) -> Self {
        let reached = ratio(ours, floor);
        Self {
            what: what.into(),
            floor: Shown(floor).to_string(),
            ours: Shown(ours).to_string(),
            ratio: format!("{reached:.2}"),
            target: format!("at most {times} times"),
            reached: Some(reached <= times),
        }
    }

    /// A fact with its target in words.
    pub(crate) fn fact(
        what: impl Into<String>,
        floor: impl Into<String>,
        ours: impl Into<String>,
        target: impl Into<String>,
        reached: bool,
    ) -> Self {
        Self {
            what: what.into(),
            floor: floor.into(),
            ours: ours.into(),
            ratio: String::new(),
            target: target.into(),
            reached: Some(reached),
        }
    }

    /// A figure that has no target, for whoever wants to know.
    pub(crate) fn beside(what: impl Into<String>, floor: impl Into<String>, ours: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            floor: floor.into(),
            ours: ours.into(),
            ratio: String::new(),
            target: String::new(),
            reached: None,
        }
    }

    /// What could not be measured, so that its absence shows.
    pub(crate) fn missing(what: &str) -> Self {
        Self::fact(what, "", "could not be measured", "", false)
    }

    /// The same with a target that says more than the number of times.
    pub(crate) fn and(mut self, target: &str, reached: bool) -> Self {
        self.target = format!("{}, {target}", self.target);
        self.reached = self.reached.map(|before| before && reached);
        self
    }

    /// The same, showing this quotient.
    pub(crate) fn with_ratio(mut self, ratio: f64) -> Self {
        self.ratio = format!("{ratio:.2}");
        self
    }
}

/// The rows in Markdown.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text =
        "| what | floor | ours | times | to reach | reached |\n|---|---|---|---|---|---|\n".to_owned();
    for row in rows {
        let reached = match row.reached {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {reached} |",
            row.what, row.floor, row.ours, row.ratio, row.target
        );
    }
    text
}

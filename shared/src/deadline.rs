//! The instant by which an answer is owed.
//!
//! A Lambda invocation has one time limit for all that it waits on. Each wait therefore takes a [`Deadline`], not a
//! time-out of its own: time-outs add up, deadlines do not.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, error::Elapsed, timeout_at};

/// A point in time after which nobody needs the answer any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline that lies `limit` from now.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    /// What is left, zero when it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The earlier of this deadline and the one that lies `limit` from now.
    #[must_use]
    pub fn at_most(self, limit: Duration) -> Self {
        self.min(Self::after(limit))
    }

    /// The deadline that leaves `margin` of this one, to store what came of the work.
    #[must_use]
    pub fn leaving(self, margin: Duration) -> Self {
        Self(self.0.checked_sub(margin).unwrap_or(self.0))
    }

    /// Whether waiting for `pause` leaves time to do something afterwards.
    #[must_use]
    pub fn allows(self, pause: Duration) -> bool {
        self.remaining() > pause
    }

    /// Waits for `work`, but not past the deadline.
    pub async fn bound<F: Future>(self, work: F) -> Result<F::Output, Elapsed> {
        timeout_at(self.0, work).await
    }
}

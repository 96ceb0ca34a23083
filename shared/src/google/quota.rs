//! How many calls Google takes of us, and how they are counted; pure.

use std::time::Duration;

use crate::backoff::Backoff;

/// A window is counted in so many spans.
const SPANS: u32 = 60;
/// A call that was reserved is begun within so many spans, or reserved anew.
const FRESH: u32 = 5;

/// The calls that all runs of all instances together make of a service account in any window of time.
///
/// Google takes 600 a minute. What is reserved stays below: the rest is for calls that nobody reserves, such as those for an
/// operator who looks at a calendar, and for repetitions, which are counted only when they have been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Calls for writing events.
    pub writes: u32,
    /// All calls: what people change is listed even while more waits to be written than may be.
    pub all: u32,
    /// In any such time.
    pub window: Duration,
}

impl Quota {
    /// What Google gives a service account.
    pub const OF_AN_ACCOUNT: Self = Self {
        writes: 540,
        all: 570,
        window: Duration::from_mins(1),
    };

    /// By what time is counted.
    pub(crate) fn span(self) -> Duration {
        self.window / SPANS
    }

    /// The spans whose reservations count. One is reserved in, and made up to [`fresh`](Self::fresh) later; and the spans at
    /// both ends of a window are only partly within.
    pub(crate) const fn spans() -> u32 {
        SPANS + FRESH + 1
    }

    /// How long a reservation is good.
    pub(crate) fn fresh(self) -> Duration {
        self.span() * FRESH
    }

    /// How long to wait where nothing is free for so long: those who wait for the same do not come back at once.
    pub(crate) fn wait(self, free_in: Duration) -> Duration {
        let jitter = Backoff {
            first: self.span(),
            most: self.span(),
        };
        free_in + jitter.pause(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_keeps_below_what_google_takes_and_leaves_some_to_listings() {
        let Quota { writes, all, window } = Quota::OF_AN_ACCOUNT;
        assert_eq!(window, Duration::from_mins(1));
        assert!(writes < all && all < 600);
    }

    #[test]
    fn what_counts_covers_a_window_from_the_first_reservation_to_the_last_call() {
        let quota = Quota::OF_AN_ACCOUNT;
        // However the window lies over the spans, one more of them is touched.
        let counted = quota.span() * (Quota::spans() - 1);
        assert_eq!(counted, quota.window + quota.fresh());
    }

    #[test]
    fn who_waits_for_the_same_comes_back_at_different_times_and_never_too_early() {
        let free_in = Duration::from_secs(7);
        let waits = [(); 20].map(|()| Quota::OF_AN_ACCOUNT.wait(free_in));
        assert!(waits.iter().all(|wait| *wait >= free_in));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}

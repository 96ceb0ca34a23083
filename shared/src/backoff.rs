//! How long to wait before trying again.
//!
//! "Full jitter": a random wait between nothing and a limit that doubles with each try. Callers that failed together
//! then come back spread out, not together.

use std::time::Duration;

/// The limit of the first wait and the limit that no wait exceeds.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// Upper limit of the first wait.
    pub first: Duration,
    /// Upper limit of every wait.
    pub most: Duration,
}

impl Backoff {
    /// A random wait after `failures` failed tries in a row (the first failure is 1).
    #[must_use]
    pub fn pause(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        let limit = self.first.saturating_mul(1 << doublings).min(self.most);
        limit.mul_f64(rand::random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_millis(250),
        most: Duration::from_secs(2),
    };

    #[test]
    fn the_limit_doubles_up_to_the_most() {
        for (failures, limit) in [
            (1, 250),
            (2, 500),
            (3, 1000),
            (4, 2000),
            (5, 2000),
            (u32::MAX, 2000),
        ] {
            for _ in 0..100 {
                assert!(BACKOFF.pause(failures) <= Duration::from_millis(limit));
            }
        }
    }

    #[test]
    fn waits_differ() {
        assert_ne!(BACKOFF.pause(4), BACKOFF.pause(4));
    }
}

//! Calls to Google that a run has reserved and not made yet; pure.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The calls that a run may make. Each reservation is good for a short time only: who waits with its calls would make them in
/// a window that others have filled meanwhile.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<Vec<Grant>>);

/// What asking for calls came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    /// So many may be made.
    pub(crate) calls: u32,
    /// They are begun before this, or not at all.
    pub(crate) until: Instant,
    /// Where that is fewer than were asked for: in this time there may be more.
    pub(crate) free_in: Option<Duration>,
}

impl Turns {
    /// Adds calls that may be made.
    pub(super) fn add(&self, grant: Grant) {
        self.reserved().push(grant);
    }

    /// Takes one of the calls that may be made now, if there is one: that which is good for the shortest time.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut reserved = self.reserved();
        reserved.retain(|one| one.calls > 0 && one.until > now);
        let Some(first) = reserved.iter_mut().min_by_key(|one| one.until) else {
            return false;
        };
        first.calls -= 1;
        true
    }

    fn reserved(&self) -> MutexGuard<'_, Vec<Grant>> {
        // Every change of it is whole, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(calls: u32, until: Instant) -> Grant {
        let free_in = None;
        Grant {
            calls,
            until,
            free_in,
        }
    }

    #[test]
    fn a_call_is_made_as_often_as_it_was_reserved() {
        let (turns, now) = (Turns::default(), Instant::now());
        assert!(!turns.take(now));
        turns.add(grant(2, now + Duration::from_secs(5)));
        turns.add(grant(0, now + Duration::from_secs(5)));
        assert_eq!([(); 3].map(|()| turns.take(now)), [true, true, false]);
    }

    #[test]
    fn what_was_reserved_too_long_ago_is_no_good() {
        let (turns, now) = (Turns::default(), Instant::now());
        turns.add(grant(1, now + Duration::from_secs(5)));
        turns.add(grant(1, now + Duration::from_secs(3)));
        assert!(turns.take(now + Duration::from_secs(2)), "the older one");
        assert!(turns.take(now + Duration::from_secs(4)), "the younger one");
        turns.add(grant(3, now + Duration::from_secs(5)));
        assert!(!turns.take(now + Duration::from_secs(5)));
    }
}

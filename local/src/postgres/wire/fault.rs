//! Faults on order, each of one statement.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// What becomes of the next statement whose text contains a fragment. It strikes once.
///
/// ```
/// # use local::postgres::WireFault;
/// let lost_on_its_way = WireFault::on("insert into calendars");
/// let committed_and_not_told = WireFault::on("COMMIT").after().hang();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireFault {
    fragment: String,
    after: bool,
    hang: bool,
}

impl WireFault {
    /// A fault of the next statement that contains this; unless told otherwise the connection breaks before the server
    /// gets it.
    #[must_use]
    pub fn on(fragment: &str) -> Self {
        Self {
            fragment: fragment.to_owned(),
            after: false,
            hang: false,
        }
    }

    /// Lets the server execute the statement; only its answer fails.
    #[must_use]
    pub fn after(mut self) -> Self {
        self.after = true;
        self
    }

    /// Freezes the connection at this point until [`Wire::release`](super::Wire::release).
    #[must_use]
    pub fn hang(mut self) -> Self {
        self.hang = true;
        self
    }
}

/// The faults in force.
#[derive(Debug, Default)]
pub(super) struct Faults {
    ordered: Mutex<Vec<WireFault>>,
    /// Faults ordered that have not struck, whether or not their statement was met.
    outstanding: watch::Sender<usize>,
    /// Counts the releases of what hangs.
    releases: watch::Sender<u64>,
}

impl Faults {
    pub(super) fn add(&self, fault: WireFault) {
        self.outstanding.send_modify(|count| *count += 1);
        let ordered = self.ordered.lock();
        ordered.unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    pub(super) fn release(&self) {
        self.releases.send_modify(|count| *count += 1);
    }

    pub(super) async fn all_struck(&self) {
        let mut outstanding = self.outstanding.subscribe();
        // An error would mean that the sender is gone; `self` holds it.
        let _ = outstanding.wait_for(|count| *count == 0).await;
    }

    /// The fault that is to strike a statement, if one is.
    pub(super) fn meet(&self, statement: &str) -> Option<Met> {
        let mut ordered = self.ordered.lock().unwrap_or_else(PoisonError::into_inner);
        let index = ordered
            .iter()
            .position(|fault| statement.contains(&fault.fragment))?;
        let fault = ordered.remove(index);
        Some(Met {
            after: fault.after,
            hang: fault.hang,
        })
    }

    /// Lets a fault strike; answers whether the connection lives on.
    pub(super) async fn strike(&self, met: &Met) -> bool {
        // Listens before the strike is known: a release that follows at once still ends the wait.
        let mut releases = self.releases.subscribe();
        self.outstanding.send_modify(|count| *count -= 1);
        met.hang && releases.changed().await.is_ok()
    }
}

/// A fault that has found its statement.
#[derive(Debug)]
pub(super) struct Met {
    /// Whether it waits for the statement's answer.
    pub(super) after: bool,
    hang: bool,
}

//! Whether work that failed is run again.

use std::time::Duration;

use super::error::{DatabaseError, Fault, Unavailable};
use super::limits::LOCK_WAIT;
use crate::backoff::Backoff;
use crate::deadline::Deadline;

/// How often work is run that other transactions stand in the way of.
const CONTENDED_RUNS: u32 = 5;

/// Between two such runs.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(20),
    most: Duration::from_millis(500),
};

/// The runs of one piece of work so far.
#[derive(Debug)]
pub(super) struct Runs {
    deadline: Deadline,
    contended: u32,
    /// Whether a run's connection broke.
    lost: bool,
}

impl Runs {
    pub(super) fn until(deadline: Deadline) -> Self {
        Self {
            deadline,
            contended: 0,
            lost: false,
        }
    }

    /// Whether the work may have been committed although it failed with `fault`: its connection broke, or it ran into a
    /// constraint after one had, and what it ran into may be the lost run that came through late.
    pub(super) fn may_have_landed(&self, fault: &Fault) -> bool {
        match fault {
            Fault::Lost => true,
            Fault::Contended | Fault::LockedOut => false,
            Fault::Final(error) => self.lost && error.constraint().is_some(),
        }
    }

    /// Waits until it is time for another run, or says why there is none.
    pub(super) async fn another_after(&mut self, fault: Fault) -> Result<(), DatabaseError> {
        match fault {
            Fault::Final(DatabaseError::Unavailable(by @ Unavailable::Overworked)) => Err(self.undone(by)),
            Fault::Final(error) => Err(error),
            Fault::Lost if self.lost => Err(Unavailable::Broken.into()),
            Fault::Lost => {
                self.lost = true;
                tracing::info!("the connection to the database broke; running the work again on a new one");
                Ok(())
            }
            Fault::Contended => {
                let pause = BACKOFF.pause(self.contended + 1);
                self.contended_again(pause)?;
                tokio::time::sleep(pause).await;
                Ok(())
            }
            // It has waited already, and may have to wait as long again.
            Fault::LockedOut => self.contended_again(LOCK_WAIT),
        }
    }

    /// Counts a run that others stood in the way of, and says whether there is time for another that takes so long.
    fn contended_again(&mut self, time: Duration) -> Result<(), DatabaseError> {
        self.contended += 1;
        if self.contended == CONTENDED_RUNS || !self.deadline.allows(time) {
            return Err(self.undone(Unavailable::Contended));
        }
        Ok(())
    }

    /// What to say when the last run did nothing. One before it, whose connection broke, may have done all the same.
    fn undone(&self, by: Unavailable) -> DatabaseError {
        if self.lost { Unavailable::Broken } else { by }.into()
    }
}

//! A connection that was opened, and the question whether it still lives.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_postgres::Client;

use crate::deadline::Deadline;

/// After so long without an answer a connection is asked for a sign of life before it is used: the process may have been
/// frozen, and the peer gone without a word.
const FRESH: Duration = Duration::from_secs(30);

/// How long the sign of life may take.
const PROBE_LIMIT: Duration = Duration::from_secs(2);

/// An open connection.
#[derive(Debug)]
pub(super) struct Live {
    client: Client,
    pulse: Pulse,
}

/// The signs of life of a connection.
#[derive(Debug)]
pub(super) struct Pulse {
    /// The task that talks to the server.
    driver: AbortHandle,
    last: Mutex<Sign>,
}

/// What was last noticed of the server.
#[derive(Debug, Clone, Copy)]
enum Sign {
    /// It answered.
    Heard(Instant),
    /// It owes an answer that nobody waits for any more.
    Owing,
    /// It is gone.
    Dead,
}

impl Live {
    pub(super) fn new(client: Client, driver: AbortHandle) -> Self {
        let last = Mutex::new(Sign::Heard(Instant::now()));
        Self {
            client,
            pulse: Pulse { driver, last },
        }
    }

    pub(super) fn parts(&self) -> (&Client, &Pulse) {
        (&self.client, &self.pulse)
    }

    pub(super) fn parts_mut(&mut self) -> (&mut Client, &Pulse) {
        (&mut self.client, &self.pulse)
    }

    /// Whether the connection can be used. A doubtful one is probed, and condemned if it stays silent.
    pub(super) async fn is_alive(&self, deadline: Deadline) -> bool {
        if self.client.is_closed() {
            return false;
        }
        match self.pulse.last() {
            Sign::Dead => return false,
            Sign::Heard(at) if at.elapsed() < FRESH => return true,
            Sign::Heard(_) | Sign::Owing => {}
        }
        let probe = self.client.batch_execute("");
        if let Ok(Ok(())) = deadline.at_most(PROBE_LIMIT).bound(probe).await {
            self.pulse.answered();
            return true;
        }
        self.pulse.condemn();
        false
    }
}

impl Pulse {
    /// Notes that the server has just answered.
    pub(super) fn answered(&self) {
        self.note(Sign::Heard(Instant::now()));
    }

    /// Notes that an answer stayed out for as long as the caller could wait.
    pub(super) fn doubt(&self) {
        self.note(Sign::Owing);
    }

    /// Ends the connection for all who use it; what waits for an answer fails at once.
    pub(super) fn condemn(&self) {
        self.note(Sign::Dead);
        self.driver.abort();
    }

    fn last(&self) -> Sign {
        // A poisoned lock still holds a good value: it is only ever replaced whole.
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, sign: Sign) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // The dead stay dead: an answer to somebody else may have arrived just before.
        if !matches!(*last, Sign::Dead) {
            *last = sign;
        }
    }
}

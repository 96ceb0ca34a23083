//! In: what changed in Google since the last pull is worked into the appointments.
//!
//! Under the calendar's lease: list every page, decide in memory, then commit rows, token and record of the run in one
//! transaction that counts only while the lease runs. A page that failed, a lease that was lost or a killed process
//! leave everything as it was, and the next pull starts from the same token. Only a listing that time cuts short is
//! committed in parts, each with the place where the next run goes on.

mod commit;
mod list;
mod turn;

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;
use uuid::Uuid;

use super::listing::Start;
use super::queries::lease::{self, Occasion, Taken};
use super::turns::Turns;
use super::{STORE_MARGIN, Sync, SyncError};
use crate::bus::Message;
use crate::deadline::Deadline;
use crate::telemetry::metrics::{PULL_DURATION, PULLED, PULLS_FAILED};

/// How long a lease lasts; that of a run that died lapses so soon. It is prolonged with every page.
const LEASE: Duration = Duration::from_secs(45);
/// How often a waiting pull asks for the lease.
const LEASE_POLL: Duration = Duration::from_millis(200);
/// Longer than this no pull waits for its time to come: the lease outlives it.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What to do when another run has the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Leave: the holder looks again before it lets go.
    Leave,
    /// Wait this long.
    Wait(Duration),
}

/// What a pull did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pulled {
    /// Appointments that took over a person's changes.
    pub updated: usize,
    /// Appointments whose event was deleted.
    pub cancelled: usize,
    /// Appointments that came back from the bin.
    pub restored: usize,
    /// Of these, how many now stand on top of another appointment.
    pub conflicts: i64,
    /// Whether everything was listed, not only what changed.
    pub full: bool,
    /// Whether cancellations wait for a confirmation, because the listing would have cancelled too much.
    pub mass_cancel_held: bool,
    /// Whether something of ours is due to be written at its end: a push is worth its while.
    #[serde(skip)]
    pub leaves_due: bool,
}

impl std::ops::AddAssign for Pulled {
    fn add_assign(&mut self, other: Self) {
        self.updated += other.updated;
        self.cancelled += other.cancelled;
        self.restored += other.restored;
        self.conflicts += other.conflicts;
        self.full |= other.full;
        self.mass_cancel_held |= other.mass_cancel_held;
        self.leaves_due |= other.leaves_due;
    }
}

/// What a commit came to.
enum Committed {
    Done {
        pulled: Pulled,
        next: Next,
        changed: Vec<Message>,
    },
    /// Nothing was committed: Google must be asked again about these events.
    Doubtful(Vec<String>),
}

/// What is left to do under the lease.
enum Next {
    /// It was given back.
    Nothing,
    /// Notifications came meanwhile.
    Again,
    /// The listing goes on here.
    Rest(Start),
}

impl Sync<'_> {
    /// Pulls a calendar. `None`: another run has it, or there was no occasion.
    pub async fn pull(
        &self,
        calendar_id: &str,
        occasion: Occasion,
        patience: Patience,
        confirm_mass_cancel: bool,
        deadline: Deadline,
    ) -> Result<Option<Pulled>, SyncError> {
        let owner = Uuid::new_v4();
        let Some(taken) = self
            .take_lease(calendar_id, owner, occasion, patience, deadline)
            .await?
        else {
            return Ok(None);
        };
        let pull = Pull {
            sync: self,
            calendar_id,
            owner,
            patience,
            confirm_mass_cancel,
            deadline,
            turns: Turns::default(),
        };
        let began = Instant::now();
        // On the heap: with all that a listing holds it is a large future.
        let pulled = Box::pin(pull.until_covered(taken)).await;
        measure(&pulled, began.elapsed());
        if let Err(error) = &pulled {
            if let SyncError::Google(error) = error
                && self.cool_down(calendar_id, error).await.is_err()
            {
                tracing::warn!(
                    calendar.id = calendar_id,
                    "a pause that Google asked for could not be stored"
                );
            }
            // A run that a notification woke is tried again by whoever woke it; others must say what they leave.
            pull.let_go(occasion == Occasion::Always).await;
        }
        pulled.map(Some)
    }

    async fn take_lease(
        &self,
        calendar_id: &str,
        owner: Uuid,
        occasion: Occasion,
        patience: Patience,
        deadline: Deadline,
    ) -> Result<Option<Taken>, SyncError> {
        let wait_until = match patience {
            Patience::Leave => Deadline::after(Duration::ZERO),
            Patience::Wait(time) => deadline.at_most(time),
        };
        loop {
            let judge = self.judge_pulls();
            let taken = self
                .db
                .read(deadline, async |client| {
                    lease::take_lease(client, calendar_id, owner, LEASE, occasion, &judge).await
                })
                .await?;
            if taken.is_some() || patience == Patience::Leave {
                return Ok(taken);
            }
            if !wait_until.allows(LEASE_POLL) {
                return Err(SyncError::InProgress);
            }
            tokio::time::sleep(LEASE_POLL).await;
        }
    }
}

fn measure(pulled: &Result<Pulled, SyncError>, took: Duration) {
    match pulled {
        Ok(pulled) => {
            PULL_DURATION.took(took);
            let changes = [
                ("updated", pulled.updated),
                ("cancelled", pulled.cancelled),
                ("restored", pulled.restored),
            ];
            for (change, number) in changes {
                PULLED.add(change, number as u64);
            }
        }
        Err(SyncError::CoolingDown { .. }) => {}
        Err(_) => PULLS_FAILED.one(),
    }
}

/// A pull under its lease.
struct Pull<'a> {
    sync: &'a Sync<'a>,
    calendar_id: &'a str,
    owner: Uuid,
    patience: Patience,
    confirm_mass_cancel: bool,
    deadline: Deadline,
    /// The calls that it has reserved.
    turns: Turns,
}

impl Pull<'_> {
    /// Pulls on while there is more to list or notifications come in, then lets go.
    async fn until_covered(&self, taken: Taken) -> Result<Pulled, SyncError> {
        let mut total = Pulled::default();
        let mut taken = self.in_due_time(taken).await?;
        let mut covered = false;
        loop {
            let laid_out = taken.laid_out.clone();
            let (pulled, next) = match self.once(taken).await {
                // What is pulled is pulled; a later run covers the notifications since.
                Err(SyncError::OutOfTime | SyncError::CoolingDown { .. }) if covered => break,
                done => done?,
            };
            total += pulled;
            // What an earlier round of this pull held back, a later one may have let go; what it left due, too.
            total.mass_cancel_held = pulled.mass_cancel_held;
            total.leaves_due = pulled.leaves_due;
            let follows = match next {
                Next::Nothing => return Ok(total),
                Next::Rest(start) => Ok(Taken {
                    start,
                    too_soon_by: Duration::ZERO,
                    cooldown: None,
                    grant: None,
                    laid_out,
                }),
                // Whoever waits for an answer waits for one pull; others take over what was notified meanwhile.
                Next::Again if matches!(self.patience, Patience::Wait(_)) => break,
                Next::Again => {
                    covered = true;
                    self.take_next().await
                }
            };
            taken = match follows {
                Err(SyncError::OutOfTime | SyncError::CoolingDown { .. }) if covered => break,
                follows => follows?,
            };
        }
        self.let_go(true).await;
        Ok(total)
    }

    async fn take_next(&self) -> Result<Taken, SyncError> {
        self.in_due_time(self.take_again(Occasion::Notified).await?).await
    }

    /// Waits, under the lease, until Google may be asked; what is notified meanwhile is covered.
    async fn in_due_time(&self, mut taken: Taken) -> Result<Taken, SyncError> {
        loop {
            if let Some(grant) = taken.grant {
                self.turns.add(grant);
            }
            let wait = taken.too_soon_by.max(taken.cooldown.unwrap_or_default());
            let fits = wait <= LONGEST_WAIT && self.deadline.allows(wait + 2 * STORE_MARGIN);
            match taken.cooldown {
                _ if wait.is_zero() => return Ok(taken),
                Some(after) if !fits => return Err(SyncError::CoolingDown { after }),
                None if !fits => return Ok(taken),
                _ => tokio::time::sleep(wait).await,
            }
            taken = self.take_again(Occasion::Always).await?;
        }
    }

    async fn take_again(&self, occasion: Occasion) -> Result<Taken, SyncError> {
        let judge = self.sync.judge_pulls();
        let db = self.sync.db;
        let taken = db
            .read(self.deadline, async |client| {
                lease::take_lease(client, self.calendar_id, self.owner, LEASE, occasion, &judge).await
            })
            .await?;
        taken.ok_or(SyncError::OutOfTime)
    }

    /// Gives the lease back. The runs of notifications that found it taken have left, so if some are not covered yet the
    /// bus is told of them once more, unless somebody else sees to that.
    async fn let_go(&self, tell: bool) {
        let db = self.sync.db;
        let released = db
            .read(Deadline::after(STORE_MARGIN), async |client| {
                lease::release_lease(client, self.calendar_id, self.owner).await
            })
            .await;
        match released {
            Ok(Some(uncovered)) if tell => {
                let changed = Message::CalendarChanged {
                    calendar_id: self.calendar_id.to_owned(),
                    channel_id: uncovered.channel_id,
                    message_number: uncovered.message_number,
                };
                self.sync.bus.announce(&[changed]).await;
            }
            Ok(_) => {}
            // It lapses, so this hardly matters.
            Err(_) => tracing::warn!(
                calendar.id = self.calendar_id,
                "the lease could not be given back, it will lapse"
            ),
        }
    }

    /// One listing, or a part of it, worked in.
    async fn once(&self, taken: Taken) -> Result<(Pulled, Next), SyncError> {
        let mut start = taken.start;
        start.confirmed |= self.confirm_mass_cancel;
        let mut listing = self.list_from(start).await?;
        if let Some(recorded) = self.record_nothing(&listing, &taken.laid_out).await? {
            return Ok(recorded);
        }
        if listing.is_complete_and_full() {
            self.add_missing(&mut listing).await?;
        }
        let (pulled, next, changed) = loop {
            match self.commit(&listing).await? {
                Committed::Done {
                    pulled,
                    next,
                    changed,
                } => break (pulled, next, changed),
                Committed::Doubtful(event_ids) => self.ask_again(&mut listing, event_ids).await?,
            }
        };
        self.sync.bus.announce(&changed).await;
        if pulled.mass_cancel_held {
            tracing::error!(
                calendar.id = self.calendar_id,
                "a full listing would cancel more than half of the upcoming appointments: the cancellations are held"
            );
        }
        if !listing.is_complete() && self.time_is_over() {
            tracing::warn!(
                calendar.id = self.calendar_id,
                "a listing is longer than this run: it goes on in the next one"
            );
        }
        Ok((pulled, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_over_calendars_keeps_what_one_of_them_holds_back() {
        let mut total = Pulled::default();
        total += Pulled {
            cancelled: 0,
            full: true,
            mass_cancel_held: true,
            ..Pulled::default()
        };
        total += Pulled {
            cancelled: 2,
            ..Pulled::default()
        };
        assert!(total.mass_cancel_held && total.full);
        assert_eq!(total.cancelled, 2);
    }
}

//! In: what changed in Google since the last pull is worked into the appointments.
//!
//! Under the calendar's lease: list every page, decide in memory, then commit rows, token and record of the run in one
//! transaction that counts only while the lease runs. A page that failed, a lease that was lost or a killed process
//! leave everything as it was, and the next pull starts from the same token.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::cooldown::cooling;
use super::listing::{Listing, cancels, cancels_too_much, sighting};
use super::queries::lease::{self, Leased, Occasion, PullRecord, Recorded};
use super::queries::listing::{count_conflicts_among, count_upcoming_shown, missing_from_listing};
use super::queries::state::{lock_state, write_state};
use super::reconcile::{ChangeWord, Sighting, State};
use super::{STORE_MARGIN, Sync, SyncError};
use crate::bus::Message;
use crate::database::DatabaseError;
use crate::deadline::Deadline;
use crate::google::{Continuation, Error, EventsQuery, Gone, ListedEvent, SYNC_QUERY_FINGERPRINT};

/// How long a lease lasts; that of a run that died lapses so soon. It is prolonged with every page.
const LEASE: Duration = Duration::from_secs(45);
/// How long a page may take: the lease outlives it.
const PAGE: Duration = Duration::from_secs(40);
/// How often a waiting pull asks for the lease.
const LEASE_POLL: Duration = Duration::from_millis(200);
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
}

impl std::ops::AddAssign for Pulled {
    fn add_assign(&mut self, other: Self) {
        self.updated += other.updated;
        self.cancelled += other.cancelled;
        self.restored += other.restored;
        self.conflicts += other.conflicts;
        self.full |= other.full;
        self.mass_cancel_held |= other.mass_cancel_held;
    }
}

/// What a commit came to.
enum Committed {
    Done(Pulled, Recorded, Vec<Message>),
    /// Nothing was committed: Google must be asked again about these events.
    Doubtful(Vec<String>),
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
        let Some(leased) = self
            .take_lease(calendar_id, owner, occasion, patience, deadline)
            .await?
        else {
            return Ok(None);
        };
        let pull = Pull {
            sync: self,
            calendar_id,
            owner,
            confirm_mass_cancel,
            deadline,
        };
        let pulled = match leased.cooldown {
            Some(left) => Err(cooling(left)),
            None => pull.until_covered(leased).await,
        };
        if let Err(error) = &pulled {
            if let SyncError::Google(error) = error
                && self.cool_down(calendar_id, error).await.is_err()
            {
                tracing::warn!(
                    calendar.id = calendar_id,
                    "a pause that Google asked for could not be stored"
                );
            }
            // The error matters more than whether this succeeds: a lease that is not given back lapses.
            let released = self
                .db
                .read(Deadline::after(STORE_MARGIN), async |client| {
                    lease::release_lease(client, calendar_id, owner).await
                })
                .await;
            if released.is_err() {
                tracing::warn!(
                    calendar.id = calendar_id,
                    "the lease could not be given back, it will lapse"
                );
            }
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
    ) -> Result<Option<Leased>, SyncError> {
        let wait_until = match patience {
            Patience::Leave => Deadline::after(Duration::ZERO),
            Patience::Wait(time) => deadline.at_most(time),
        };
        loop {
            let taken = self
                .db
                .read(deadline, async |client| {
                    lease::take_lease(client, calendar_id, owner, LEASE, occasion).await
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

/// A pull under its lease.
struct Pull<'a> {
    sync: &'a Sync<'a>,
    calendar_id: &'a str,
    owner: Uuid,
    confirm_mass_cancel: bool,
    deadline: Deadline,
}

impl Pull<'_> {
    /// Pulls again while notifications come in, then lets go.
    async fn until_covered(&self, mut leased: Leased) -> Result<Pulled, SyncError> {
        let mut total = Pulled::default();
        loop {
            let (pulled, recorded, sync_token) = self.once(&leased).await?;
            total += pulled;
            // What an earlier round of this pull held back, a later one may have let go.
            total.mass_cancel_held = pulled.mass_cancel_held;
            match recorded {
                Recorded::Done => return Ok(total),
                Recorded::Again {
                    change_seq,
                    started_at,
                } => {
                    leased = Leased {
                        sync_token,
                        change_seq,
                        started_at,
                        ..leased
                    };
                    leased.sync_query = Some(SYNC_QUERY_FINGERPRINT.to_owned());
                }
            }
        }
    }

    async fn once(&self, leased: &Leased) -> Result<(Pulled, Recorded, Option<String>), SyncError> {
        let token = leased
            .sync_token
            .as_deref()
            .filter(|_| leased.sync_query.as_deref() == Some(SYNC_QUERY_FINGERPRINT));
        let asked_at = leased.started_at;
        let mut listing = match self.list(token, asked_at).await {
            Err(SyncError::Google(Error::TokenDead)) if token.is_some() => self.list(None, asked_at).await?,
            listed => listed?,
        };
        if listing.full {
            self.add_missing(&mut listing, asked_at).await?;
        }
        let (pulled, recorded, changed) = loop {
            match self.commit(&listing, leased).await? {
                Committed::Done(pulled, recorded, changed) => break (pulled, recorded, changed),
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
        let sync_token = listing.sync_token.filter(|_| !pulled.mass_cancel_held);
        Ok((pulled, recorded, sync_token))
    }

    /// Lists what changed since `token`, or everything; all pages or nothing.
    async fn list(&self, token: Option<&str>, asked_at: DateTime<Utc>) -> Result<Listing, SyncError> {
        let query = match token {
            Some(sync_token) => EventsQuery::ChangesSince { sync_token },
            // No bound in time: an event that a person moved out of it would look deleted.
            None => EventsQuery::Everything { ending_after: None },
        };
        let mut seen: HashMap<String, ListedEvent> = HashMap::new();
        let mut page_token = None;
        let sync_token = loop {
            if page_token.is_some() {
                self.renew_lease().await?;
            }
            if !self.deadline.allows(2 * STORE_MARGIN) {
                return Err(SyncError::OutOfTime);
            }
            let until = self.deadline.leaving(STORE_MARGIN).at_most(PAGE);
            let page = self
                .sync
                .google
                .list_events(self.calendar_id, query, page_token.as_deref(), until)
                .await?;
            // An id may come again on a later page: the later one is the newer one.
            seen.extend(page.items.into_iter().map(|item| (item.id().to_owned(), item)));
            match page.next {
                Continuation::Page(token) => page_token = Some(token),
                Continuation::End { sync_token } => break sync_token,
            }
        };
        let mut listing = Listing {
            sightings: HashMap::new(),
            unreadable: Vec::new(),
            full: token.is_none(),
            sync_token,
        };
        for (event_id, item) in seen {
            match sighting(&event_id, item) {
                Some(sighting) => listing.add(sighting, asked_at, false),
                None => listing.unreadable.push(event_id),
            }
        }
        Ok(listing)
    }

    /// Prolongs the lease; answers the database's time.
    async fn renew_lease(&self) -> Result<DateTime<Utc>, SyncError> {
        let db = self.sync.db;
        let renewed_at = db
            .read(self.deadline, async |client| {
                lease::renew_lease(client, self.calendar_id, self.owner, LEASE).await
            })
            .await?;
        renewed_at.ok_or(SyncError::OutOfTime)
    }

    /// A full listing bears no tombstones: what it lacks of the events that we know as live is deleted.
    async fn add_missing(&self, listing: &mut Listing, asked_at: DateTime<Utc>) -> Result<(), SyncError> {
        let unreadable = listing.unreadable.iter().map(String::as_str);
        let listed: Vec<_> = listing
            .sightings
            .keys()
            .map(String::as_str)
            .chain(unreadable)
            .collect();
        let db = self.sync.db;
        let missing = db
            .read(self.deadline, async |client| {
                missing_from_listing(client, self.calendar_id, &listed, asked_at).await
            })
            .await?;
        for event_id in missing {
            listing.add(Sighting::Gone { event_id, at: None }, asked_at, false);
        }
        Ok(())
    }

    /// Asks for these events by their ids: that is younger than the listing, and tells when an event was deleted.
    async fn ask_again(&self, listing: &mut Listing, event_ids: Vec<String>) -> Result<(), SyncError> {
        for event_id in event_ids {
            let asked_at = self.renew_lease().await?;
            let until = self.deadline.leaving(STORE_MARGIN);
            let sighting = match self
                .sync
                .google
                .get_event(self.calendar_id, &event_id, until)
                .await
            {
                Ok(shown) => sighting(&event_id, shown),
                Err(Error::Gone(Gone::NotFound | Gone::Deleted)) => Some(Sighting::Gone {
                    event_id: event_id.clone(),
                    at: None,
                }),
                Err(error) => return Err(error.into()),
            };
            match sighting {
                Some(sighting) => listing.add(sighting, asked_at, true),
                None => drop(listing.sightings.remove(&event_id)),
            }
        }
        Ok(())
    }

    /// Rows, token and record of the run: together, and only under the lease.
    async fn commit(&self, listing: &Listing, leased: &Leased) -> Result<Committed, SyncError> {
        let calendar_id = self.calendar_id;
        let ids: Vec<_> = listing.sightings.keys().map(String::as_str).collect();
        let sightings = listing.in_order();
        let committed = self
            .sync
            .db
            .transaction(self.deadline, async |tx| {
                let mut state = lock_state(tx, calendar_id, &ids).await?;
                let doubtful = listing.doubtful(&state);
                if !doubtful.is_empty() {
                    return Ok(Committed::Doubtful(doubtful));
                }
                let held = if listing.full && !self.confirm_mass_cancel {
                    let upcoming = count_upcoming_shown(tx, calendar_id).await?;
                    cancels_too_much(&state, &sightings, upcoming, leased.started_at)
                } else {
                    false
                };
                for sighting in &sightings {
                    if !(held && cancels(&state, sighting)) {
                        state.see(sighting, self.sync.clinic_zone);
                    }
                }
                write_state(tx, calendar_id, &state).await?;
                let moved: Vec<_> = state
                    .appointments
                    .values()
                    .filter(|a| a.moved)
                    .map(|a| a.id)
                    .collect();
                let conflicts = if moved.is_empty() {
                    0
                } else {
                    count_conflicts_among(tx, &moved).await?
                };
                let pulled = tally(&state, conflicts, listing.full, held);
                let record = PullRecord {
                    sync_token: listing.sync_token.as_deref().filter(|_| !held),
                    sync_query: SYNC_QUERY_FINGERPRINT,
                    pulled_seq: leased.change_seq,
                    mass_cancel_held: held,
                    result: &json!(pulled),
                };
                match lease::record_pull(tx, calendar_id, self.owner, &record).await? {
                    None => Err(DatabaseError::RolledBack),
                    Some(recorded) => Ok(Committed::Done(pulled, recorded, state.changes(calendar_id))),
                }
            })
            .await;
        match committed {
            Err(DatabaseError::RolledBack) => Err(SyncError::OutOfTime),
            other => Ok(other?),
        }
    }
}

fn tally(state: &State, conflicts: i64, full: bool, mass_cancel_held: bool) -> Pulled {
    let count = |word| {
        state
            .appointments
            .values()
            .filter(|appointment| appointment.change == Some(word))
            .count()
    };
    Pulled {
        updated: count(ChangeWord::Updated),
        cancelled: count(ChangeWord::Cancelled),
        restored: count(ChangeWord::Restored),
        conflicts,
        full,
        mass_cancel_held,
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

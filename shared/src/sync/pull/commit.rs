//! The end of a pull: what was listed is worked in and committed.

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio_postgres::{Error, GenericClient, Transaction};

use super::{Committed, LEASE, Next, Pull, Pulled};
use crate::database::DatabaseError;
use crate::google::Continuation;
use crate::sync::SyncError;
use crate::sync::busy::{Basis, Plan};
use crate::sync::listing::{Listing, Start, cancels, cancels_too_much};
use crate::sync::queries::busy::{self, Concerned};
use crate::sync::queries::lease::{self, PullRecord};
use crate::sync::queries::listing::{count_conflicts_among, count_upcoming_shown, mark_listed};
use crate::sync::queries::state::{lock_state, write_state};
use crate::sync::reconcile::{ChangeWord, State};

/// Whether busy times are laid out, and by what.
type LaidOut = Option<(DateTime<Utc>, String)>;

impl Pull<'_> {
    /// The record of a pull that was told nothing: one statement, which is its own transaction. `None`: there is more to
    /// do than that.
    pub(super) async fn record_nothing(
        &self,
        listing: &Listing,
        laid_out: &LaidOut,
    ) -> Result<Option<(Pulled, Next)>, SyncError> {
        let basis = self.basis(listing);
        if !listing.tells_nothing() || !laid_out.as_ref().is_some_and(|kept| basis.is(kept)) {
            return Ok(None);
        }
        let mut pulled = Pulled::default();
        let recorded = self
            .sync
            .db
            .read(self.deadline, async |client| {
                self.record(client, listing, pulled).await
            })
            .await?;
        let (next, leaves_due) = recorded.ok_or(SyncError::OutOfTime)?;
        pulled.leaves_due = leaves_due;
        Ok(Some((pulled, next)))
    }

    /// Rows, token and record of the run: together, and only under the lease.
    pub(super) async fn commit(&self, listing: &Listing) -> Result<Committed, SyncError> {
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
                let held = if listing.is_complete_and_full() && !listing.start.confirmed {
                    let upcoming = count_upcoming_shown(tx, calendar_id).await?;
                    cancels_too_much(&state, &sightings, upcoming, listing.start.begun_at)
                } else {
                    false
                };
                let cancelling = listing.may_cancel() && !held;
                for (sighting, asked_at) in &sightings {
                    if cancelling || !cancels(&state, sighting) {
                        state.see(sighting, *asked_at, self.sync.clinic_zone);
                    }
                }
                write_state(tx, calendar_id, &state).await?;
                self.keep_busy_events(tx, listing, &state, held).await?;
                let placed: Vec<_> = state
                    .appointments
                    .values()
                    .filter(|a| a.moved || a.change == Some(ChangeWord::Restored))
                    .map(|a| a.id)
                    .collect();
                let conflicts = if placed.is_empty() {
                    0
                } else {
                    count_conflicts_among(tx, &placed).await?
                };
                let mut pulled = tally(&state, conflicts, listing.start.is_full(), held);
                // Without the lease nothing of this may be committed.
                let recorded = self.record(tx, listing, pulled).await?;
                let (next, leaves_due) = recorded.ok_or(DatabaseError::RolledBack)?;
                pulled.leaves_due = leaves_due;
                Ok(Committed::Done {
                    pulled,
                    next,
                    changed: state.changes(calendar_id),
                })
            })
            .await;
        match committed {
            Err(DatabaseError::RolledBack) => Err(SyncError::OutOfTime),
            other => Ok(other?),
        }
    }

    /// Takes over what the listing shows of people's own events.
    async fn keep_busy_events(
        &self,
        tx: &Transaction<'_>,
        listing: &Listing,
        state: &State,
        held: bool,
    ) -> Result<(), DatabaseError> {
        let basis = self.basis(listing);
        let concerned = Concerned {
            told: &listing.told(),
            series: &listing.series(),
            // A listing that would cancel too much is not believed in what else it lacks either.
            all_told_since: (listing.is_complete_and_full() && !held).then_some(listing.start.begun_at),
        };
        let stored = busy::read(tx, self.calendar_id, &concerned, &basis).await?;
        let mut plan = Plan::of(stored.events);
        if stored.other_basis {
            plan.touch_all();
        }
        for event_id in &stored.untold {
            plan.remove(event_id);
        }
        for seen in listing.seen(state) {
            plan.see(seen);
        }
        for chunk in plan.chunks(basis) {
            busy::write(tx, self.calendar_id, &chunk).await?;
        }
        Ok(())
    }

    fn basis(&self, listing: &Listing) -> Basis {
        Basis::at(listing.start.begun_at, self.sync.clinic_zone)
    }

    /// Records how far the calendar is pulled now. Answers what is left to do under the lease, and whether something of
    /// ours is due to be written; `None` if the lease was lost.
    async fn record(
        &self,
        client: &impl GenericClient,
        listing: &Listing,
        pulled: Pulled,
    ) -> Result<Option<(Next, bool)>, Error> {
        let start = &listing.start;
        let recorded = match &listing.next {
            Continuation::End { sync_token } => {
                let record = PullRecord {
                    // While cancellations are held, each run lists in full.
                    sync_token: sync_token.as_deref().filter(|_| !pulled.mass_cancel_held),
                    pulled_seq: start.change_seq,
                    asked_at: start.begun_at,
                    mass_cancel_held: pulled.mass_cancel_held,
                    found_changes: pulled.updated + pulled.cancelled + pulled.restored > 0,
                    result: &json!(pulled),
                    basis: self.basis(listing),
                };
                let recorded = lease::record_pull(client, self.calendar_id, self.owner, &record).await?;
                recorded.map(|recorded| {
                    let next = if recorded.again {
                        Next::Again
                    } else {
                        Next::Nothing
                    };
                    (next, recorded.leaves_due)
                })
            }
            Continuation::Page(page_token) => {
                if start.is_full() {
                    mark_listed(
                        client,
                        self.calendar_id,
                        &listing.shown(),
                        &listing.told(),
                        start.begun_at,
                    )
                    .await?;
                }
                let rest = Start {
                    page_token: Some(page_token.clone()),
                    ..start.clone()
                };
                let recorded =
                    lease::record_unfinished(client, self.calendar_id, self.owner, LEASE, &rest).await?;
                // Nobody has looked what is due.
                recorded.then_some((Next::Rest(rest), true))
            }
        };
        Ok(recorded)
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
        leaves_due: false,
    }
}

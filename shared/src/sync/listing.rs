//! What a pull was told, and how far it is believed; pure.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::busy::{Occurrence, Seen};
use super::reconcile::{Sighting, State, Wanted};
use crate::google::{Continuation, ListedEvent, SYNC_QUERY_FINGERPRINT};

/// Up to so many cancellations are believed whatever their share.
const CANCELLED_AT_ONCE: usize = 10;

/// Where a listing begins; kept where time ran out, so that a later run goes on from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Start {
    /// Lists what changed since; `None`: everything.
    pub(super) sync_token: Option<String>,
    /// The next page of a listing that was begun earlier.
    pub(super) page_token: Option<String>,
    /// The fingerprint of the query that the tokens belong to.
    pub(super) query: String,
    /// Google was not asked before this, by the database's clock.
    pub(super) begun_at: DateTime<Utc>,
    /// Notifications up to this one are covered.
    pub(super) change_seq: i64,
    /// Whatever it cancels, somebody has confirmed it.
    pub(super) confirmed: bool,
}

impl Start {
    /// A listing of what changed since `sync_token` was given, if there is one and it fits our query.
    pub(super) fn since(
        sync_token: Option<(String, String)>,
        begun_at: DateTime<Utc>,
        change_seq: i64,
    ) -> Self {
        let ours = sync_token.filter(|(_, query)| query == SYNC_QUERY_FINGERPRINT);
        Self {
            sync_token: ours.map(|(token, _)| token),
            page_token: None,
            query: SYNC_QUERY_FINGERPRINT.to_owned(),
            begun_at,
            change_seq,
            confirmed: false,
        }
    }

    /// Where a listing that was cut short goes on, as it was stored: if it fits our query, and was not stored by a
    /// version that wrote something else.
    pub(super) fn of_unfinished(stored: Value) -> Option<Self> {
        let start: Self = serde_json::from_value(stored).ok()?;
        (start.query == SYNC_QUERY_FINGERPRINT).then_some(start)
    }

    pub(super) fn is_full(&self) -> bool {
        self.sync_token.is_none()
    }
}

/// A listing, to its end, or a part of it: as much as time allowed or is worked in at once.
pub(super) struct Listing {
    pub(super) start: Start,
    /// By event id.
    pub(super) sightings: HashMap<String, Sighted>,
    /// Occurrences of series that do not take place, by the ids of their exceptions.
    pub(super) cancelled: HashMap<String, Occurrence>,
    /// Listed, but not to be understood: neither live nor gone.
    pub(super) unreadable: Vec<String>,
    pub(super) next: Continuation,
}

/// A sighting, and what it is worth.
pub(super) struct Sighted {
    sighting: Sighting,
    /// Not later than when Google was asked, by the database's clock.
    asked_at: DateTime<Utc>,
    /// Asked for by its id, after the listing.
    asked_again: bool,
}

impl Listing {
    /// Whether it tells of all events there are: what it lacks is deleted.
    pub(super) fn is_complete_and_full(&self) -> bool {
        self.start.is_full() && self.is_complete()
    }

    pub(super) fn is_complete(&self) -> bool {
        matches!(self.next, Continuation::End { .. })
    }

    /// Whether nothing has changed since the listing before. A full one that tells nothing says that nothing is there.
    pub(super) fn tells_nothing(&self) -> bool {
        !self.start.is_full()
            && self.is_complete()
            && self.sightings.is_empty()
            && self.cancelled.is_empty()
            && self.unreadable.is_empty()
    }

    /// The ids of the events that are there.
    pub(super) fn shown(&self) -> Vec<&str> {
        let live = self
            .sightings
            .values()
            .filter_map(|sighted| match &sighted.sighting {
                Sighting::Live(event) => Some(&event.id),
                Sighting::Gone { .. } | Sighting::Missing { .. } => None,
            });
        live.chain(&self.unreadable).map(String::as_str).collect()
    }

    /// The ids of all events that it tells of, be it that they are gone.
    pub(super) fn told(&self) -> Vec<&str> {
        let told = self.sightings.keys().chain(&self.unreadable);
        told.map(String::as_str).collect()
    }

    /// The ids of the series that it tells exceptions to.
    pub(super) fn series(&self) -> Vec<&str> {
        let live = self
            .sightings
            .values()
            .filter_map(|sighted| match &sighted.sighting {
                Sighting::Live(event) => event.recurring_event_id.as_deref(),
                Sighting::Gone { .. } | Sighting::Missing { .. } => None,
            });
        let cancelled = self.cancelled.values();
        live.chain(cancelled.map(|occurrence| occurrence.series_id.as_str()))
            .collect()
    }

    /// What it shows of each event's times.
    pub(super) fn seen<'a>(&'a self, state: &'a State) -> impl Iterator<Item = Seen<'a>> {
        self.sightings
            .iter()
            .map(|(event_id, sighted)| match &sighted.sighting {
                Sighting::Live(event) => Seen::Live {
                    event,
                    ours: state.events.contains_key(event_id),
                },
                Sighting::Gone { .. } | Sighting::Missing { .. } => Seen::Gone {
                    event_id,
                    cancelled: self.cancelled.get(event_id),
                },
            })
    }

    /// Adds what it lacks.
    pub(super) fn add_missing(&mut self, missing: Vec<String>) {
        let begun_at = self.start.begun_at;
        for event_id in missing {
            // A tombstone tells more.
            if !self.sightings.contains_key(&event_id) {
                self.add(Sighting::Missing { event_id }, begun_at, false);
            }
        }
    }

    /// Whether this much of it may cancel. Of a full listing, only the whole.
    pub(super) fn may_cancel(&self) -> bool {
        self.is_complete() || !self.start.is_full()
    }

    pub(super) fn add(&mut self, sighting: Sighting, asked_at: DateTime<Utc>, asked_again: bool) {
        let sighted = Sighted {
            sighting,
            asked_at,
            asked_again,
        };
        self.sightings
            .insert(sighted.sighting.event_id().to_owned(), sighted);
    }

    /// The sightings in the order in which people changed the events, each with when Google was asked for it.
    pub(super) fn in_order(&self) -> Vec<(&Sighting, DateTime<Utc>)> {
        let sightings = self.sightings.values();
        let mut sightings: Vec<_> = sightings
            .map(|sighted| (&sighted.sighting, sighted.asked_at))
            .collect();
        sightings.sort_by_key(|(sighting, _)| sighting.changed_at());
        sightings
    }

    /// The events about which Google must be asked again.
    pub(super) fn doubtful(&self, state: &State) -> Vec<String> {
        let sightings = self.sightings.iter();
        sightings
            .filter(|(_, sighted)| {
                state.is_doubtful(&sighted.sighting, sighted.asked_at, sighted.asked_again)
            })
            .map(|(event_id, _)| event_id.clone())
            .collect()
    }
}

/// What Google shows of an event; `None` if it cannot be understood.
pub(super) fn sighting(event_id: &str, shown: ListedEvent) -> Option<Sighting> {
    match shown {
        ListedEvent::Live(event) => Some(Sighting::Live(event)),
        ListedEvent::Cancelled(tombstone) => Some(Sighting::Gone {
            event_id: event_id.to_owned(),
            at: tombstone.updated,
        }),
        ListedEvent::Unreadable { .. } => None,
    }
}

/// Whether a sighting would cancel an appointment, or delete one that is over.
pub(super) fn cancels(state: &State, sighting: &Sighting) -> bool {
    sighting.is_absence()
        && state
            .events
            .get(sighting.event_id())
            .is_some_and(|event| event.wanted == Wanted::Present)
}

/// A listing that misses so much is more likely wrong than a clinic's will.
pub(super) fn cancels_too_much(
    state: &State,
    sightings: &[(&Sighting, DateTime<Utc>)],
    upcoming: i64,
    now: DateTime<Utc>,
) -> bool {
    let cancelled = sightings
        .iter()
        .filter(|(sighting, _)| state.would_cancel_upcoming(sighting, now))
        .count();
    let share_is_too_big = i64::try_from(cancelled).is_ok_and(|cancelled| cancelled * 2 > upcoming);
    cancelled > CANCELLED_AT_ONCE && share_is_too_big
}

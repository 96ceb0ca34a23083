//! What a sighting of one of our events in Google means for its appointment; pure.
//!
//! | what is wanted | what Google shows | outcome |
//! |---|---|---|
//! | present | live, with an etag that we know | an echo of our own write: nothing |
//! | present | live, otherwise | three-way merge into the appointment |
//! | present | deleted | the appointment is cancelled; if a caller changed it later, it gets a new event instead |
//! | absent, deleted before | live, the last event of its appointment | restored from the bin: the appointment is back; deleted again if a caller cancelled later |
//! | absent, deleted before | live, left behind by a reschedule | deleted again |
//! | absent, not yet deleted | live, left behind by a reschedule | edits are carried over; deletion stays due |
//! | absent, not yet deleted | live, of a cancelled appointment | deletion stays due |
//! | absent | deleted | as wanted |
//!
//! A finished appointment (`completed`, `no_show`) whose event is deleted stays what it is: someone tidied up.
//! Events that we do not know are a person's own, whatever their properties say, and are left alone.

mod record;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

pub use record::{AppointmentState, ChangeWord, EventState, Seen, Sighting, Wanted};

use super::adoption;
use super::content::Content;
use super::merge::{Sides, merge};
use crate::appointment::{Status, new_event_id};
use crate::google::Event;

/// Events and appointments as stored, worked on in memory and written back as a whole.
#[derive(Debug, Default)]
pub struct State {
    /// By event id.
    pub events: HashMap<String, EventState>,
    /// By id.
    pub appointments: HashMap<Uuid, AppointmentState>,
    /// When the calendar was last pulled: what is seen deleted now was not deleted then.
    pub last_pull_at: Option<DateTime<Utc>>,
    /// The ids of events that must be written back.
    pub touched: Vec<String>,
}

impl State {
    /// Whether a sighting decides nothing before Google is asked again: Google has shown something else since it was
    /// asked for this (`asked_at`), or a deletion competes with a caller's change and nobody has tried to date it.
    pub fn is_doubtful(&self, sighting: &Sighting, asked_at: DateTime<Utc>, asked_again: bool) -> bool {
        let Some(event) = self.events.get(sighting.event_id()) else {
            return false;
        };
        let (known, undated) = match sighting {
            Sighting::Live(live) => (event.etag.as_ref() == Some(&live.etag), false),
            Sighting::Gone { at, .. } => (event.seen == Seen::Gone, at.is_none()),
            Sighting::Missing { .. } => (event.seen == Seen::Gone, true),
        };
        let outdated = event.seen_at.is_some_and(|seen_at| seen_at >= asked_at);
        let competes = event.wanted == Wanted::Present && event.caller_changed_at.is_some();
        !known && (outdated || undated && competes && !asked_again)
    }

    /// Works one sighting in, for which Google was asked not before `asked_at` (by the database's clock). Those of one
    /// appointment's events come in the order in which they were changed.
    pub fn see(&mut self, sighting: &Sighting, asked_at: DateTime<Utc>, clinic_zone: Tz) {
        let Some(event) = self.events.get_mut(sighting.event_id()) else {
            return;
        };
        let Some(appointment) = self.appointments.get_mut(&event.appointment_id) else {
            return;
        };
        if is_not_there_yet(event, sighting) {
            return;
        }
        let before = event.clone();
        match sighting {
            Sighting::Live(live) => see_live(event, appointment, live, asked_at, clinic_zone),
            // Without a date the deletion may be as old as the last pull: what callers changed since is not given up.
            Sighting::Gone { at, .. } => see_gone(event, appointment, at.or(self.last_pull_at)),
            Sighting::Missing { .. } => see_gone(event, appointment, self.last_pull_at),
        }
        if *event == before {
            return;
        }
        self.touched.push(event.event_id.clone());
        // What an event left behind carried over, the present one has yet to show, even if it was seen before.
        if appointment.event_id != event.event_id
            && let Some(present) = self.events.get_mut(&appointment.event_id)
            && let (Wanted::Present, Some(shown)) = (present.wanted, present.agreed.clone())
            && present.seen == Seen::Live
            && appointment.change.is_some()
        {
            present.settle(appointment, &shown);
            self.touched.push(present.event_id.clone());
        }
    }

    /// Whether seeing this event deleted would cancel an appointment that is still to come.
    pub fn would_cancel_upcoming(&self, sighting: &Sighting, now: DateTime<Utc>) -> bool {
        let Some(event) = self.events.get(sighting.event_id()) else {
            return false;
        };
        sighting.is_absence()
            && !is_not_there_yet(event, sighting)
            && event.wanted == Wanted::Present
            && self
                .appointments
                .get(&event.appointment_id)
                .is_some_and(|appointment| {
                    appointment.status == Status::Scheduled && appointment.facts.starts_at > now
                })
    }
}

/// Our first write of it is still on its way: that Google does not know it is no deletion.
fn is_not_there_yet(event: &EventState, sighting: &Sighting) -> bool {
    event.seen == Seen::Never && matches!(sighting, Sighting::Missing { .. })
}

fn see_live(
    event: &mut EventState,
    appointment: &mut AppointmentState,
    live: &Event,
    asked_at: DateTime<Utc>,
    clinic_zone: Tz,
) {
    if event.etag.as_ref() == Some(&live.etag) {
        return;
    }
    let theirs = Content::of(live, clinic_zone, event.agreed.as_ref());
    let is_current = appointment.event_id == event.event_id;
    let mut merged = merge(&Sides {
        agreed: event.agreed.as_ref(),
        agreed_version: event.agreed_version,
        sent: &event.own_writes(),
        ours: &appointment.facts,
        ours_changed: &appointment.changes,
        theirs: &theirs,
        theirs_changed: live.updated,
    });
    if let Some(notes) = adoption::notes(event, &appointment.facts, &theirs) {
        merged.notes = Some(notes).filter(|notes| !notes.is_empty());
    }
    match (event.wanted, event.seen) {
        (Wanted::Present, _) => {
            appointment.take(merged, live.updated);
            event.settle(appointment, &theirs);
        }
        (Wanted::Absent, Seen::Gone)
            if is_current && !is_cancelled_since(event, appointment, live.updated) =>
        {
            appointment.take(merged, live.updated);
            let was_cancelled = appointment.status == Status::Cancelled;
            if was_cancelled {
                appointment.status = Status::Scheduled;
            }
            appointment.note(if was_cancelled {
                ChangeWord::Restored
            } else {
                ChangeWord::Updated
            });
            event.wanted = Wanted::Present;
            event.settle(appointment, &theirs);
        }
        (Wanted::Absent, seen) => {
            // An edit of an event that a reschedule is about to delete belongs to the appointment.
            let left_behind = !is_current && seen != Seen::Gone && appointment.status != Status::Cancelled;
            if left_behind {
                appointment.take(merged, live.updated);
            }
            event.pushed_version = None;
        }
    }
    let compared_with = appointment.changes.version_at(asked_at, appointment.version);
    event.see_live(&live.etag, theirs, compared_with);
}

/// Whether a caller cancelled the appointment after a person restored its event, whatever we heard of first. What was
/// restored after our own deletion was restored after the cancellation, too, whatever the clocks say.
fn is_cancelled_since(
    event: &EventState,
    appointment: &AppointmentState,
    restored_at: DateTime<Utc>,
) -> bool {
    const STATUS: [&str; 1] = ["status"];
    let changes = &appointment.changes;
    appointment.status == Status::Cancelled
        && event
            .agreed_version
            .is_none_or(|version| changes.since(version, &STATUS))
        && changes.of(&STATUS) > restored_at
}

fn see_gone(event: &mut EventState, appointment: &mut AppointmentState, deleted_at: Option<DateTime<Utc>>) {
    if event.wanted == Wanted::Absent {
        event.see_gone();
        return;
    }
    // What people changed, here or in an event left behind, does not stand against a person's deletion: only a caller can
    // have meant to keep what that person had not heard of.
    let ours_is_later = event
        .caller_changed_at
        .is_some_and(|changed_at| deleted_at.is_none_or(|deleted_at| changed_at > deleted_at));
    if appointment.status == Status::Scheduled {
        if ours_is_later {
            // Google never forgets an id, so the appointment is shown again under a new one.
            appointment.event_id = new_event_id();
            appointment.note(ChangeWord::Updated);
        } else {
            appointment.status = Status::Cancelled;
            appointment.note(ChangeWord::Cancelled);
        }
        event.wanted_version = appointment.version;
    }
    event.see_gone();
}

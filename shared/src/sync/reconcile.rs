//! What a sighting of one of our events in Google means for its appointment; pure.
//!
//! | what is wanted | what Google shows | outcome |
//! |---|---|---|
//! | present | live, with an etag that we know | an echo of our own write: nothing |
//! | present | live, otherwise | three-way merge into the appointment |
//! | present | deleted | the appointment is cancelled; if our side changed later, it gets a new event instead |
//! | absent, deleted before | live, the last event of its appointment | restored from the bin: the appointment is back |
//! | absent, deleted before | live, left behind by a reschedule | deleted again |
//! | absent, not yet deleted | live, left behind by a reschedule | edits are carried over; deletion stays due |
//! | absent, not yet deleted | live, of a cancelled appointment | deletion stays due |
//! | absent | deleted | as wanted |
//!
//! A finished appointment (`completed`, `no_show`) whose event is deleted stays what it is: someone tidied up.
//! Events that we do not know are a person's own, whatever their properties say, and are left alone.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use super::content::{Content, Facts};
use super::merge::{ChangedAt, Sides, merge};
use crate::appointment::{Status, new_event_id};
use crate::google::Event;

/// Whether an event should exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// It should show its appointment.
    Present,
    /// It should be gone.
    Absent,
}

/// What Google last told us of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Nothing yet. A write may be under way, see [`EventState::sent`].
    Never,
    /// It is there.
    Live,
    /// It was there and is deleted.
    Gone,
}

/// One of our events, as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct EventState {
    /// Its id in Google, chosen by us.
    pub event_id: String,
    /// Its appointment.
    pub appointment_id: Uuid,
    /// Whether it should exist.
    pub wanted: Wanted,
    /// The appointment's version that it should show, or by which it should be gone.
    pub wanted_version: i64,
    /// The version that Google last confirmed.
    pub pushed_version: Option<i64>,
    /// What Google last told.
    pub seen: Seen,
    /// Of the event as last seen; there while it is live.
    pub etag: Option<String>,
    /// What both sides last had.
    pub agreed: Option<Content>,
    /// A write whose answer is not known.
    pub sent: Option<Content>,
}

impl EventState {
    /// Whether Google shows what is wanted.
    pub fn is_settled(&self) -> bool {
        self.pushed_version == Some(self.wanted_version)
    }

    fn see_live(&mut self, etag: &str, theirs: Content) {
        self.seen = Seen::Live;
        self.etag = Some(etag.to_owned());
        self.agreed = Some(theirs);
        self.sent = None;
    }

    /// Gone, as it shall be from now on.
    fn see_gone(&mut self) {
        self.wanted = Wanted::Absent;
        self.seen = Seen::Gone;
        self.etag = None;
        self.sent = None;
        self.pushed_version = Some(self.wanted_version);
    }
}

/// An appointment, as far as sync knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct AppointmentState {
    /// Its id.
    pub id: Uuid,
    /// As stored; one higher once this run has changed it.
    pub version: i64,
    /// Where it stands.
    pub status: Status,
    /// The event that shows it.
    pub event_id: String,
    /// What its event shows of it.
    pub facts: Facts,
    /// When our side last changed it.
    pub changed_at: ChangedAt,
    /// What this run did to it.
    pub change: Option<ChangeWord>,
    /// Whether this run set its times.
    pub moved: bool,
}

/// What a run did to an appointment: the history's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeWord {
    /// New values, or a new event.
    Updated,
    /// Cancelled by a deletion.
    Cancelled,
    /// Back from the bin.
    Restored,
}

impl ChangeWord {
    /// The word in the history and on the bus.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Updated => "updated",
            Self::Cancelled => "cancelled",
            Self::Restored => "restored",
        }
    }
}

impl AppointmentState {
    fn note(&mut self, change: ChangeWord) {
        if self.change.is_none() {
            self.version += 1;
        }
        // One version, one word: the weightier one.
        if self.change.is_none_or(|noted| noted == ChangeWord::Updated) {
            self.change = Some(change);
        }
    }

    /// Takes over merged facts; tells whether that changed anything.
    fn take(&mut self, merged: Facts) -> bool {
        let times = |facts: &Facts| (facts.starts_at, facts.ends_at);
        self.moved |= times(&merged) != times(&self.facts);
        let changed = merged != self.facts;
        self.facts = merged;
        changed
    }
}

/// A live event or the absence of one.
#[derive(Debug, Clone)]
pub enum Sighting {
    /// Google shows it.
    Live(Box<Event>),
    /// Google says it is deleted, or left it out of a complete full listing.
    Gone {
        /// Its id.
        event_id: String,
        /// When it was deleted, where Google told.
        at: Option<DateTime<Utc>>,
    },
}

impl Sighting {
    /// The event's id.
    pub fn event_id(&self) -> &str {
        match self {
            Self::Live(event) => &event.id,
            Self::Gone { event_id, .. } => event_id,
        }
    }
}

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
    /// Works one sighting in.
    pub fn see(&mut self, sighting: &Sighting, clinic_zone: Tz) {
        let Some(event) = self.events.get_mut(sighting.event_id()) else {
            return;
        };
        let Some(appointment) = self.appointments.get_mut(&event.appointment_id) else {
            return;
        };
        let before = event.clone();
        match sighting {
            Sighting::Live(live) => see_live(event, appointment, live, clinic_zone),
            // Without a date the deletion may be as old as the last pull: a change of ours since then is not given up.
            Sighting::Gone { at, .. } => see_gone(event, appointment, at.or(self.last_pull_at)),
        }
        if *event != before {
            self.touched.push(event.event_id.clone());
        }
    }

    /// Whether seeing this event deleted would cancel an appointment that is still to come.
    pub fn would_cancel_upcoming(&self, sighting: &Sighting, now: DateTime<Utc>) -> bool {
        let Some(event) = self.events.get(sighting.event_id()) else {
            return false;
        };
        matches!(sighting, Sighting::Gone { .. })
            && event.wanted == Wanted::Present
            && self
                .appointments
                .get(&event.appointment_id)
                .is_some_and(|appointment| {
                    appointment.status == Status::Scheduled && appointment.facts.starts_at > now
                })
    }
}

fn see_live(event: &mut EventState, appointment: &mut AppointmentState, live: &Event, clinic_zone: Tz) {
    if event.etag.as_ref() == Some(&live.etag) {
        return;
    }
    let theirs = Content::of(live, clinic_zone);
    let is_current = appointment.event_id == event.event_id;
    let merged = merge(&Sides {
        agreed: event.agreed.as_ref(),
        sent: event.sent.as_ref(),
        ours: &appointment.facts,
        ours_changed: &appointment.changed_at,
        theirs: &theirs,
        theirs_changed: live.updated,
    });
    match (event.wanted, event.seen) {
        (Wanted::Present, _) => {
            if appointment.take(merged) {
                appointment.note(ChangeWord::Updated);
            }
            show(event, appointment, &live.etag, theirs);
        }
        (Wanted::Absent, Seen::Gone) if is_current => {
            appointment.take(merged);
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
            show(event, appointment, &live.etag, theirs);
        }
        (Wanted::Absent, seen) => {
            // An edit of an event that a reschedule is about to delete belongs to the appointment.
            let left_behind = !is_current && seen != Seen::Gone && appointment.status != Status::Cancelled;
            if left_behind && appointment.take(merged) {
                appointment.note(ChangeWord::Updated);
            }
            event.see_live(&live.etag, theirs);
            event.pushed_version = None;
        }
    }
}

/// The event shows `theirs`; what the appointment says otherwise is due to be written.
fn show(event: &mut EventState, appointment: &AppointmentState, etag: &str, theirs: Content) {
    let nothing_to_write = appointment
        .facts
        .content(Some(&theirs))
        .patch_from(&theirs)
        .is_empty();
    event.see_live(etag, theirs);
    event.wanted_version = appointment.version;
    event.pushed_version = nothing_to_write.then_some(appointment.version);
}

fn see_gone(event: &mut EventState, appointment: &mut AppointmentState, deleted_at: Option<DateTime<Utc>>) {
    if event.wanted == Wanted::Absent {
        event.see_gone();
        return;
    }
    let ours_is_later = !event.is_settled()
        && deleted_at.is_none_or(|deleted_at| appointment.changed_at.latest() > deleted_at);
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

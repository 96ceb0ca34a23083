//! What sync knows of events and appointments, and how a record changes; pure.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::appointment::Status;
use crate::google::Event;
use crate::sync::content::{Content, Facts};
use crate::sync::merge::ChangedAt;

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
    /// Since when at the latest Google has shown it like that.
    pub seen_at: Option<DateTime<Utc>>,
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

    /// It shows `shown`; what the appointment says otherwise is due to be written.
    pub(super) fn settle(&mut self, appointment: &AppointmentState, shown: &Content) {
        let nothing_to_write = appointment
            .facts
            .content(Some(shown))
            .patch_from(shown)
            .is_empty();
        self.wanted_version = appointment.version;
        self.pushed_version = nothing_to_write.then_some(appointment.version);
    }

    pub(super) fn see_live(&mut self, etag: &str, theirs: Content) {
        self.seen = Seen::Live;
        self.etag = Some(etag.to_owned());
        self.agreed = Some(theirs);
        self.sent = None;
    }

    /// Gone, as it shall be from now on. What we sent stays on record: restored from the bin, it may show it.
    pub(super) fn see_gone(&mut self) {
        self.wanted = Wanted::Absent;
        self.seen = Seen::Gone;
        self.etag = None;
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
    pub(super) fn note(&mut self, change: ChangeWord) {
        if self.change.is_none() {
            self.version += 1;
        }
        // One version, one word: the weightier one.
        if self.change.is_none_or(|noted| noted == ChangeWord::Updated) {
            self.change = Some(change);
        }
    }

    /// Takes over merged facts, which someone changed at `at`; tells whether that changed anything.
    pub(super) fn take(&mut self, merged: Facts, at: DateTime<Utc>) -> bool {
        let times = |facts: &Facts| (facts.starts_at, facts.ends_at);
        let moved = times(&merged) != times(&self.facts);
        self.moved |= moved;
        let fields = [
            ("title", merged.title != self.facts.title),
            ("notes", merged.notes != self.facts.notes),
            ("location", merged.location != self.facts.location),
            ("starts_at", moved),
        ];
        // Another event of this appointment may be seen in the same run: what it says is compared with this.
        for (fact, _) in fields.into_iter().filter(|(_, differs)| *differs) {
            self.changed_at.facts.insert(fact.to_owned(), at);
        }
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
    /// When that came to be, where Google told.
    pub fn changed_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Live(event) => Some(event.updated),
            Self::Gone { at, .. } => *at,
        }
    }

    /// The event's id.
    pub fn event_id(&self) -> &str {
        match self {
            Self::Live(event) => &event.id,
            Self::Gone { event_id, .. } => event_id,
        }
    }
}

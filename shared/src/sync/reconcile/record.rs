//! What sync knows of events and appointments, and how a record changes; pure.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::appointment::Status;
use crate::google::Event;
use crate::sync::content::{Content, Facts};
use crate::sync::merge::{Changed, Changes, TIME_FACTS};

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
    /// What both sides last had. There before Google has told of the event only where an older deployment made it, see
    /// [`adoption`](crate::sync::adoption).
    pub agreed: Option<Content>,
    /// The appointment's version that it was last compared with: what our side changed later was not known to Google then.
    pub agreed_version: Option<i64>,
    /// A write whose answer is not known.
    pub sent: Option<Content>,
    /// Earlier ones, which had not taken effect when Google was asked, but still may.
    pub strays: Vec<Content>,
    /// When a caller last changed something that Google did not know when it last showed the event, and does not show yet.
    pub caller_changed_at: Option<DateTime<Utc>>,
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

    /// What of ours Google may show unheard.
    pub(super) fn own_writes(&self) -> Vec<&Content> {
        self.sent.iter().chain(&self.strays).collect()
    }

    /// It shows `theirs`, which the appointment's `version` has taken into account. What was written for another etag
    /// can take effect no more.
    pub(super) fn see_live(&mut self, etag: &str, theirs: Content, version: i64) {
        self.seen = Seen::Live;
        self.etag = Some(etag.to_owned());
        self.agreed = Some(theirs);
        self.agreed_version = Some(version);
        self.sent = None;
        self.strays.clear();
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
    /// When each of its facts last changed.
    pub changes: Changes,
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

    /// Takes over merged facts, which someone changed at `at`.
    pub(super) fn take(&mut self, merged: Facts, at: DateTime<Utc>) {
        if merged == self.facts {
            return;
        }
        self.note(ChangeWord::Updated);
        let times = |facts: &Facts| (facts.starts_at, facts.ends_at);
        self.moved |= times(&merged) != times(&self.facts);
        let rescheduled = times(&merged) != times(&self.facts) || merged.time_zone != self.facts.time_zone;
        let fields: [(&[&str], bool); 4] = [
            (&["title"], merged.title != self.facts.title),
            (&["notes"], merged.notes != self.facts.notes),
            (&["location"], merged.location != self.facts.location),
            (&TIME_FACTS, rescheduled),
        ];
        let changed = Changed {
            version: self.version,
            at,
        };
        for (facts, _) in fields.into_iter().filter(|(_, differs)| *differs) {
            let facts = facts.iter().map(|fact| ((*fact).to_owned(), changed));
            self.changes.facts.extend(facts);
        }
        self.facts = merged;
    }

    /// When people made the changes that this run took over, by fact.
    pub(in crate::sync) fn dated(&self) -> HashMap<&str, DateTime<Utc>> {
        let facts = self.changes.facts.iter();
        facts
            .filter(|(_, changed)| changed.version == self.version)
            .map(|(fact, changed)| (fact.as_str(), changed.at))
            .collect()
    }
}

/// A live event or the absence of one.
#[derive(Debug, Clone)]
pub enum Sighting {
    /// Google shows it.
    Live(Box<Event>),
    /// Google says that it was there and is deleted.
    Gone {
        /// Its id.
        event_id: String,
        /// When it was deleted, where Google told.
        at: Option<DateTime<Utc>>,
    },
    /// Google does not have it, by its id or in a complete full listing: deleted, or not there yet.
    Missing {
        /// Its id.
        event_id: String,
    },
}

impl Sighting {
    /// When that came to be, where Google told.
    pub fn changed_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Live(event) => Some(event.updated),
            Self::Gone { at, .. } => *at,
            Self::Missing { .. } => None,
        }
    }

    /// Whether the event is not there.
    pub fn is_absence(&self) -> bool {
        !matches!(self, Self::Live(_))
    }

    /// The event's id.
    pub fn event_id(&self) -> &str {
        match self {
            Self::Live(event) => &event.id,
            Self::Gone { event_id, .. } | Self::Missing { event_id } => event_id,
        }
    }
}

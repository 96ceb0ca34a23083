//! What was done in a history, in order, and what must be left of it at the end.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

/// Changes by different sides that lie so close together may go either way: clocks are compared to decide.
const TIE: TimeDelta = TimeDelta::milliseconds(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Title,
    Notes,
    Location,
    Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Caller,
    Person,
}

#[derive(Debug)]
struct Write {
    side: Side,
    value: String,
    /// The event that a person wrote it in.
    event: Option<String>,
    made_at: DateTime<Utc>,
    /// When it counts as written at the latest. Google tells when an event changed, not which field: a person's next edit
    /// makes those of the event's edits younger that were not seen before it.
    at: DateTime<Utc>,
    /// Whether it must be there at the end unless something later is. A person's edit of an event that was then deleted, or
    /// whose appointment a caller had cancelled, need not; nor need one back to what both sides last agreed on: Google
    /// shows no edit then.
    binding: bool,
}

/// What decides about an appointment's existence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Booked, rescheduled, or set back from cancelled by a caller.
    Scheduled,
    /// Set to scheduled from completed or missed, whose event may be gone: either way.
    Reopened,
    Completed,
    Cancelled,
    /// A person deleted its current event. It is kept if it was over, or if a caller changes it later.
    Deleted,
    /// A caller changed it after that, without deciding about existence: if that is seen as the later one, it is kept under
    /// a new event.
    Kept,
    /// A person restored its current event, known to be deleted.
    Restored,
    /// Something of which the outcome depends on what was synced when.
    Unclear,
}

/// What was done to one appointment.
#[derive(Debug, Default)]
pub(crate) struct Account {
    google_ahead: TimeDelta,
    writes: BTreeMap<Field, Vec<Write>>,
    fates: Vec<Fate>,
}

/// What was done to all.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// By how much people's clock is ahead of callers'.
    google_ahead: TimeDelta,
    /// By appointment.
    pub(crate) accounts: BTreeMap<String, Account>,
    /// Events that a person ever deleted.
    pub(crate) deleted: HashSet<String>,
    /// Events that a person moved to another calendar.
    pub(crate) away: HashSet<String>,
    /// A person's own events: by id, their etags as the person left them.
    pub(crate) own: BTreeMap<String, String>,
    /// The history as told to whoever looks into a failure.
    pub(crate) story: Vec<String>,
    /// What went wrong on the way.
    pub(crate) faults: Vec<String>,
}

impl Ledger {
    pub(crate) fn new(google_ahead: TimeDelta) -> Self {
        Self {
            google_ahead,
            accounts: BTreeMap::new(),
            deleted: HashSet::new(),
            away: HashSet::new(),
            own: BTreeMap::new(),
            story: Vec::new(),
            faults: Vec::new(),
        }
    }

    pub(crate) fn tell(&mut self, line: impl AsRef<str>) {
        let now = Utc::now().format("%H:%M:%S%.3f");
        self.story.push(format!("{now} {}", line.as_ref()));
    }

    pub(crate) fn account(&mut self, appointment: &str) -> &mut Account {
        let google_ahead = self.google_ahead;
        let account = self.accounts.entry(appointment.to_owned()).or_default();
        account.google_ahead = google_ahead;
        account
    }
}

impl Account {
    pub(crate) fn caller_wrote(&mut self, field: Field, value: &str) {
        let now = Utc::now();
        self.writes.entry(field).or_default().push(Write {
            side: Side::Caller,
            value: value.to_owned(),
            event: None,
            made_at: now,
            at: now,
            binding: true,
        });
    }

    pub(crate) fn person_wrote(&mut self, event: &str, field: Field, value: &str, binding: bool) {
        let now = Utc::now() + self.google_ahead;
        let writes = self.writes.entry(field).or_default();
        // A person's last word about an event is the one that counts.
        for earlier in writes
            .iter_mut()
            .filter(|write| write.event.as_deref() == Some(event))
        {
            earlier.binding = false;
        }
        writes.push(Write {
            side: Side::Person,
            value: value.to_owned(),
            event: Some(event.to_owned()),
            made_at: now,
            at: now,
            binding,
        });
    }

    /// A person changed anything in an event.
    pub(crate) fn person_touched(&mut self, event: &str) {
        let now = Utc::now() + self.google_ahead;
        let writes = self.writes.values_mut().flatten();
        for write in writes.filter(|write| write.event.as_deref() == Some(event)) {
            write.at = now;
        }
    }

    pub(crate) fn fate(&mut self, fate: Fate) {
        // By a clock that is behind, what a person did may look older than what a caller did before it.
        let by_person = matches!(fate, Fate::Deleted | Fate::Restored);
        let in_doubt = by_person && self.google_ahead < TimeDelta::zero();
        self.fates.push(if in_doubt { Fate::Unclear } else { fate });
        if matches!(fate, Fate::Cancelled | Fate::Deleted | Fate::Unclear) {
            self.unbind();
        }
    }

    /// Whether what a person writes in its event now may be lost with it.
    pub(crate) fn is_doomed(&self) -> bool {
        matches!(
            self.fates.last(),
            Some(Fate::Cancelled | Fate::Deleted | Fate::Kept | Fate::Unclear)
        )
    }

    /// What people wrote so far may be lost with the event that they wrote it in.
    pub(crate) fn unbind(&mut self) {
        let edits = self.writes.values_mut().flatten();
        for edit in edits.filter(|write| write.side == Side::Person) {
            edit.binding = false;
        }
    }

    /// A caller changed something without deciding about existence: after a deletion, that may bring it back.
    pub(crate) fn touched(&mut self) {
        if self.fates.last() == Some(&Fate::Deleted) {
            self.fates.push(Fate::Kept);
        }
    }

    /// Whether a sync may be under way that leaves a deleted event behind for a new one: what is done to the old one now
    /// decides nothing then.
    pub(crate) fn may_be_left_behind(&self) -> bool {
        let undecided = |fate: &&Fate| matches!(fate, Fate::Unclear | Fate::Kept);
        self.fates
            .iter()
            .rev()
            .take_while(undecided)
            .any(|fate| *fate == Fate::Kept)
    }

    /// A person edited its event, which was restored before. Google dates only the last change, so this passes for a
    /// restoration of now: that a caller cancelled in between cannot be told.
    pub(crate) fn touched_once_restored(&mut self) {
        if self.fates.last() == Some(&Fate::Cancelled) {
            self.fates.push(Fate::Unclear);
        }
    }

    /// The title that the appointment was booked with.
    pub(crate) fn first_title(&self) -> Option<&str> {
        let titles = self.writes.get(&Field::Title)?;
        titles.first().map(|write| write.value.as_str())
    }

    /// Says what is wrong with a field's value at the end, if anything is.
    pub(crate) fn judge(&self, field: Field, value: &str) -> Option<String> {
        let writes = self.writes.get(&field)?;
        let mut last_binding: Option<&Write> = None;
        for write in writes.iter().rev() {
            // By way of two events, each counts from some time between when it was made and when its event was last touched.
            let is_older = |last: &Write| last.event == write.event || last.made_at > write.at;
            let too_early =
                |last: &Write| last.side == write.side && is_older(last) || last.made_at - write.at > TIE;
            if last_binding.is_some_and(too_early) {
                continue;
            }
            if write.value == value {
                return None;
            }
            if write.binding && last_binding.is_none() {
                last_binding = Some(write);
            }
        }
        Some(format!("{field:?} is {value:?} after {writes:?}"))
    }

    /// Says what is wrong with the status at the end, if anything is.
    pub(crate) fn judge_status(&self, status: &str) -> Option<String> {
        let fine = match self.fates.last()? {
            Fate::Scheduled | Fate::Restored => status == "scheduled",
            Fate::Completed => status == "completed",
            Fate::Cancelled => status == "cancelled",
            Fate::Deleted => {
                status == "cancelled" || status == "completed" && self.fates.contains(&Fate::Completed)
            }
            Fate::Reopened | Fate::Kept | Fate::Unclear => true,
        };
        (!fine).then(|| format!("status is {status} after {:?}", self.fates))
    }
}

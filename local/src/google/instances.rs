//! Looking events up, the occurrences of recurring ones included.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::event::Event;
use super::recurrence::Recurrence;
use super::refusal::Refusal;
use super::times::{self, EventTime};
use super::world::Calendar;

impl Calendar {
    /// The event of this id: one that is kept, or an occurrence that nobody has touched yet.
    pub(super) fn find(&self, id: &str) -> Result<Event, Refusal> {
        if let Some(event) = self.events.get(id) {
            return Ok(event.clone());
        }
        let found = id.rsplit_once('_').and_then(|(master, suffix)| {
            let master = self.events.get(master).filter(|master| !master.is_cancelled())?;
            let start = self.recurrence(master)?.occurrence(suffix)?;
            self.occurrence(master, start)
        });
        found.ok_or_else(Refusal::not_found)
    }

    /// The event of this id, unless it lives in another calendar now.
    pub(super) fn find_here(&self, id: &str) -> Result<Event, Refusal> {
        self.find(id).and_then(|event| {
            if event.moved_away {
                Err(Refusal::not_found())
            } else {
                Ok(event)
            }
        })
    }

    /// The occurrences of a recurring event that begin before `until`, exceptions and cancelled ones in their places.
    pub(super) fn occurrences(&self, master: &Event, until: DateTime<Utc>) -> Vec<Event> {
        let starts = self
            .recurrence(master)
            .map(|rules| rules.starts_before(until))
            .unwrap_or_default();
        let found = starts.into_iter().filter_map(|start| {
            let kept = self.events.get(&format!("{}_{}", master.id(), start.id_suffix()));
            kept.cloned().or_else(|| self.occurrence(master, start))
        });
        found.collect()
    }

    /// The single events and occurrences that are there at some time between the bounds.
    pub(super) fn occurring(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<Event> {
        let mut found = Vec::new();
        for event in self.events.values().filter(|event| !event.is_cancelled()) {
            if event.is_recurring() {
                let fresh = self.occurrences(event, until).into_iter();
                found.extend(fresh.filter(|occurrence| !self.events.contains_key(occurrence.id())));
            } else {
                found.push(event.clone());
            }
        }
        found.retain(|event| self.overlaps(event, Some(from), Some(until)));
        found
    }

    /// Whether the event is there at some time between the bounds: it ends after `from` and starts before `until`.
    pub(super) fn overlaps(
        &self,
        event: &Event,
        from: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
    ) -> bool {
        if event.is_recurring() && !event.is_cancelled() {
            // An endless series is looked at for a hundred years or so.
            let horizon = until.unwrap_or(DateTime::UNIX_EPOCH + TimeDelta::days(365 * 160));
            let found = self.occurrences(event, horizon);
            return found
                .iter()
                .any(|event| !event.is_cancelled() && self.overlaps(event, from, until));
        }
        let (Some(start), Some(end)) = (event.time("start"), event.time("end")) else {
            return false;
        };
        from.is_none_or(|from| end.instant(self.zone) > from)
            && until.is_none_or(|until| start.instant(self.zone) < until)
    }

    fn recurrence(&self, master: &Event) -> Option<Recurrence> {
        Recurrence::parse(
            master.content.get("recurrence")?,
            master.time("start")?,
            self.zone,
        )
        .ok()
    }

    fn occurrence(&self, master: &Event, start: EventTime) -> Option<Event> {
        let first = master.time("start")?;
        let length = times::length(&first, &master.time("end")?).ok()?;
        let mut occurrence = master.clone();
        let content = &mut occurrence.content;
        content.remove("recurrence");
        content.insert(
            "id".into(),
            json!(format!("{}_{}", master.id(), start.id_suffix())),
        );
        content.insert("recurringEventId".into(), json!(master.id()));
        content.insert("originalStartTime".into(), start.render(self.zone));
        content.insert("start".into(), start.render(self.zone));
        content.insert("end".into(), start.plus(length).render(self.zone));
        Some(occurrence)
    }
}

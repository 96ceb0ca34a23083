//! What a person does in Google Calendar. None of it needs a token, and all of it calls for notifications.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, SecondsFormat};
use serde_json::{Map, Value, json};

use super::event::{Actor, Event, Tombstones};
use super::inner::Inner;
use super::refusal::Refusal;
use super::times::{self, Moment};
use super::world::World;

/// Somebody at the reception. Every method answers with the event as it is then.
#[derive(Clone)]
pub struct Person {
    inner: Arc<Inner>,
}

impl Person {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// Adds an event; `event` has the fields of Google's `Event`.
    pub fn add(&self, calendar: &str, event: &Value) -> Result<Value, Refusal> {
        self.change(calendar, |world| {
            world.insert(calendar, &fields(event), Actor::Person)
        })
    }

    /// Changes any fields of an event; `patch` is a merge patch (RFC 7396). An instance id changes one occurrence.
    pub fn edit(&self, calendar: &str, id: &str, patch: &Value) -> Result<Value, Refusal> {
        self.change(calendar, |world| {
            world.patch(calendar, id, None, &fields(patch), Actor::Person)
        })
    }

    /// Gives an event another title.
    pub fn retitle(&self, calendar: &str, id: &str, title: &str) -> Result<Value, Refusal> {
        self.edit(calendar, id, &json!({"summary": title}))
    }

    /// Moves an event in time; it keeps its length. An all-day event moves to that day.
    pub fn move_to(&self, calendar: &str, id: &str, start: DateTime<FixedOffset>) -> Result<Value, Refusal> {
        self.change(calendar, |world| {
            let event = world.writable(calendar, Actor::Person)?.find(id)?;
            let patch = moved(&event, start)?;
            world.patch(calendar, id, None, &patch, Actor::Person)
        })
    }

    /// Puts an event in the bin.
    pub fn delete(&self, calendar: &str, id: &str) -> Result<(), Refusal> {
        self.inner
            .write(|world| world.delete(calendar, id, None, Actor::Person))
    }

    /// Takes an event out of the bin; it keeps its id.
    pub fn restore(&self, calendar: &str, id: &str) -> Result<Value, Refusal> {
        self.change(calendar, |world| world.restore(calendar, id, Actor::Person))
    }

    /// Moves an event to another calendar; it keeps its id.
    pub fn move_to_calendar(&self, calendar: &str, id: &str, destination: &str) -> Result<Value, Refusal> {
        self.change(destination, |world| {
            world.move_event(calendar, id, destination, Actor::Person)
        })
    }

    /// Copies an event, extended properties included, under a new id; the copy is the person's own.
    pub fn duplicate(&self, calendar: &str, id: &str) -> Result<Value, Refusal> {
        self.change(calendar, |world| world.duplicate(calendar, id))
    }

    fn change(
        &self,
        shown_in: &str,
        change: impl FnOnce(&mut World) -> Result<Event, Refusal>,
    ) -> Result<Value, Refusal> {
        self.inner.write(|world| {
            let event = change(world)?;
            Ok(event.render(world.readable(shown_in, Actor::Person)?.zone, Tombstones::Full))
        })
    }
}

/// The patch that lets an event start elsewhere and last as long as before.
fn moved(event: &Event, start: DateTime<FixedOffset>) -> Result<Map<String, Value>, Refusal> {
    let (Some(old_start), Some(old_end)) = (event.time("start"), event.time("end")) else {
        return Err(Refusal::not_found());
    };
    let length = times::length(&old_start, &old_end)?;
    let patch = match old_start.moment {
        Moment::Day(_) => {
            let day = start.date_naive();
            json!({"start": {"date": day.to_string()}, "end": {"date": (day + length).to_string()}})
        }
        Moment::Instant(_) => {
            let show = |at: DateTime<FixedOffset>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
            json!({"start": {"dateTime": show(start)}, "end": {"dateTime": show(start + length)}})
        }
    };
    Ok(fields(&patch))
}

fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

//! The calls themselves: each of the document's that the stand-in plays, on the world.
//!
//! A deleted event that is asked for by its id is answered whole; only a listing may show less.

use std::sync::Arc;

use serde_json::{Value, json};

use super::discovery::Call;
use super::event::{Actor, Tombstones};
use super::inner::Inner;
use super::listing::answer_zone;
use super::refusal::Refusal;
use super::world::World;

/// Makes a call that fits the document; the answer to some has no body.
pub(super) fn run(inner: &Arc<Inner>, call: &Call) -> Result<Option<Value>, Refusal> {
    match call.operation.as_str() {
        "calendars.get" | "events.get" | "events.list" | "events.instances" | "freebusy.query" => {
            inner.read(|world| look(world, call)).map(Some)
        }
        "events.insert" | "events.patch" | "events.update" | "events.delete" | "events.move"
        | "events.watch" | "channels.stop" => inner.write(|world| change(world, call)),
        other => {
            inner
                .records()
                .violations
                .push(format!("{other}: the stand-in does not play this call"));
            Err(Refusal::new(
                501,
                "global",
                "notImplemented",
                "The stand-in does not play this call.",
            ))
        }
    }
}

/// The calls that change nothing.
fn look(world: &World, call: &Call) -> Result<Value, Refusal> {
    match call.operation.as_str() {
        "events.list" => world.list(call),
        "events.instances" => world.instances(call),
        "freebusy.query" => world.free_busy(&call.fields()),
        "events.get" => {
            let calendar = world.readable(call.calendar_id(), Actor::Api)?;
            let event = calendar.find(call.event_id())?;
            Ok(event.render(answer_zone(call, calendar)?, Tombstones::Full))
        }
        _ => {
            let calendar = world.readable(call.calendar_id(), Actor::Api)?;
            Ok(json!({
                "kind": "calendar#calendar",
                "etag": format!("\"calendar-{}\"", calendar.zone.name()),
                "id": calendar.id,
                "summary": calendar.id,
                "timeZone": calendar.zone.name(),
            }))
        }
    }
}

/// The calls that change something.
fn change(world: &mut World, call: &Call) -> Result<Option<Value>, Refusal> {
    let (calendar_id, id, if_match) = (call.calendar_id(), call.event_id(), call.if_match.as_deref());
    let fields = call.fields();
    let event = match call.operation.as_str() {
        "events.insert" => world.insert(calendar_id, &fields, Actor::Api)?,
        "events.patch" => world.patch(calendar_id, id, if_match, &fields, Actor::Api)?,
        "events.update" => world.replace(calendar_id, id, if_match, &fields, Actor::Api)?,
        "events.delete" => return world.delete(calendar_id, id, if_match, Actor::Api).map(|()| None),
        "events.watch" => return world.watch(calendar_id, &watched_query(call), &fields).map(Some),
        "channels.stop" => return world.stop(&fields).map(|()| None),
        _ => {
            let destination = call.parameter("destination").unwrap_or_default();
            let moved = world.move_event(calendar_id, id, destination, Actor::Api)?;
            let zone = world.readable(destination, Actor::Api)?.zone;
            return Ok(Some(moved.render(zone, Tombstones::Full)));
        }
    };
    let zone = world.readable(calendar_id, Actor::Api)?.zone;
    Ok(Some(event.render(zone, Tombstones::Full)))
}

/// The query of the watched listing; what only says how to answer is left out.
fn watched_query(call: &Call) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, values) in call
        .all_parameters()
        .iter()
        .filter(|(name, _)| *name != "calendarId" && *name != "alt")
    {
        query.extend_pairs(values.iter().map(|value| (name, value)));
    }
    query.append_pair("alt", "json");
    query.finish()
}

//! In: what a person does to an appointment's event is what the appointment says. `docs/what-people-do.md` lists it all.

mod attributes;
mod both_sides;
mod conflicts;
mod presence;
mod series;
mod texts;
mod times;

use serde_json::{Value, json};

/// A patch that moves an event, in Karachi.
pub(crate) fn moved_to(start: &str, end: &str) -> Value {
    moved_in("Asia/Karachi", start, end)
}

/// A patch that moves an event, in this zone.
pub(crate) fn moved_in(zone: &str, start: &str, end: &str) -> Value {
    let time = |at: &str| json!({"dateTime": at, "timeZone": zone});
    json!({"start": time(start), "end": time(end)})
}

/// A patch that makes an event last from the first of these days until the second begins.
pub(crate) fn whole_days(first: &str, end: &str) -> Value {
    let day = |date: &str| json!({"date": date, "dateTime": null, "timeZone": null});
    json!({"start": day(first), "end": day(end)})
}

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
    let time = |at: &str| json!({"dateTime": at, "timeZone": "Asia/Karachi"});
    json!({"start": time(start), "end": time(end)})
}

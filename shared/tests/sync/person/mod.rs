//! In: what a person does to an appointment's event is what the appointment says. `docs/what-people-do.md` lists it all.

mod attributes;
mod both_sides;
mod conflicts;
mod presence;
mod series;
mod texts;
mod times;

use serde_json::{Value, json};

use crate::clinic::Clinic;

/// A patch that moves an event, in Karachi.
fn moved_to(start: &str, end: &str) -> Value {
    let time = |at: &str| json!({"dateTime": at, "timeZone": "Asia/Karachi"});
    json!({"start": time(start), "end": time(end)})
}

/// A clinic with one appointment, at nine on 1 March 2027 in Karachi, which Google shows.
async fn clinic_with_one() -> (Clinic, shared::appointment::Appointment) {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.tick().await;
    (clinic, appointment)
}

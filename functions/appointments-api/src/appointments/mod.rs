//! `/appointments`: one file for each thing that is done to them.

pub(crate) mod book;
pub(crate) mod change;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod read;
mod representation;

#[cfg(test)]
pub(crate) use representation::Representation;
pub(crate) use representation::rfc_3339;

use shared::appointment::Appointment;
use shared::bus::{Message, Origin};

/// Said of a slot that another appointment has.
pub(crate) fn slot_taken() -> shared::problem::Problem {
    let detail = "Another appointment has this slot, or part of it.";
    shared::problem::Problem::new(http::StatusCode::CONFLICT, "slot_taken", detail)
}

/// Said of a slot that an event of a person's own takes; not what it is.
fn busy() -> shared::problem::Problem {
    let detail = "An event in Google Calendar that is no appointment takes this slot, or part of it; \
                  send \"allow_busy\": true to take it all the same.";
    shared::problem::Problem::new(http::StatusCode::CONFLICT, "slot_taken", detail)
}

/// What the bus is told of a caller's change.
pub(crate) fn changed(appointment: &Appointment, change: &str) -> Message {
    Message::AppointmentChanged {
        appointment_id: appointment.id,
        calendar_id: appointment.calendar_id.clone(),
        version: appointment.version,
        change: change.to_owned(),
        origin: Origin::Api,
    }
}

//! `/appointments`: one file for each thing that is done to them.

pub(crate) mod book;
pub(crate) mod change;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod read;
mod representation;

pub(crate) use representation::rfc_3339;

use shared::appointment::Appointment;
use shared::bus::{Message, Origin};

/// Said of a slot that another appointment has.
fn slot_taken() -> shared::problem::Problem {
    let detail = "Another appointment has this slot, or part of it.";
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

//! The rows of the table: each module measures one thing and its floor.

mod both_ways;
pub(crate) mod cold_start;
mod growth;
mod load;
mod memory;
mod pull;
mod push;
mod round_trips;
mod warm;
mod webhook;
mod zip;

use std::pin::Pin;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Failure;
use crate::instance::Instance;
use crate::table::Row;
use crate::world::CALENDAR;

/// A measurement that has not begun.
type Measure = Pin<Box<dyn Future<Output = Result<Vec<Row>, Failure>>>>;

/// Every row by name, in the order of the table.
pub(crate) fn all() -> Vec<(&'static str, Measure)> {
    vec![
        ("cold-start", Box::pin(cold_start::measure())),
        ("memory", Box::pin(memory::measure())),
        ("zip", Box::pin(zip::measure())),
        ("warm", Box::pin(warm::measure())),
        ("round-trips", Box::pin(round_trips::measure())),
        ("webhook", Box::pin(webhook::measure())),
        ("pull", Box::pin(pull::measure())),
        ("push", Box::pin(push::measure())),
        ("both-ways", Box::pin(both_ways::measure())),
        ("growth", Box::pin(growth::measure())),
        ("load", Box::pin(load::measure())),
    ]
}

/// What wakes `scheduled-sync` after a booking.
pub(crate) fn appointment_changed() -> Value {
    json!({
        "version": "0", "id": "0190f0c2-0000-7000-8000-0000000000cc", "detail-type": "AppointmentChanged",
        "source": "appointment-sync", "account": "123456789012", "time": "2026-11-28T09:00:00Z", "region": "us-east-1",
        "resources": [],
        "detail": {"appointment_id": "0190f0c2-0000-7000-8000-000000000002", "calendar_id": CALENDAR, "version": 1,
            "change": "created", "origin": "api"}
    })
}

/// What wakes the functions that run by the clock.
pub(crate) fn scheduled() -> Value {
    json!({
        "version": "0", "id": "0190f0c2-0000-7000-8000-0000000000dd", "detail-type": "Scheduled Event",
        "source": "aws.events", "account": "123456789012", "time": "2026-11-28T09:00:00Z", "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/auto-sync"], "detail": {}
    })
}

/// Hands over an event that is no request, and insists on success.
pub(crate) async fn succeed(instance: &Instance, event: &Value) -> Result<Duration, Failure> {
    let answer = instance.invoke(&event.to_string().into()).await?;
    let said = answer.json();
    if said.get("errorType").is_some() {
        return Err(format!("{event} failed: {said}").into());
    }
    Ok(answer.took)
}

//! A caller of the API, who books in the calendar that Google shows.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::Failure;
use crate::instance::{Answer, Instance};
use crate::request::Request;

use super::million::to_be_pulled;

/// The calendar that Google shows: ten thousand events, all of them pulled.
pub(super) fn shown() -> String {
    to_be_pulled(10_000)
}

/// The API, called.
pub(super) struct Api {
    pub(super) instance: Instance,
}

impl Api {
    /// Sends a request and insists on this status.
    pub(super) async fn ask(&self, request: Request, status: u64) -> Result<Answer, Failure> {
        let answer = self.instance.invoke(&request.event()).await?;
        if answer.status() == status {
            return Ok(answer);
        }
        Err(format!(
            "{request:?} was answered with {}: {}",
            answer.status(),
            answer.content()
        )
        .into())
    }

    pub(super) async fn book(&self, hour: i64) -> Result<Booked, Failure> {
        let answer = self
            .ask(Request::post("/appointments", &booking(hour)), 201)
            .await?;
        Booked::of(&answer.content())
    }

    pub(super) async fn patch(&self, booked: &Booked, patch: Value) -> Result<(), Failure> {
        self.ask(Request::patch(&booked.path(), &patch), 200).await?;
        Ok(())
    }
}

/// An appointment as its caller knows it.
pub(super) struct Booked {
    pub(super) id: String,
    pub(super) event_id: String,
}

impl Booked {
    fn of(answer: &Value) -> Result<Self, Failure> {
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        let booked = text("id").zip(text("google_calendar_event_id"));
        let (id, event_id) = booked.ok_or_else(|| format!("this is no appointment: {answer}"))?;
        Ok(Self { id, event_id })
    }

    pub(super) fn path(&self) -> String {
        format!("/appointments/{}", self.id)
    }
}

/// At an hour that nobody has.
pub(super) fn at(hour: i64) -> DateTime<Utc> {
    let first: DateTime<Utc> = "2035-01-01T00:00:00Z".parse().unwrap_or_default();
    first + TimeDelta::hours(hour)
}

pub(super) fn booking(hour: i64) -> Value {
    json!({"patient_name": "B. Malik", "patient_phone": "+923001234567", "calendar_id": shown(), "starts_at": at(hour)})
}

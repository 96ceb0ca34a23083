//! The Google client against the stand-in, which is as strict as Google and fails in the same ways.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without, it may insist on"
)]

mod credentials;
mod events;
mod failures;
mod listing;
mod watching;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::DateTime;
use local::google::{DEFAULT_CALENDAR, StandIn};
use shared::deadline::Deadline;
use shared::google::{ApiUrl, Client, Error, Event, EventTime, ListedEvent, NewEvent, ServiceAccount};

/// Its calendar is shared with the client's account.
const CALENDAR: &str = DEFAULT_CALENDAR;

async fn start() -> (StandIn, Client) {
    let google = StandIn::start().await.unwrap();
    let client = client(&google, &google.service_account_json());
    (google, client)
}

fn client(google: &StandIn, account: &str) -> Client {
    let api = ApiUrl::parse(&google.base_url()).unwrap();
    Client::new(api, Some(ServiceAccount::parse(account).unwrap()))
}

/// Ample for anything that is to succeed, repetitions included.
fn ample() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

fn at(text: &str) -> EventTime {
    EventTime::Timed {
        date_time: DateTime::parse_from_rfc3339(text).unwrap(),
        time_zone: Some("Asia/Karachi".to_owned()),
    }
}

/// Half an hour on the first of December 2026.
fn check_up(id: &str) -> NewEvent {
    NewEvent {
        id: id.to_owned(),
        summary: Some("Check-up: A. Khan".to_owned()),
        description: Some("First visit".to_owned()),
        location: Some("Room 2".to_owned()),
        start: at("2026-12-01T09:00:00+05:00"),
        end: at("2026-12-01T09:30:00+05:00"),
        private_properties: BTreeMap::from([("appointment_id".to_owned(), "0190".to_owned())]),
    }
}

async fn insert(client: &Client, id: &str) -> Event {
    client
        .insert_event(CALENDAR, &check_up(id), ample())
        .await
        .unwrap()
}

async fn get(client: &Client, id: &str) -> Result<ListedEvent, Error> {
    client.get_event(CALENDAR, id, ample()).await
}

//! The mix of requests: what each client asks next, by chance but the same in each run, and never what another one changes.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio_postgres::Client;

use crate::Failure;
use crate::request::Request;
use crate::seed;

/// Calendars of the clinic.
pub(super) const CALENDARS: u64 = 10;
/// Appointments that there are at first, in all calendars.
pub(super) const APPOINTMENTS: u64 = 40_000;
/// Of these, the first are only read.
pub(super) const READ_ONLY: u64 = 8_000;
/// Bookings of one client are so far from those of the next.
const APART: u64 = 10_000;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    List,
    Availability,
    Book,
    Change,
    Cancel,
}

impl Kind {
    /// Each with its share of a hundred.
    pub(super) const ALL: [(Self, u64); 6] = [
        (Self::Read, 35),
        (Self::List, 20),
        (Self::Availability, 20),
        (Self::Book, 15),
        (Self::Change, 5),
        (Self::Cancel, 5),
    ];
}

/// One client's requests.
pub(super) struct Stream {
    client: u64,
    booked: u64,
    changed: u64,
    state: u64,
}

impl Stream {
    pub(super) fn of(client: u64) -> Self {
        Self {
            client,
            booked: 0,
            changed: 0,
            state: client + 1,
        }
    }

    pub(super) fn next(&mut self) -> Request {
        let mut share = self.random(100);
        let mut kind = Kind::Read;
        for (candidate, of_hundred) in Kind::ALL {
            kind = candidate;
            if share < of_hundred {
                break;
            }
            share -= of_hundred;
        }
        match kind {
            Kind::Book => self.booked += 1,
            Kind::Change | Kind::Cancel => self.changed += 1,
            Kind::Read | Kind::List | Kind::Availability => {}
        }
        let (read, calendar) = (self.random(READ_ONLY), 1 + self.random(CALENDARS));
        request(kind, read, self.own(), self.slot(), calendar)
    }

    /// An appointment that only this client changes.
    fn own(&self) -> u64 {
        let each = (APPOINTMENTS - READ_ONLY) / super::CLIENTS;
        READ_ONLY + self.client * each + self.changed % each
    }

    /// A slot that only this client books, and only once.
    fn slot(&self) -> u64 {
        self.client * APART + self.booked + self.changed
    }

    /// A number below this, by a linear congruential generator (Knuth's).
    fn random(&mut self, below: u64) -> u64 {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % below
    }
}

/// The request of a kind that reads this appointment, changes that one, and books this slot of a calendar.
pub(super) fn request(kind: Kind, read: u64, own: u64, slot: u64, calendar: u64) -> Request {
    let appointment = |n: u64| format!("/appointments/{}", id(n));
    let calendar = name(calendar);
    let day = "from=2031-01-10T00:00:00Z&to=2031-01-11T00:00:00Z";
    match kind {
        Kind::Read => Request::get(&appointment(read)),
        Kind::List => Request::get(&format!("/appointments?{day}")),
        Kind::Availability => Request::get(&format!("/availability?calendar_id={calendar}&{day}")),
        Kind::Book => {
            let body = json!({
                "patient_name": "B. Malik", "patient_phone": "+923001234567", "reason": "Check-up",
                "calendar_id": calendar, "starts_at": start(slot)
            });
            Request::post("/appointments", &body).with("idempotency-key", key(slot))
        }
        Kind::Change => Request::patch(&appointment(own), &json!({"notes": format!("note {slot}")})),
        Kind::Cancel => Request::post(&format!("{}/cancel", appointment(own)), &json!({})),
    }
}

/// The id of the `n`th appointment: its digits.
pub(super) fn id(n: u64) -> uuid::Uuid {
    format!("{n:032}").parse().unwrap_or_default()
}

pub(super) fn name(calendar: u64) -> String {
    format!("doctor-{calendar}@example.com")
}

pub(super) fn key(slot: u64) -> String {
    format!("booking-{slot}")
}

/// When a slot that can be booked starts: half an hour each.
pub(super) fn start(slot: u64) -> DateTime<Utc> {
    let first: DateTime<Utc> = "2041-01-01T00:00:00Z".parse().unwrap_or_default();
    first + TimeDelta::minutes(30 * i64::try_from(slot).unwrap_or_default())
}

/// Fills the tables as each run finds them.
pub(super) async fn fill(db: &Client) -> Result<(), Failure> {
    const FILL: &str = "create temporary table seeds as
            select n, lpad(n::text, 32, '0') as id, 'doctor-' || 1 + n % $1::int8 || '@example.com' as calendar,
                timestamptz '2031-01-01 00:00Z' + n / $1::int8 * interval '1 hour' as start
            from generate_series(0, $2::int8 - 1) as n";
    const ROWS: &str = "insert into calendars (id) select distinct calendar from seeds;
        with booked as (
            insert into appointments (id, calendar_id, patient_name, patient_phone, reason, starts_at, ends_at, time_zone,
                source, google_calendar_event_id)
            select id::uuid, calendar, 'A. Khan', '+92300' || 1000000 + n, 'Check-up', start, start + interval '30 minutes',
                'Asia/Karachi', 'bench', id
            from seeds
        ), events as (
            insert into calendar_events (calendar_id, event_id, appointment_id, wanted, wanted_version, pushed_version,
                seen, seen_at, etag, agreed_version, synced_at)
            select calendar, id, id::uuid, 'present', 1, 1, 'live', now(), '\"1\"', 1, now() from seeds
        )
        insert into appointment_history (id, appointment_id, version, by, change, fields)
        select id::uuid, id::uuid, 1, 'bench', 'created', '{}' from seeds;
        drop table seeds;
        analyze";
    seed::empty(db).await?;
    db.execute(FILL, &[&i64::try_from(CALENDARS)?, &i64::try_from(APPOINTMENTS)?])
        .await?;
    db.batch_execute(ROWS).await?;
    Ok(())
}

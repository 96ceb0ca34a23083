//! Requests to a warm API, beside the statements that it sends for them, sent bare to the same server.
//!
//! First an API whose way to the database is a wire answers each request once: the wire records what was sent. Then the
//! tables are made as they were, and each statement is sent bare in turn with a request like the one that it came from.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use local::postgres::{Statement, Wire};
use serde_json::json;

use crate::Failure;
use crate::bare::Bare;
use crate::instance::Instance;
use crate::request::Request;
use crate::seed;
use crate::table::Row;
use crate::times::{Shown, Times, ratio};
use crate::world::{CALENDAR, World};

/// Requests of each kind.
const REQUESTS: u64 = 300;
/// Requests before any that counts.
const WARM_UP: u64 = 50;

/// A kind of request; told apart by a number, no two touch the same appointment or slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Book,
    Read,
    List,
    Availability,
    Change,
    Reschedule,
    Cancel,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Book,
        Self::Read,
        Self::List,
        Self::Availability,
        Self::Change,
        Self::Reschedule,
        Self::Cancel,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Book => "book",
            Self::Read => "read one",
            Self::List => "list a day",
            Self::Availability => "availability of a day",
            Self::Change => "change",
            Self::Reschedule => "reschedule",
            Self::Cancel => "cancel",
        }
    }

    /// Whether it writes, and so publishes.
    fn writes(self) -> bool {
        !matches!(self, Self::Read | Self::List | Self::Availability)
    }

    /// The `n`th request of this kind, to a clinic as [`seed::clinic`] makes it.
    pub(crate) fn request(self, n: u64) -> Request {
        let appointment = format!("/appointments/{}", uuid(&seed::id(CALENDAR, n)));
        let day = "from=2031-01-10T00:00:00Z&to=2031-01-11T00:00:00Z";
        match self {
            Self::Book => {
                let body = json!({
                    "patient_name": "B. Malik", "patient_phone": "+923001234567", "reason": "Check-up",
                    "notes": "brings the x-ray", "starts_at": hour("2041-01-01T00:00:00Z", n)
                });
                Request::post("/appointments", &body).with("idempotency-key", format!("booking-{n}"))
            }
            Self::Read => Request::get(&appointment),
            Self::List => Request::get(&format!("/appointments?{day}")),
            Self::Availability => Request::get(&format!("/availability?{day}")),
            Self::Change => Request::patch(&appointment, &json!({"notes": format!("note {n}")})),
            Self::Reschedule => {
                let body = json!({"starts_at": hour("2051-01-01T00:00:00Z", n)});
                Request::post(&format!("{appointment}/reschedule"), &body)
            }
            Self::Cancel => Request::post(
                &format!("{appointment}/cancel"),
                &json!({"reason": "is well again"}),
            ),
        }
    }
}

/// An appointment's id as a path has it.
fn uuid(id: &str) -> String {
    let id: uuid::Uuid = id.parse().unwrap_or_default();
    id.to_string()
}

fn hour(first: &str, n: u64) -> DateTime<Utc> {
    let first: DateTime<Utc> = first.parse().unwrap_or_default();
    first + TimeDelta::hours(i64::try_from(n).unwrap_or_default())
}

/// Sends a request and insists on success.
pub(crate) async fn ask(api: &Instance, request: &Request) -> Result<Duration, Failure> {
    let answer = api.invoke(&request.event()).await?;
    match answer.status() {
        200..=299 => Ok(answer.took),
        status => Err(format!("{request:?} was answered with {status}: {}", answer.content()).into()),
    }
}

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let world = World::open().await?;
    let db = world.client().await?;
    let appointments = 2 * (REQUESTS + WARM_UP);
    seed::clinic(&db, appointments).await?;
    let recorded = record(&world).await?;

    seed::clinic(&db, appointments).await?;
    let url = world.tls_url()?;
    let api = world.start("appointments-api", &url).await?;
    let floor = world.start("floor", &url).await?;
    let bare = Bare::connect(&url).await?;
    for n in 0..WARM_UP {
        for function in [&api, &floor] {
            ask(function, &Kind::List.request(n)).await?;
        }
        world.bus.put_bare().await?;
    }

    let mut rows = Vec::new();
    let mut interface = Times::default();
    for (kind, statements) in Kind::ALL.into_iter().zip(recorded) {
        let (mut sent_bare, mut asked, mut told) = (Times::default(), Times::default(), Times::default());
        for (n, statement) in (0..).zip(&statements) {
            sent_bare.add(bare.time(statement).await?);
            asked.add(ask(&api, &kind.request(REQUESTS + WARM_UP + n)).await?);
            if kind.writes() {
                told.add(world.bus.put_bare().await?);
            }
            interface.add(ask(&floor, &kind.request(n)).await?);
        }
        rows.push(row(kind, &sent_bare, &asked, &told));
        if kind == Kind::Book {
            rows.push(Row::beside(
                "warm: book, the publish included (median); a publish alone, bare",
                Shown(told.median()).to_string(),
                Shown(asked.median()).to_string(),
            ));
        }
    }
    let what = "Lambda's interface alone: a function that answers \"ok\" (median)";
    rows.push(Row::beside(
        what,
        String::new(),
        Shown(interface.median()).to_string(),
    ));
    Ok(rows)
}

/// What a bare publish takes counts against neither.
fn row(kind: Kind, bare: &Times, ours: &Times, publish: &Times) -> Row {
    let besides = |time: Duration| time.saturating_sub(publish.median());
    let p99 = ratio(besides(ours.p99()), bare.p99());
    let what = if kind.writes() {
        ", besides the publish"
    } else {
        ""
    };
    Row::times(
        format!("warm: {}{what} (median)", kind.name()),
        bare.median(),
        besides(ours.median()),
        1.5,
    )
    .and(&format!("2 at the 99th percentile ({p99:.2})"), p99 <= 2.0)
}

/// What an API sends to the database for each request of each kind.
async fn record(world: &World) -> Result<Vec<Vec<Statement>>, Failure> {
    let wire = Wire::before(&world.url()).await;
    let api = world.start("appointments-api", wire.url()).await?;
    for n in 0..WARM_UP {
        ask(&api, &Kind::List.request(n)).await?;
    }
    let mut recorded = Vec::new();
    for kind in Kind::ALL {
        wire.clear_statements();
        for n in 0..REQUESTS {
            ask(&api, &kind.request(n)).await?;
        }
        let statements = wire.recorded();
        if statements.len() as u64 != REQUESTS {
            return Err(format!("{} sends more than one statement: {statements:?}", kind.name()).into());
        }
        recorded.push(statements);
    }
    Ok(recorded)
}

//! How often each request asks a database that is 5 ms away each way.

use std::time::Duration;

use local::postgres::Wire;
use serde_json::json;

use super::warm::{Kind, ask};
use super::{appointment_changed, scheduled, succeed, webhook};
use crate::Failure;
use crate::distance::Distance;
use crate::request::Request;
use crate::seed;
use crate::table::Row;
use crate::times::{Shown, Times};
use crate::world::World;

const EACH_WAY: Duration = Duration::from_millis(5);
/// Requests of each kind.
const REQUESTS: u64 = 20;

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let world = World::open().await?;
    let db = world.client().await?;
    seed::clinic(&db, 100).await?;
    webhook::open(&world).await?;
    let wire = Wire::before(&world.url()).await;
    let (_way, url) = Distance::before(wire.url(), EACH_WAY).await?;
    let api = world.start("appointments-api", &url).await?;
    let webhook = world.start("calendar-webhook", &url).await?;
    ask(&api, &Kind::List.request(0)).await?;
    ask(&webhook, &webhook::notification(1)).await?;

    let mut rows = first_answers(&world, &wire).await?;
    for kind in Kind::ALL {
        let mut counted = Counted::default();
        for n in 0..REQUESTS {
            counted.add(&wire, ask(&api, &kind.request(n))).await?;
        }
        rows.push(counted.row(kind.name(), 1));
    }
    let mut counted = Counted::default();
    for n in 3..3 + REQUESTS {
        counted
            .add(&wire, ask(&webhook, &webhook::notification(n)))
            .await?;
    }
    rows.push(counted.row("webhook", 1));
    let mut counted = Counted::default();
    for n in 0..REQUESTS {
        // Nothing has this version.
        let stale = Kind::Change.request(REQUESTS + n).with("if-match", "\"9\"");
        counted.add(&wire, refused(&api, &stale)).await?;
    }
    rows.push(counted.row("`If-Match` conflict", 2));
    let mut counted = Counted::default();
    for n in 0..REQUESTS {
        let booked = Kind::Book
            .request(n)
            .with("idempotency-key", format!("again-{n}"));
        counted.add(&wire, refused(&api, &booked)).await?;
    }
    rows.push(counted.row("book, slot taken", 1));
    Ok(rows)
}

/// What each function asks until its first answer, once it is connected.
async fn first_answers(world: &World, wire: &Wire) -> Result<Vec<Row>, Failure> {
    let read = serde_json::from_slice(&Kind::Read.request(0).event())?;
    let notified = serde_json::from_slice(&webhook::notification(2).event())?;
    let mut rows = Vec::new();
    for (function, event) in [
        ("appointments-api", read),
        ("calendar-webhook", notified),
        ("scheduled-sync", appointment_changed()),
        ("watch-renewer", scheduled()),
    ] {
        let instance = world.start(function, wire.url()).await?;
        wire.clear_statements();
        succeed(&instance, &event).await?;
        let trips = wire.statements().len();
        rows.push(Row::fact(
            format!("database round trips of a first answer, after connecting: {function}"),
            "1",
            trips.to_string(),
            "1",
            trips == 1,
        ));
    }
    Ok(rows)
}

async fn refused(api: &crate::instance::Instance, request: &Request) -> Result<Duration, Failure> {
    let answer = api.invoke(&request.event()).await?;
    match answer.status() {
        409 | 412 => Ok(answer.took),
        status => Err(format!("{} instead of a conflict: {}", status, json!(answer.content())).into()),
    }
}

/// Requests of one kind: how often the database was asked for each, at the most.
#[derive(Default)]
struct Counted {
    most: usize,
    times: Times,
}

impl Counted {
    async fn add(
        &mut self,
        wire: &Wire,
        asking: impl Future<Output = Result<Duration, Failure>>,
    ) -> Result<(), Failure> {
        wire.clear_statements();
        self.times.add(asking.await?);
        self.most = self.most.max(wire.statements().len());
        Ok(())
    }

    fn row(&self, what: &str, most: usize) -> Row {
        Row::fact(
            format!("database round trips, {} each: {what}", Shown(2 * EACH_WAY)),
            "1",
            format!("{} (answer in {})", self.most, Shown(self.times.median())),
            if most == 1 {
                "1".to_owned()
            } else {
                format!("at most {most}")
            },
            (1..=most).contains(&self.most),
        )
    }
}

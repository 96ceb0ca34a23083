//! From a person's edit in Google to the committed row, and from a booking to its event: both ways whole, beside the sum of
//! what each part would take bare.
//!
//! The parts are the statements that were sent, sent bare, calls to Google and to the bus without our clients, and what
//! Lambda's interface takes alone to hand over two events, which is about what it takes for an event and an answer. How long
//! Google itself takes to notify is no part of either. When a row was committed, the database says.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use local::postgres::{Statement, Wire};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::warm::{Kind, ask};
use super::{scheduled, succeed};
use crate::Failure;
use crate::bare::Bare;
use crate::google;
use crate::instance::Instance;
use crate::request::Request;
use crate::table::Row;
use crate::times::Times;
use crate::world::{CALENDAR, World};

const TIMES: u64 = 60;
const WARM_UP: u64 = 10;

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let world = World::open().await?;
    let mut clinic = Clinic::open(&world).await?;
    let wire = Wire::before(&world.url()).await;
    let recorded = Functions::start(&world, &clinic, wire.url()).await?;
    let functions = Functions::start(&world, &clinic, &world.tls_url()?).await?;
    let parts = Parts::of(&world).await?;

    let event = clinic.book_and_sync(&functions).await?;
    // Each is recorded once, to know the statements; then measured without the wire.
    for n in 0..WARM_UP {
        clinic.edit(&recorded, &event, n).await?;
    }
    let before = clinic.notified().await?;
    wire.clear_statements();
    clinic.edit(&recorded, &event, WARM_UP).await?;
    let of_edit = Replay::of_edit(until(wire.recorded(), "COMMIT")?, before, WARM_UP);
    clinic.book(&recorded, 0).await?;
    wire.clear_statements();
    clinic.book(&recorded, 1).await?;
    let of_booking = Replay::of_booking(until(
        wire.recorded(),
        "update calendar_events set seen = 'live'",
    )?);

    let (mut edits, mut bookings) = (Times::default(), Times::default());
    let (mut least_of_edits, mut least_of_bookings) = (Times::default(), Times::default());
    for n in 0..WARM_UP + TIMES {
        let edit = clinic.edit(&functions, &event, 100 + n).await?;
        let booking = clinic.book(&functions, 100 + n).await?;
        let edit_parts = parts.sum(&of_edit).await?;
        let booking_parts = parts.sum(&of_booking).await?;
        if n >= WARM_UP {
            edits.add(edit);
            bookings.add(booking);
            least_of_edits.add(edit_parts);
            least_of_bookings.add(booking_parts);
        }
    }
    Ok(vec![
        Row::times(
            "a notified edit in Google to the committed row: webhook, bus, pull (median); floor: the sum of the parts",
            least_of_edits.median(),
            edits.median(),
            1.5,
        ),
        Row::times(
            "a booking to its event in Google: API, bus, push (median); floor: the sum of the parts",
            least_of_bookings.median(),
            bookings.median(),
            1.5,
        ),
    ])
}

/// The functions that take part.
struct Functions {
    api: Instance,
    webhook: Instance,
    sync: Instance,
}

impl Functions {
    async fn start(world: &World, clinic: &Clinic<'_>, url: &str) -> Result<Self, Failure> {
        let settings = clinic.settings(world, url)?;
        Ok(Self {
            api: world.start_with("appointments-api", &settings).await?,
            webhook: world.start_with("calendar-webhook", &settings).await?,
            sync: world.start_with("scheduled-sync", &settings).await?,
        })
    }
}

/// A calendar that is watched, and where its notifications arrive.
struct Clinic<'a> {
    world: &'a World,
    db: Client,
    hook: String,
    notified: mpsc::UnboundedReceiver<Request>,
    server: JoinHandle<()>,
}

impl Drop for Clinic<'_> {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl<'a> Clinic<'a> {
    async fn open(world: &'a World) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let hook = format!("http://{}/calendar/webhook", listener.local_addr()?);
        let (sender, notified) = mpsc::unbounded_channel();
        let app = Router::new().fallback(arrive).with_state(Arc::new(sender));
        let server = tokio::spawn(async move {
            // `serve` returns only at a shutdown that is never asked for.
            let _ = axum::serve(listener, app).await;
        });
        let db = world.client().await?;
        let clinic = Self {
            world,
            db,
            hook,
            notified,
            server,
        };
        let renewer = clinic.settings(world, &world.url())?;
        let renewer = world.start_with("watch-renewer", &renewer).await?;
        succeed(&renewer, &scheduled()).await?;
        Ok(clinic)
    }

    fn settings(&self, world: &World, url: &str) -> Result<crate::instance::Settings, Failure> {
        let mut settings = world.settings(url)?;
        settings.insert("WEBHOOK_URL".to_owned(), self.hook.clone());
        Ok(settings)
    }

    /// An appointment that both sides know; the id of its event.
    async fn book_and_sync(&mut self, functions: &Functions) -> Result<String, Failure> {
        ask(&functions.api, &Kind::Book.request(9_000)).await?;
        succeed(&functions.sync, &scheduled()).await?;
        self.world.bus.forget().await;
        while self.notified.try_recv().is_ok() {}
        let event = "select google_calendar_event_id from appointments where starts_at = $1";
        let first: DateTime<Utc> = "2041-01-01T00:00:00Z".parse()?;
        let at = first + TimeDelta::hours(9_000);
        Ok(self.db.query_one(event, &[&at]).await?.get(0))
    }

    /// How many notifications were counted.
    async fn notified(&self) -> Result<i64, Failure> {
        let counted = "select change_seq from calendars where id = $1";
        Ok(self.db.query_one(counted, &[&CALENDAR]).await?.get(0))
    }

    /// A person edits; how long it takes from the arrival of Google's notification until the row is committed.
    async fn edit(&mut self, functions: &Functions, event: &str, n: u64) -> Result<Duration, Failure> {
        // As if the last pull were a while ago: one that follows at once waits for its time.
        let calm = "update calendars set leased_at = now() - interval '1 minute'";
        self.db.batch_execute(calm).await?;
        let room = format!("Room {n}");
        self.world
            .google
            .person()
            .edit(CALENDAR, event, &json!({"location": room}))?;
        let notification = self.notified.recv().await.ok_or("nothing is notified any more")?;
        let began = Utc::now();
        let answering = async {
            ask(&functions.webhook, &notification).await?;
            Ok::<_, Failure>(())
        };
        let pulling = async {
            let told = self.world.bus.next().await?;
            succeed(&functions.sync, &told).await
        };
        tokio::try_join!(answering, pulling)?;
        let committed = "select pg_xact_commit_timestamp(xmin) from appointments where location = $1";
        let committed: DateTime<Utc> = self.db.query_one(committed, &[&room]).await?.get(0);
        // What we tell of the person's change.
        self.world.bus.forget().await;
        Ok((committed - began).to_std()?)
    }

    /// A caller books; how long it takes until it is committed that Google has the event.
    async fn book(&mut self, functions: &Functions, n: u64) -> Result<Duration, Failure> {
        let before = self.world.google.count("events.insert");
        let request = Kind::Book
            .request(n)
            .with("idempotency-key", format!("both-ways-{n}"));
        let began = Utc::now();
        let answering = async {
            ask(&functions.api, &request).await?;
            Ok::<_, Failure>(())
        };
        let pushing = async {
            let told = self.world.bus.next().await?;
            succeed(&functions.sync, &told).await
        };
        tokio::try_join!(answering, pushing)?;
        if self.world.google.count("events.insert") != before + 1 {
            return Err("a booking's event was not written".into());
        }
        // Google tells of it, which is not asked for here.
        let _ = self.notified.recv().await;
        let shown = "select max(pg_xact_commit_timestamp(xmin)) from calendar_events";
        let shown: DateTime<Utc> = self.db.query_one(shown, &[]).await?.get(0);
        Ok((shown - began).to_std()?)
    }
}

/// The statements up to the last that begins like this.
fn until(mut statements: Vec<Statement>, last: &str) -> Result<Vec<Statement>, Failure> {
    let found = statements
        .iter()
        .rposition(|statement| statement.text.starts_with(last));
    let found = found.ok_or_else(|| format!("no statement begins with {last}"))?;
    statements.truncate(found + 1);
    Ok(statements)
}

fn plain(text: &str) -> Statement {
    Statement {
        text: text.to_owned(),
        ..Statement::default()
    }
}

/// Statements to be sent once more, in a transaction that is undone.
struct Replay {
    statements: Vec<Statement>,
    /// Makes what they find as it was when they were recorded.
    before: String,
    /// Whether they did then what they did when they were recorded.
    done: String,
}

impl Replay {
    /// `notified`: how many notifications were counted before it; `n`: which edit it was.
    fn of_edit(statements: Vec<Statement>, notified: i64, n: u64) -> Self {
        Self {
            statements,
            before: format!(
                "update watch_channels set last_message_number = 1;
                update calendars set change_seq = {notified}, pulled_seq = {notified}, lease_owner = null,
                    lease_until = null, leased_at = now() - interval '1 minute';
                delete from appointment_history where by = 'google_calendar'"
            ),
            done: format!(
                "select exists (select from appointments where location = 'Room {n}')
                    and exists (select from appointment_history where by = 'google_calendar')
                    and exists (select from watch_channels where last_message_number > 1)
                    and (select pulled_seq = {notified} + 1 and lease_until is null from calendars)"
            ),
        }
    }

    fn of_booking(statements: Vec<Statement>) -> Self {
        let booked = "select id from appointments where starts_at = '2041-01-01 01:00Z'";
        Self {
            statements,
            before: format!(
                "delete from idempotency_keys where key = 'both-ways-1';
                with booked as ({booked}),
                    events as (delete from calendar_events where appointment_id in (select id from booked)),
                    history as (delete from appointment_history where appointment_id in (select id from booked))
                delete from appointments where id in (select id from booked)"
            ),
            done: format!(
                "select exists (select from calendar_events where appointment_id in ({booked}) and seen = 'live')
                    and exists (select from idempotency_keys where key = 'both-ways-1')"
            ),
        }
    }
}

/// What each part takes bare.
struct Parts<'a> {
    world: &'a World,
    floor: Instance,
    bare: Bare,
    google: google::Bare,
}

impl<'a> Parts<'a> {
    async fn of(world: &'a World) -> Result<Self, Failure> {
        let url = world.tls_url()?;
        Ok(Self {
            world,
            floor: world.start("floor", &url).await?,
            bare: Bare::connect(&url).await?,
            google: google::Bare::overhearing(world).await?,
        })
    }

    /// Two events, a message on the bus, a call to Google, and these statements.
    async fn sum(&self, replay: &Replay) -> Result<Duration, Failure> {
        let mut sum = ask(&self.floor, &Kind::Read.request(0)).await?;
        sum += self.google.calls(1, 1).await?;
        sum += self.world.bus.put_bare().await?;
        self.bare.time(&plain("start transaction")).await?;
        self.bare.time(&plain(&replay.before)).await?;
        for statement in &replay.statements {
            // A transaction's limits are sent ahead of its first statement: nobody waits for them.
            if statement.text.trim_start().starts_with("set local") {
                continue;
            }
            let ends = ["START TRANSACTION", "COMMIT"];
            let begins_or_ends = ends.iter().any(|end| statement.text.starts_with(end));
            let sent = if begins_or_ends {
                &plain("select 1")
            } else {
                statement
            };
            sum += self.bare.time(sent).await?;
        }
        self.bare.insist(&replay.done).await?;
        self.bare.time(&plain("rollback")).await?;
        Ok(sum)
    }
}

async fn arrive(
    State(notified): State<Arc<mpsc::UnboundedSender<Request>>>,
    headers: HeaderMap,
) -> StatusCode {
    const NAMES: [&str; 6] = [
        "x-goog-channel-id",
        "x-goog-channel-token",
        "x-goog-message-number",
        "x-goog-resource-id",
        "x-goog-resource-state",
        "x-goog-resource-uri",
    ];
    let value = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let headers: Vec<_> = NAMES
        .into_iter()
        .filter_map(|name| Some((name, value(name)?)))
        .collect();
    // The first message of a channel tells of no change.
    let is_change = headers
        .iter()
        .any(|(name, value)| *name == "x-goog-resource-state" && value == "exists");
    if is_change {
        // Nobody may be waiting.
        let _ = notified.send(Request::notification(headers));
    }
    StatusCode::OK
}

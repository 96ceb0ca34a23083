//! One payload, its function, and all that the function finds around it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use local::bus::{Bus, BusOptions};
use local::emulator::{Emulator, program};
use local::google::{DEFAULT_CALENDAR, Delivery, StandIn};
use local::postgres::TestDatabase;
use serde_json::{Map, Value, json};
use tokio_postgres::{NoTls, Row};

use crate::sam;

/// The appointment that payloads name, and the event that it has at first.
pub(crate) const APPOINTMENT: &str = "0190f0c2-0000-7000-8000-000000000002";
pub(crate) const FIRST_EVENT: &str = "0000000000000000000000000000e001";

/// Books it, as the API does, for half an hour from nine o'clock on in Karachi.
const BOOK: &str = "with calendar as (
        insert into calendars (id) values ('clinic@example.com')
     ), appointment as (
        insert into appointments (id, calendar_id, patient_name, reason, location, starts_at, ends_at, time_zone, source,
            google_calendar_event_id)
        values ('0190f0c2-0000-7000-8000-000000000002', 'clinic@example.com', 'A. Khan', 'Check-up', 'Room 1',
            '2031-03-03T04:00:00Z', '2031-03-03T04:30:00Z', 'Asia/Karachi', 'example', '0000000000000000000000000000e001')
        returning id, version
     ), event as (
        insert into calendar_events (calendar_id, event_id, appointment_id, wanted, wanted_version)
        select 'clinic@example.com', '0000000000000000000000000000e001', id, 'present', version from appointment
     )
     insert into appointment_history (id, appointment_id, version, by, change, fields)
     select gen_random_uuid(), id, version, 'example', 'created', '{}' from appointment";

/// A function's environment.
pub(crate) type Settings = BTreeMap<String, String>;

/// A function that has not been invoked yet, the payload for it, and what it uses.
pub(crate) struct Scene {
    // The function ends before what it is connected to.
    emulator: Emulator,
    payload: Value,
    pub(crate) google: StandIn,
    bus: Bus,
    db: tokio_postgres::Client,
    _database: TestDatabase,
}

impl Scene {
    /// Of the payload `events/FUNCTION/NAME.json`.
    pub(crate) async fn of(payload: &str) -> Self {
        Self::with(payload, async |_| {}).await
    }

    /// The same with settings changed.
    pub(crate) async fn with(payload: &str, change: impl AsyncFnOnce(&mut Settings)) -> Self {
        let (function, _) = payload.split_once('/').unwrap();
        let (database, google) = (TestDatabase::create().await, StandIn::start().await.unwrap());
        // The channels' addresses are invented.
        google.set_delivery(Delivery::Drop);
        // What is told need not get to anybody.
        let bus = Bus::start(BusOptions::for_tests("http://127.0.0.1:1"));
        let bus = bus.await.unwrap();
        let mut settings = settings(function, &database, &google, &bus);
        change(&mut settings).await;
        let (db, connection) = tokio_postgres::connect(&database.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        Self {
            emulator: start(function, settings).await,
            payload: read(payload),
            google,
            bus,
            db,
            _database: database,
        }
    }

    /// The same with the appointment that payloads name, of which Google does not know yet.
    pub(crate) async fn with_appointment(self) -> Self {
        self.sql(BOOK).await;
        self
    }

    /// Hands the payload over; what the function answers.
    pub(crate) async fn invoke(&self) -> Value {
        self.emulator.invoke(&self.payload).await.unwrap()
    }

    /// Hands the payload over as a function URL does; the response that it makes of the answer.
    pub(crate) async fn request(&self) -> Response {
        Response::of(self.invoke().await)
    }

    /// Hands over another payload first.
    pub(crate) async fn after(&self, payload: &str) -> Value {
        self.hand_over(&read(payload)).await
    }

    /// Hands over a payload of the test's own; what the function answers.
    pub(crate) async fn hand_over(&self, payload: &Value) -> Value {
        self.emulator.invoke(payload).await.unwrap()
    }

    /// What was told to the bus, each as its listeners get it, but for its own id and time.
    pub(crate) fn told(&self) -> Vec<Value> {
        let entries = self.bus.entries();
        let told = entries.into_iter().map(|mut entry| entry["event"].take());
        told.map(without_id_and_time).collect()
    }

    /// Checks that listeners were told this, as the payload of `scheduled-sync` has it with these details.
    pub(crate) async fn has_told(&self, payload: &str, details: &[Value]) {
        let events = details.iter().map(|detail| {
            let mut event = without_id_and_time(read(payload));
            event["detail"] = detail.clone();
            event
        });
        let (told, expected): (_, Vec<Value>) = (self.told(), events.collect());
        if told == expected {
            return;
        }
        // On a busy machine, 300 ms may not be enough for the bus. A function that gives a message up says so.
        assert!(
            told.iter().all(|event| expected.contains(event)),
            "{told:?} instead of {expected:?}"
        );
        self.says("the bus did not answer in time").await;
    }

    /// Checks that listeners were told of one change of an appointment.
    pub(crate) async fn has_told_of(&self, id: &str, version: i64, change: &str, origin: &str) {
        let detail = change_of(id, version, change, origin);
        self.has_told("scheduled-sync/appointment-changed", &[detail])
            .await;
    }

    /// Waits until the function has logged these words.
    pub(crate) async fn says(&self, words: &str) {
        assert!(
            self.emulator.says(words).await,
            "the function does not say '{words}'"
        );
    }

    /// The events that Google shows, deleted ones too.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.google.events(DEFAULT_CALENDAR).unwrap()
    }

    pub(crate) async fn sql(&self, statements: &str) {
        self.db.batch_execute(statements).await.unwrap();
    }

    /// The only row of a query.
    pub(crate) async fn row(&self, query: &str) -> Row {
        self.db.query_one(query, &[]).await.unwrap()
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        self.row(&format!("select count(*) from {table}")).await.get(0)
    }
}

impl Drop for Scene {
    #[expect(clippy::print_stderr, reason = "it is what a failed test has to say")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.emulator.log());
        }
    }
}

/// An emulator with a function in it.
async fn start(function: &str, settings: Settings) -> Emulator {
    let binary = Path::new(env!("CARGO_BIN_EXE_local")).with_file_name(function);
    assert!(
        binary.exists(),
        "{} is not built: `make test` builds it",
        binary.display()
    );
    let emulator = Emulator::start(&program().unwrap(), settings).await.unwrap();
    let command = format!("'{}'", binary.display());
    emulator.put(&command, emulator.runtime_api()).unwrap();
    emulator
}

/// What `AppointmentChanged` tells.
pub(crate) fn change_of(id: &str, version: i64, change: &str, origin: &str) -> Value {
    json!({
        "appointment_id": id, "calendar_id": DEFAULT_CALENDAR, "version": version, "change": change, "origin": origin
    })
}

fn without_id_and_time(mut event: Value) -> Value {
    if let Some(event) = event.as_object_mut() {
        event.remove("id");
        event.remove("time");
    }
    event
}

/// The examples of `events/env.example.json` as SAM hands them over, with the addresses of this test and Google's key for it.
fn settings(function: &str, database: &TestDatabase, google: &StandIn, bus: &Bus) -> Settings {
    let mut settings = sam::variables(function);
    let mut addresses = vec![
        ("DATABASE_URL", database.url()),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", bus.url()),
    ];
    if settings.contains_key("GOOGLE_SERVICE_ACCOUNT_JSON") {
        addresses.push(("GOOGLE_SERVICE_ACCOUNT_JSON", google.service_account_json()));
        addresses.push(("GOOGLE_CALENDAR_API_URL", google.base_url()));
    }
    settings.extend(
        addresses
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    settings
}

/// The folder of the payloads.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// A file of `events/`, without its `.json`.
pub(crate) fn read(name: &str) -> Value {
    let file = folder().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap()
}

/// What a function URL makes of an answer.
pub(crate) struct Response {
    pub(crate) status: u64,
    headers: Map<String, Value>,
    /// JSON where it is some, else the text as it is.
    pub(crate) body: Value,
}

impl Response {
    fn of(mut answer: Value) -> Self {
        assert_eq!(answer["isBase64Encoded"], false);
        let Value::Object(headers) = answer["headers"].take() else {
            panic!("no headers: {answer}");
        };
        let text = answer["body"].as_str().unwrap_or_default();
        let response = Self {
            status: answer["statusCode"].as_u64().unwrap(),
            headers,
            body: serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        assert_eq!(response.header("x-request-id").len(), 36, "{answer}");
        assert_eq!(response.header("x-content-type-options"), "nosniff");
        response
    }

    /// A header's value, empty where it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Checks that it is an appointment, of this version.
    #[track_caller]
    pub(crate) fn is_appointment(&self, status: u64, version: i64) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(self.header("etag"), format!("\"{version}\""));
        assert_eq!(self.body["version"], version);
    }

    /// Checks that it is a problem of this code.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u64, code: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["code"], code);
    }
}

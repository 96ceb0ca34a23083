//! A clinic for one test: its own database, its own Google, and short words for what happens in it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use local::google::StandIn;
use local::postgres::TestDatabase;
use serde_json::{Value, json};
use shared::appointment::queries::{self, Booked, Changed};
use shared::appointment::{Appointment, request};
use shared::bus::{Announce, Message};
use shared::database::{Database, DatabaseUrl};
use shared::deadline::Deadline;
use shared::google::{ApiUrl, Client, Quota, ServiceAccount};
use shared::sync::status::{self, CalendarRecord};
use shared::sync::{Occasion, Patience, Pulled, Pushed, Sync, SyncError};
use tokio_postgres::Row;
use uuid::Uuid;

pub(crate) const CALENDAR: &str = "clinic@example.com";

/// What was told on the bus.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<Message>>);

impl Announce for Heard {
    fn announce<'a>(&'a self, messages: &'a [Message]) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        self.0.lock().unwrap().extend_from_slice(messages);
        Box::pin(std::future::ready(()))
    }
}

pub(crate) struct Clinic {
    pub(crate) google: StandIn,
    pub(crate) client: Client,
    pub(crate) db: Database,
    pub(crate) heard: Heard,
    zone: Tz,
    database: TestDatabase,
}

/// So long a run may take.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) fn soon() -> Deadline {
    Deadline::after(LONG)
}

impl Clinic {
    pub(crate) async fn open() -> Self {
        let (database, google) = (TestDatabase::create().await, StandIn::start().await.unwrap());
        let account = ServiceAccount::parse(&google.service_account_json()).unwrap();
        Self {
            client: Client::new(ApiUrl::parse(&google.base_url()).unwrap(), Some(account)),
            db: Database::new(DatabaseUrl::parse(&database.url()).unwrap()),
            google,
            heard: Heard::default(),
            zone: chrono_tz::Asia::Karachi,
            database,
        }
    }

    /// A clinic with one appointment, at nine on 1 March 2027 in Karachi, which Google shows.
    pub(crate) async fn with_one() -> (Self, Appointment) {
        let clinic = Self::open().await;
        let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
        clinic.tick().await;
        (clinic, appointment)
    }

    /// A clinic with so many appointments, one an hour from the first of March 2027 on, which Google shows.
    pub(crate) async fn with(count: u32) -> (Self, Vec<Appointment>) {
        let clinic = Self::open().await;
        let mut appointments = Vec::new();
        for index in 0..count {
            let (day, hour) = (1 + index / 24, index % 24);
            let starts_at = format!("2027-03-{day:02}T{hour:02}:00:00+05:00");
            appointments.push(clinic.book(&starts_at).await);
        }
        clinic.tick().await;
        (clinic, appointments)
    }

    /// From now on it is in this zone, its calendar in Google included.
    pub(crate) fn set_zone(&mut self, zone: Tz) {
        self.google.set_time_zone(CALENDAR, zone);
        self.zone = zone;
    }

    /// From now on Google takes so many calls of all its processes.
    pub(crate) fn set_quota(&mut self, quota: Quota) {
        self.client = self.another_client().with_quota(quota);
    }

    /// Another process's way to Google, with the quota of a service account.
    pub(crate) fn another_client(&self) -> Client {
        let account = ServiceAccount::parse(&self.google.service_account_json()).unwrap();
        Client::new(ApiUrl::parse(&self.google.base_url()).unwrap(), Some(account))
    }

    /// Another process on the same clinic.
    pub(crate) fn another_database(&self) -> Database {
        Database::new(DatabaseUrl::parse(&self.database_url()).unwrap())
    }

    pub(crate) fn database_url(&self) -> String {
        self.database.url()
    }

    pub(crate) fn sync(&self) -> Sync<'_> {
        Sync {
            db: &self.db,
            google: &self.client,
            bus: &self.heard,
            clinic_zone: self.zone,
        }
    }

    pub(crate) async fn push(&self) -> Result<Pushed, SyncError> {
        self.sync().push(CALENDAR, LONG, soon()).await
    }

    pub(crate) async fn push_all(&self) -> Result<Pushed, SyncError> {
        self.sync().push_all(CALENDAR, Duration::ZERO, soon()).await
    }

    pub(crate) async fn pull(&self) -> Result<Pulled, SyncError> {
        self.pull_confirming(false).await
    }

    pub(crate) async fn pull_confirming(&self, confirm_mass_cancel: bool) -> Result<Pulled, SyncError> {
        let pulled = self
            .sync()
            .pull(
                CALENDAR,
                Occasion::Always,
                Patience::Leave,
                confirm_mass_cancel,
                soon(),
            )
            .await?;
        Ok(pulled.expect("nobody else holds the lease"))
    }

    /// What a run does that a notification woke.
    pub(crate) async fn pull_if_notified(&self) -> Result<Option<Pulled>, SyncError> {
        self.sync()
            .pull(CALENDAR, Occasion::Notified, Patience::Leave, false, soon())
            .await
    }

    /// What the 5-minute run does.
    pub(crate) async fn tick(&self) {
        self.push().await.unwrap();
        self.pull().await.unwrap();
        self.push().await.unwrap();
    }

    /// Books an appointment of half an hour, in the future.
    pub(crate) async fn book(&self, starts_at: &str) -> Appointment {
        match self.try_book(starts_at, json!({})).await {
            Booked::Booked(appointment) => *appointment,
            other => panic!("not booked at {starts_at}: {other:?}"),
        }
    }

    pub(crate) async fn try_book(&self, starts_at: &str, more: Value) -> Booked {
        self.try_book_in(CALENDAR, starts_at, more).await
    }

    pub(crate) async fn try_book_in(&self, calendar_id: &str, starts_at: &str, more: Value) -> Booked {
        let mut body = json!({
            "patient_name": "A. Khan", "patient_phone": "+923001234567", "reason": "Check-up",
            "starts_at": starts_at, "allow_past": true
        });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let booking = request::booking(body, Utc::now()).unwrap();
        queries::book(&self.db, soon(), &booking, calendar_id, self.zone, "frontend")
            .await
            .unwrap()
    }

    pub(crate) async fn patch(&self, id: Uuid, body: Value) -> Changed {
        let change = request::patch(body).unwrap();
        queries::change(&self.db, soon(), id, &change, None, "frontend")
            .await
            .unwrap()
    }

    pub(crate) async fn reschedule(&self, id: Uuid, starts_at: &str) -> Appointment {
        let change = request::reschedule(json!({"starts_at": starts_at, "allow_past": true})).unwrap();
        changed(
            queries::change(&self.db, soon(), id, &change, None, "voice_agent")
                .await
                .unwrap(),
        )
    }

    pub(crate) async fn cancel(&self, id: Uuid) -> Appointment {
        let change = request::cancel_without_reason();
        changed(
            queries::change(&self.db, soon(), id, &change, None, "frontend")
                .await
                .unwrap(),
        )
    }

    pub(crate) async fn read(&self, id: Uuid) -> Appointment {
        queries::read(&self.db, soon(), id).await.unwrap().unwrap()
    }

    /// The events that Google shows, without its bin.
    pub(crate) fn live_events(&self) -> Vec<Value> {
        let mut events = self.google.events(CALENDAR).unwrap();
        events.retain(|event| event["status"] != "cancelled");
        events
    }

    /// The one event that Google shows.
    pub(crate) fn only_event(&self) -> Value {
        let mut events = self.live_events();
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }

    pub(crate) fn event(&self, id: &str) -> Value {
        let events = self.google.events(CALENDAR).unwrap();
        events
            .into_iter()
            .find(|event| event["id"] == id)
            .unwrap_or_else(|| panic!("no event {id}"))
    }

    /// A person edits an event.
    pub(crate) fn edit(&self, event_id: &str, patch: &Value) {
        self.google.person().edit(CALENDAR, event_id, patch).unwrap();
    }

    /// A person deletes an event.
    pub(crate) fn delete(&self, event_id: &str) {
        self.google.person().delete(CALENDAR, event_id).unwrap();
    }

    /// A person takes an event out of the bin.
    pub(crate) fn restore(&self, event_id: &str) {
        self.google.person().restore(CALENDAR, event_id).unwrap();
    }

    pub(crate) fn heard(&self) -> Vec<Message> {
        self.heard.0.lock().unwrap().clone()
    }

    /// Runs a statement of the test's own.
    pub(crate) async fn sql(&self, statement: &str) {
        self.db
            .read(soon(), async |client| client.batch_execute(statement).await)
            .await
            .unwrap();
    }

    /// Reads by a query of the test's own.
    pub(crate) async fn rows(&self, query: &str) -> Vec<Row> {
        self.db
            .read(soon(), async |client| client.query_typed(query, &[]).await)
            .await
            .unwrap()
    }

    /// Who changed an appointment, and how, in one word; oldest first.
    pub(crate) async fn history(&self, id: Uuid) -> Vec<(String, String)> {
        let query = format!(
            "select by, change from appointment_history where appointment_id = '{id}' order by version"
        );
        let rows = self.rows(&query).await;
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// What the last change of an appointment changed, as its history says.
    pub(crate) async fn last_change(&self, id: Uuid) -> Value {
        let query = format!(
            "select fields from appointment_history where appointment_id = '{id}' order by version desc limit 1"
        );
        self.rows(&query).await[0].get(0)
    }

    /// How things stand with the calendar, as status tells it.
    pub(crate) async fn status(&self) -> CalendarRecord {
        self.db
            .read(soon(), async |client| status::read(client, CALENDAR).await)
            .await
            .unwrap()
    }
}

/// The appointment as it is after a change.
pub(crate) fn changed(outcome: Changed) -> Appointment {
    match outcome {
        Changed::Changed { appointment, .. } => *appointment,
        other => panic!("not changed: {other:?}"),
    }
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

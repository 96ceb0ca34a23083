//! A clinic for one test: its own database, its own Google, and short words for what happens in it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use local::google::{Fault, StandIn};
use local::postgres::TestDatabase;
use serde_json::{Value, json};
use shared::appointment::queries::{self, Booked, Changed};
use shared::appointment::{Appointment, Status, SyncState, request};
use shared::bus::{Announce, Message};
use shared::database::{Database, DatabaseUrl};
use shared::deadline::Deadline;
use shared::google::{ApiUrl, Client, ServiceAccount};
use shared::sync::status::{self, CalendarRecord};
use shared::sync::{Occasion, Patience, Pulled, Pushed, Sync, SyncError};
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
    database: TestDatabase,
}

pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(30))
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
            database,
        }
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
            clinic_zone: chrono_tz::Asia::Karachi,
        }
    }

    pub(crate) async fn push(&self) -> Result<Pushed, SyncError> {
        self.sync().push(CALENDAR, soon()).await
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
            Booked::SlotTaken => panic!("the slot at {starts_at} is taken"),
        }
    }

    pub(crate) async fn try_book(&self, starts_at: &str, more: Value) -> Booked {
        let mut body = json!({
            "patient_name": "A. Khan", "patient_phone": "+923001234567", "reason": "Check-up",
            "starts_at": starts_at, "allow_past": true
        });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let booking = request::booking(body, Utc::now()).unwrap();
        queries::book(
            &self.db,
            soon(),
            &booking,
            CALENDAR,
            chrono_tz::Asia::Karachi,
            "frontend",
        )
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

    pub(crate) fn event(&self, id: &str) -> Value {
        let events = self.google.events(CALENDAR).unwrap();
        events
            .into_iter()
            .find(|event| event["id"] == id)
            .unwrap_or_else(|| panic!("no event {id}"))
    }

    pub(crate) fn edit(&self, event_id: &str, patch: &Value) {
        self.google.person().edit(CALENDAR, event_id, patch).unwrap();
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

    /// What the last change of an appointment changed, as its history says.
    pub(crate) async fn last_change(&self, id: Uuid) -> Value {
        let read =
            "select fields from appointment_history where appointment_id = $1 order by version desc limit 1";
        let parameters = [(&id as _, tokio_postgres::types::Type::UUID)];
        let rows = self
            .db
            .read(soon(), async |client| client.query_typed(read, &parameters).await)
            .await
            .unwrap();
        rows[0].get("fields")
    }

    /// How things stand with the calendar, as status tells it.
    pub(crate) async fn status(&self) -> CalendarRecord {
        self.db
            .read(soon(), async |client| status::read(client, CALENDAR).await)
            .await
            .unwrap()
    }

    /// Google answers the first page of the next listing, and leaves the second one hanging.
    pub(crate) async fn answer_one_page(&self) {
        let asked = self.google.count("events.list");
        self.google.fail(Fault::on("events.list").after().hang().times(1));
        while self.google.count("events.list") == asked {
            tokio::task::yield_now().await;
        }
        self.google.fail(Fault::on("events.list").hang().times(1));
        self.google.release();
    }

    /// What time does to the claims and leases of runs that died or are frozen.
    pub(crate) async fn let_claims_and_leases_lapse(&self) {
        self.sql(
            "update calendar_events set claimed_until = now() - interval '1 second' where claim is not null;
             update calendars set lease_until = now() - interval '1 second' where lease_owner is not null",
        )
        .await;
    }

    pub(crate) async fn history(&self, id: Uuid) -> Vec<(String, String)> {
        let read = "select by, change from appointment_history where appointment_id = $1 order by version";
        let parameters = [(&id as _, tokio_postgres::types::Type::UUID)];
        let rows = self
            .db
            .read(soon(), async |client| client.query_typed(read, &parameters).await)
            .await
            .unwrap();
        rows.iter()
            .map(|row| (row.get("by"), row.get("change")))
            .collect()
    }

    /// All that stands on either side: rows and events.
    pub(crate) async fn everything(&self) -> Vec<String> {
        const ROWS: &str = "select to_jsonb(a)::text from appointments a
            union all select to_jsonb(e)::text from calendar_events e
            union all select to_jsonb(c)::text from calendars c
            union all select to_jsonb(h)::text from appointment_history h";
        let read = self
            .db
            .read(soon(), async |client| client.query_typed(ROWS, &[]).await);
        let rows = read.await.unwrap();
        let events = self.google.events(CALENDAR).unwrap();
        rows.iter()
            .map(|row| row.get(0))
            .chain(events.iter().map(Value::to_string))
            .collect()
    }

    /// Nothing was written on either side since it had [`everything`](Self::everything) like this.
    pub(crate) async fn check_unchanged(&self, before: &[String], case: &str) {
        let mut now = self.everything().await;
        assert_eq!(now.len(), before.len(), "{case}");
        now.retain(|one| !before.contains(one));
        assert!(now.is_empty(), "{case}: written since: {now:#?}");
    }

    /// Both sides say the same of an appointment: one event shows it, or none if it is cancelled.
    pub(crate) async fn check_agreement(&self, id: Uuid) {
        let appointment = self.read(id).await;
        let mut shown = self.live_events();
        shown.retain(|event| event["extendedProperties"]["private"]["appointment_id"] == id.to_string());
        if appointment.status == Status::Cancelled {
            assert_eq!(shown, Vec::<Value>::new());
            return;
        }
        assert_eq!(shown.len(), 1, "{shown:?}");
        let event = &shown[0];
        assert_eq!(event["id"], appointment.google_calendar_event_id);
        assert_eq!(event["summary"], appointment.title);
        assert_eq!(event["location"].as_str(), appointment.location.as_deref());
        let notes = event["description"].as_str().unwrap();
        let notes = notes.split_once("--- Patient").unwrap().0.trim();
        assert_eq!(notes, appointment.notes.unwrap_or_default());
        let time = |name: &str| at(event[name]["dateTime"].as_str().unwrap());
        assert_eq!(
            (time("start"), time("end")),
            (appointment.starts_at, appointment.ends_at)
        );
    }

    /// What must hold after every run, whatever was done: Google never saw a request that it would refuse as malformed,
    /// nor a write to an existing event without `If-Match`.
    pub(crate) fn check_manners(&self) {
        assert_eq!(self.google.violations(), Vec::<String>::new());
        assert!(self.google.unconditional_writes().is_empty());
    }

    /// How every story ends: nothing is left to do, and what a caller changes later goes out and stays.
    pub(crate) async fn check_callers_go_on(&self, id: Uuid) {
        self.check_at_rest().await;
        let before = self.read(id).await;
        let ward = format!("Ward {}", before.version);
        if before.status == Status::Cancelled {
            changed(self.patch(id, json!({"status": "scheduled"})).await);
        }
        changed(self.patch(id, json!({"location": ward})).await);
        self.tick().await;
        let after = self.read(id).await;
        assert_eq!(after.location.as_ref(), Some(&ward));
        assert_eq!((&after.title, &after.notes), (&before.title, &before.notes));
        assert_eq!(
            (after.starts_at, after.ends_at),
            (before.starts_at, before.ends_at)
        );
        assert_eq!(after.sync_state, SyncState::Synced);
        let event = self.event(&after.google_calendar_event_id);
        if after.status == Status::Scheduled {
            assert_eq!(
                (&event["location"], &event["summary"]),
                (&json!(ward), &json!(after.title))
            );
        }
        self.check_at_rest().await;
    }

    /// In step: another run finds nothing to do, makes one call and changes nothing.
    pub(crate) async fn check_at_rest(&self) {
        self.google.clear_requests();
        let heard = self.heard().len();
        self.tick().await;
        assert_eq!(self.google.requests().len(), 1, "{:?}", self.google.counts());
        assert_eq!(self.heard().len(), heard);
        self.check_manners();
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

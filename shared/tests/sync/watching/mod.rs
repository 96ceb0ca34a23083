//! Watch channels: none lapses, none is forgotten, and what they tell is a hint that is neither needed nor believed unseen.

mod channels;
mod crashes;
mod notifications;

use http::{HeaderMap, HeaderName, HeaderValue};
use local::google::{Delivery, Fault};
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::appointment::Appointment;
use shared::database::Database;
use shared::watch::notification::Notification;
use shared::watch::queries::{self, Noted};
use shared::watch::{Secrets, Watch, WatchError};

use crate::clinic::{CALENDAR, Clinic, soon};

const ADDRESS: &str = "https://hook.example.com/calendar/webhook";
const ELSEWHERE: &str = "https://elsewhere.example.com/calendar/webhook";

fn secrets(texts: &[&str]) -> Secrets {
    let secrets = texts.iter().map(|text| SecretString::from(*text));
    Secrets::new(secrets.collect()).unwrap()
}

fn ours() -> Secrets {
    secrets(&["a-secret-of-sixteen-or-more"])
}

struct Watched {
    clinic: Clinic,
    appointment: Appointment,
}

impl Watched {
    /// A clinic in step, whose calendar is watched; what Google notifies does not arrive by itself.
    async fn open() -> Self {
        let watched = Self::not_yet().await;
        watched.run().await;
        watched
    }

    /// The same before the first channel.
    async fn not_yet() -> Self {
        let (clinic, appointment) = Clinic::with_one().await;
        clinic.google.set_delivery(Delivery::Drop);
        Self { clinic, appointment }
    }

    /// What opens and stops channels, in a process that reaches the database so.
    fn watch<'a>(&'a self, db: &'a Database) -> Watch<'a> {
        Watch {
            db,
            google: &self.clinic.client,
        }
    }

    /// An hourly run that must end well.
    async fn run(&self) {
        self.run_with(Some(ADDRESS), &ours()).await.unwrap();
    }

    async fn run_with(&self, webhook_url: Option<&str>, secrets: &Secrets) -> Result<(), WatchError> {
        let watch = self.watch(&self.clinic.db);
        renew(&watch, webhook_url, secrets).await
    }

    /// Opens a channel, and does this when Google has granted it but its answer is not here yet.
    async fn open_and_meanwhile(&self, meanwhile: impl Future<Output = ()>) -> Result<(), WatchError> {
        let watch = self.watch(&self.clinic.db);
        let secrets = ours();
        let opening = watch.open(CALENDAR, ADDRESS, &secrets, soon());
        let answer = Fault::on("events.watch").after();
        let opened = self.clinic.during(answer, opening, meanwhile).await;
        opened.map(drop)
    }

    /// The channels that are live at Google.
    fn live(&self) -> Vec<String> {
        let channels = self.clinic.google.channels();
        let live = channels.iter().filter(|channel| channel["live"] == true);
        live.map(|channel| text(&channel["id"])).collect()
    }

    /// The one channel that is live at Google, which is the one that we rely on.
    async fn one_live(&self) -> String {
        let live = self.live();
        assert_eq!(live.len(), 1, "{live:?}");
        assert_eq!(self.states("live").await, live);
        live[0].clone()
    }

    /// The channels that are recorded as such.
    async fn states(&self, state: &str) -> Vec<String> {
        let query = format!("select id from watch_channels where state = '{state}' order by id");
        let rows = self.clinic.rows(&query).await;
        rows.iter().map(|row| row.get("id")).collect()
    }

    /// What Google would send to a channel, with the token that it was opened with.
    fn notification(&self, channel_id: &str, number: u32, state: &str) -> Notification {
        let requests = self.clinic.google.requests();
        let opened = requests
            .iter()
            .filter(|request| request.operation == "events.watch");
        let mut bodies = opened.filter_map(|request| request.body.as_ref());
        let opened = bodies.find(|body| body["id"] == channel_id).unwrap();
        let channels = self.clinic.google.channels();
        let channel = channels.iter().find(|channel| channel["id"] == channel_id);
        let headers: HeaderMap = [
            ("x-goog-channel-id", channel_id.to_owned()),
            ("x-goog-channel-token", text(&opened["token"])),
            ("x-goog-resource-id", text(&channel.unwrap()["resource_id"])),
            ("x-goog-resource-state", state.to_owned()),
            ("x-goog-message-number", number.to_string()),
        ]
        .into_iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(&value).unwrap(),
            )
        })
        .collect();
        Notification::verify(&headers, &ours()).unwrap()
    }

    async fn note_at(&self, channel_id: &str, number: u32, state: &str) -> Noted {
        let notification = self.notification(channel_id, number, state);
        let db = &self.clinic.db;
        db.read(soon(), async |client| queries::note(client, &notification).await)
            .await
            .unwrap()
    }

    /// The webhook hears of a change by way of the live channel.
    async fn note(&self, number: u32) -> Noted {
        self.note_at(&self.live()[0], number, "exists").await
    }

    fn edit(&self) {
        let event_id = &self.appointment.google_calendar_event_id;
        self.clinic.edit(event_id, &json!({"location": "Room 2"}));
    }

    async fn check_taken_over(&self) {
        let read = self.clinic.read(self.appointment.id).await;
        assert_eq!(read.location.as_deref(), Some("Room 2"));
    }

    /// As if `hours` had passed since everything that is recorded of channels.
    async fn let_hours_pass(&self, hours: u32) {
        let sql = format!(
            "update watch_channels set created_at = created_at - interval '{hours} hours',
                expires_at = expires_at - interval '{hours} hours';
             update calendars set push_refused_at = push_refused_at - interval '{hours} hours'"
        );
        self.clinic.sql(&sql).await;
        let seconds = u64::from(hours) * 3600;
        self.clinic
            .google
            .advance(std::time::Duration::from_secs(seconds));
    }
}

/// An hourly run.
async fn renew(watch: &Watch<'_>, webhook_url: Option<&str>, secrets: &Secrets) -> Result<(), WatchError> {
    watch.tidy(&[CALENDAR.to_owned()], soon()).await?;
    let kept = watch.keep_alive(CALENDAR, webhook_url, secrets, soon()).await;
    watch.stop_unwanted(None, soon()).await?;
    kept
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

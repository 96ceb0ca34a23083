//! Notifications are hints: none of them is needed, none of them is believed unseen, and their channels never lapse.

use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue};
use local::google::{Delivery, Fault};
use secrecy::SecretString;
use serde_json::json;
use shared::appointment::Appointment;
use shared::sync::{Occasion, Patience, Sync};
use shared::watch::Watch;
use shared::watch::notification::Notification;
use shared::watch::queries::{self, Noted};

use crate::clinic::{CALENDAR, Clinic, soon};

const ADDRESS: &str = "https://hook.example.com/calendar/webhook";

struct Watched {
    clinic: Clinic,
    secrets: [SecretString; 1],
    appointment: Appointment,
}

impl Watched {
    /// A clinic in step, whose calendar is watched; what Google notifies does not arrive by itself.
    async fn open() -> Self {
        let clinic = Clinic::open().await;
        clinic.google.set_delivery(Delivery::Drop);
        let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
        clinic.tick().await;
        let watched = Self {
            clinic,
            secrets: [SecretString::from("a-secret-of-sixteen-or-more")],
            appointment,
        };
        watched.keep_alive().await;
        watched
    }

    async fn keep_alive(&self) {
        let watch = Watch {
            db: &self.clinic.db,
            google: &self.clinic.client,
            secrets: &self.secrets,
        };
        watch.keep_alive(CALENDAR, Some(ADDRESS), soon()).await.unwrap();
    }

    fn live_channels(&self) -> Vec<String> {
        let channels = self.clinic.google.channels();
        let live = channels.iter().filter(|channel| channel["live"] == true);
        live.map(|channel| channel["id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What Google would send with the token that the channel was opened with.
    fn notification(&self, number: u32) -> Notification {
        let channels = self.clinic.google.channels();
        let requests = self.clinic.google.requests();
        let watch = requests
            .iter()
            .rfind(|request| request.operation == "events.watch");
        let opened = watch.unwrap().body.clone().unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let headers: HeaderMap = [
            ("x-goog-channel-id", text(&opened["id"])),
            ("x-goog-channel-token", text(&opened["token"])),
            ("x-goog-resource-id", text(&channels[0]["resource_id"])),
            ("x-goog-resource-state", "exists".to_owned()),
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
        Notification::verify(&headers, &self.secrets).unwrap()
    }

    async fn note(&self, number: u32) -> Noted {
        let notification = self.notification(number);
        let db = &self.clinic.db;
        db.read(soon(), async |client| queries::note(client, &notification).await)
            .await
            .unwrap()
    }

    fn edit(&self) {
        let event_id = &self.appointment.google_calendar_event_id;
        self.clinic.edit(event_id, &json!({"location": "Room 2"}));
    }

    async fn check_taken_over(&self) {
        let read = self.clinic.read(self.appointment.id).await;
        assert_eq!(read.location.as_deref(), Some("Room 2"));
    }
}

#[tokio::test]
async fn with_every_notification_dropped_the_5_minute_run_finds_the_change() {
    let watched = Watched::open().await;
    watched.edit();
    watched.clinic.tick().await;
    watched.check_taken_over().await;
}

#[tokio::test]
async fn a_notification_that_comes_twice_or_late_changes_nothing() {
    let watched = Watched::open().await;
    let calendar_id = CALENDAR.to_owned();
    assert_eq!(watched.note(7).await, Noted::Changed { calendar_id });
    for old in [7, 3] {
        assert_eq!(watched.note(old).await, Noted::Nothing);
    }
    let clinic = &watched.clinic;
    assert!(clinic.pull_if_notified().await.unwrap().is_some());
    assert_eq!(clinic.pull_if_notified().await.unwrap(), None);
}

#[tokio::test]
async fn a_burst_of_notifications_costs_two_pulls_and_loses_no_change() {
    let watched = Watched::open().await;
    let clinic = &watched.clinic;
    let dbs = [clinic.another_database(), clinic.another_database()];
    let pull = async |process: usize| {
        let db = &dbs[process % dbs.len()];
        let sync = Sync { db, ..clinic.sync() };
        sync.pull(CALENDAR, Occasion::Notified, Patience::Leave, false, soon())
            .await
            .unwrap();
    };
    let before = clinic.google.count("events.list");
    let began = Instant::now();
    let burst = async {
        for number in 1..=100 {
            if number == 90 {
                watched.edit();
            }
            watched.note(number).await;
        }
    };
    // Each notification wakes a run; one is pulling all the time.
    let runs = async {
        for process in 0..100 {
            pull(process).await;
        }
    };
    tokio::join!(burst, runs);
    pull(0).await;
    watched.check_taken_over().await;
    // One at once, one after a second, and one for each second that the burst took longer.
    let most = 2 + usize::try_from(began.elapsed().as_secs()).unwrap();
    let lists = clinic.google.count("events.list") - before;
    assert!(lists <= most, "{lists} pulls");
}

#[tokio::test]
async fn a_burst_of_notifications_costs_no_more_pulls_while_google_fails() {
    let watched = Watched::open().await;
    let clinic = &watched.clinic;
    clinic
        .google
        .fail(Fault::on("events.list").refuse(400, "invalid"));
    let before = clinic.google.count("events.list");
    let began = Instant::now();
    for number in 1..=4 {
        watched.note(number).await;
        assert!(clinic.pull_if_notified().await.is_err());
    }
    let most = 2 + usize::try_from(began.elapsed().as_secs()).unwrap();
    let lists = clinic.google.count("events.list") - before;
    assert!(lists <= most, "{lists} pulls");
    clinic.google.heal();
    watched.edit();
    clinic.tick().await;
    watched.check_taken_over().await;
}

#[tokio::test]
async fn a_channel_is_replaced_before_it_ends_and_at_no_time_is_there_none() {
    let watched = Watched::open().await;
    let clinic = &watched.clinic;
    let first = watched.live_channels();
    assert_eq!(first.len(), 1);
    watched.keep_alive().await;
    assert_eq!(watched.live_channels(), first, "it has life left");
    // Most of its life has passed.
    clinic
        .sql("update watch_channels set created_at = now() - interval '6 days', expires_at = now() + interval '1 day'")
        .await;
    clinic.google.clear_requests();
    watched.keep_alive().await;
    let order: Vec<_> = clinic
        .google
        .requests()
        .into_iter()
        .map(|request| request.operation)
        .collect();
    assert_eq!(order, ["events.watch", "channels.stop"]);
    let second = watched.live_channels();
    assert_eq!(second.len(), 1);
    assert_ne!(second, first);
}

//! What must hold of a clinic, whatever was done to it.

use serde_json::{Value, json};
use shared::appointment::{Status, SyncState};
use uuid::Uuid;

use crate::clinic::{CALENDAR, Clinic, at, changed};

impl Clinic {
    /// All that stands on either side: rows and events.
    pub(crate) async fn everything(&self) -> Vec<String> {
        const ROWS: &str = "select to_jsonb(a)::text from appointments a
            union all select to_jsonb(e)::text from calendar_events e
            union all select to_jsonb(c)::text from calendars c
            union all select to_jsonb(h)::text from appointment_history h
             union all select to_jsonb(k)::text from idempotency_keys k
             union all select to_jsonb(b)::text from busy_events b";
        let rows = self.rows(ROWS).await;
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
            // A person's copy of its event may lie there.
            let reopened = json!({"status": "scheduled", "allow_busy": true});
            changed(self.patch(id, reopened).await);
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

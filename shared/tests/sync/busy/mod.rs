//! People's own events: when they keep the calendar busy, and what is kept of them.

mod kept;
mod series;
mod single;

use serde_json::{Value, json};
use shared::availability::{Span, queries};

use crate::clinic::{CALENDAR, Clinic, at, soon};

impl Clinic {
    /// A person adds an event of their own; answers its id.
    pub(crate) fn own(&self, event: &Value) -> String {
        let event = self.google.person().add(CALENDAR, event).unwrap();
        event["id"].as_str().unwrap().to_owned()
    }

    /// What is taken in 2027, in the clinic's time.
    pub(crate) async fn taken(&self) -> Vec<String> {
        let year = Span {
            from: at("2027-01-01T00:00:00Z"),
            until: at("2028-01-01T00:00:00Z"),
        };
        let mut taken = self
            .db
            .read(soon(), async |client| {
                queries::taken(client, CALENDAR, year).await
            })
            .await
            .unwrap();
        taken.sort_unstable();
        let local = |span: &Span| {
            let [from, until] = [span.from, span.until].map(|at| at.with_timezone(&self.sync().clinic_zone));
            format!(
                "{} to {}",
                from.format("%m-%d %H:%M"),
                until.format("%m-%d %H:%M")
            )
        };
        taken.iter().map(local).collect()
    }

    /// What is taken after a pull; one more pull finds nothing to do.
    pub(crate) async fn taken_once_pulled(&self) -> Vec<String> {
        self.pull().await.unwrap();
        self.check_pull_writes_nothing().await;
        self.taken().await
    }

    /// A pull that writes no row but the calendar's own record.
    pub(crate) async fn check_pull_writes_nothing(&self) {
        let rows = "select xmin::text || ctid::text || event_id from busy_events order by event_id";
        let read = async || {
            let rows = self.rows(rows).await;
            rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
        };
        let before = read().await;
        self.pull().await.unwrap();
        assert_eq!(read().await, before);
    }
}

/// An event of a person's own, in Karachi.
fn event(start: &str, end: &str) -> Value {
    event_in("Asia/Karachi", start, end)
}

fn event_in(zone: &str, start: &str, end: &str) -> Value {
    let time = |at: &str| json!({"dateTime": at, "timeZone": zone});
    json!({"summary": "Lunch", "start": time(start), "end": time(end)})
}

/// An event that covers whole days, the last one excluded.
fn days(first: &str, end: &str) -> Value {
    json!({"summary": "Congress", "start": {"date": first}, "end": {"date": end}})
}

fn with(mut event: Value, name: &str, value: Value) -> Value {
    event[name] = value;
    event
}

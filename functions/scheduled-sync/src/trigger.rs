//! Why this function was invoked, read from the event at the edge; pure.

use serde_json::Value;
use shared::bus::{Message, Origin, SOURCE};

/// What an invocation is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// The 5-minute rule, or anything that we do not know: look at everything. Doing too much is harmless.
    Everything,
    /// Google said that a calendar changed.
    CalendarChanged {
        /// Which.
        calendar_id: String,
    },
    /// A caller changed an appointment.
    AppointmentChanged {
        /// In which calendar.
        calendar_id: String,
    },
    /// Our own word of a person's change: nothing to do.
    Nothing,
}

impl Trigger {
    /// Reads an EventBridge event.
    pub(crate) fn of(event: &Value) -> Self {
        if event.get("source").and_then(Value::as_str) != Some(SOURCE) {
            return Self::Everything;
        }
        let detail = event.get("detail").cloned().unwrap_or_default();
        match serde_json::from_value(detail) {
            Ok(Message::CalendarChanged { calendar_id, .. }) => Self::CalendarChanged { calendar_id },
            Ok(Message::AppointmentChanged {
                origin: Origin::Api,
                calendar_id,
                ..
            }) => Self::AppointmentChanged { calendar_id },
            Ok(Message::AppointmentChanged {
                origin: Origin::GoogleCalendar,
                ..
            }) => Self::Nothing,
            Err(_) => Self::Everything,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_event_is_read_for_what_it_asks() {
        let ours = |detail| Trigger::of(&json!({"source": "appointment-sync", "detail": detail}));
        let calendar_id = "clinic@example.com".to_owned();
        assert_eq!(
            ours(json!({"calendar_id": calendar_id, "channel_id": "c", "message_number": 3})),
            Trigger::CalendarChanged {
                calendar_id: calendar_id.clone()
            }
        );
        let appointment = |origin| {
            json!({
                "appointment_id": "0190f0c2-0000-7000-8000-000000000000", "calendar_id": "clinic@example.com",
                "version": 1, "change": "created", "origin": origin
            })
        };
        assert_eq!(
            ours(appointment("api")),
            Trigger::AppointmentChanged { calendar_id }
        );
        assert_eq!(ours(appointment("google_calendar")), Trigger::Nothing);
        assert_eq!(ours(json!({"odd": true})), Trigger::Everything);
        let rule = json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}});
        assert_eq!(Trigger::of(&rule), Trigger::Everything);
        assert_eq!(Trigger::of(&json!({})), Trigger::Everything);
    }
}

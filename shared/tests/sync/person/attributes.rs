//! What an appointment does not know of its event, it does not touch: guests, status, colour, reminders and the like.

use serde_json::{Value, json};

use crate::clinic::Clinic;

#[tokio::test]
async fn what_the_appointment_does_not_know_stays_through_a_callers_change() {
    for (field, value) in [
        ("status", json!("tentative")),
        ("transparency", json!("transparent")),
        ("visibility", json!("private")),
        ("colorId", json!("5")),
        (
            "reminders",
            json!({"useDefault": false, "overrides": [{"method": "popup", "minutes": 5}]}),
        ),
        (
            "attendees",
            json!([{"email": "dr.ali@example.com", "responseStatus": "needsAction"}]),
        ),
        (
            "extendedProperties",
            json!({"private": {"appointment_id": null, "own": "1"}, "shared": {"x": "y"}}),
        ),
    ] {
        let (clinic, appointment) = Clinic::with_one().await;
        let event_id = &appointment.google_calendar_event_id;
        clinic.edit(event_id, &json!({field: value}));
        let set: Value = clinic.event(event_id)[field].clone();
        let pulled = clinic.pull().await.unwrap();
        assert_eq!((pulled.updated, pulled.cancelled), (0, 0), "{field}");
        assert_eq!(clinic.read(appointment.id).await.version, 1, "{field}");
        clinic.check_callers_go_on(appointment.id).await;
        assert_eq!(clinic.event(event_id)[field], set, "{field}");
    }
}

//! Who changed what, and when.

use serde_json::{Value, json};

use super::{Answer, Api, booking};

/// The answer's items, without what differs from test to test: each `at`, which must be a time in UTC, and event ids.
fn items(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut items = answer.body["items"].as_array().unwrap().clone();
    for item in &mut items {
        let at = item["at"].take();
        assert!(at.as_str().unwrap().ends_with('Z'), "{at}");
        item["fields"]
            .as_object_mut()
            .unwrap()
            .remove("google_calendar_event_id");
    }
    items
}

#[tokio::test]
async fn the_history_tells_who_changed_what() {
    let api = Api::open().await;
    let booked = api.book("2027-03-01T09:00:00+05:00").await;
    let path = format!("/appointments/{}", booked["id"].as_str().unwrap());
    api.call(
        "PATCH",
        &path,
        Some(json!({"notes": "bring the x-ray", "duration_minutes": 45})),
    )
    .await;
    api.post(
        &format!("{path}/reschedule"),
        json!({"starts_at": "2027-03-02T10:00:00Z"}),
    )
    .await;
    api.post("/calendar/full-sync", json!({})).await;
    let shown = api.get(&path).await.body;
    let event_id = shown["google_calendar_event_id"].as_str().unwrap();
    let person = api.google.person();
    person
        .edit("clinic@example.com", event_id, &json!({"location": "Room 2"}))
        .unwrap();
    api.post("/calendar/sync", json!({})).await;
    api.post(&format!("{path}/cancel"), json!({"reason": "ill"}))
        .await;

    let expected = json!([
        {"version": 1, "at": null, "by": "frontend", "change": "created", "fields": {
            "calendar_id": {"from": null, "to": "clinic@example.com"},
            "patient_name": {"from": null, "to": "A. Khan"},
            "patient_phone": {"from": null, "to": "+92 300 1234567"},
            "title": {"from": null, "to": "Check-up: A. Khan"},
            "reason": {"from": null, "to": "Check-up"},
            "starts_at": {"from": null, "to": "2027-03-01T09:00:00+05:00"},
            "ends_at": {"from": null, "to": "2027-03-01T09:30:00+05:00"},
            "time_zone": {"from": null, "to": "Asia/Karachi"},
            "status": {"from": null, "to": "scheduled"},
        }},
        {"version": 2, "at": null, "by": "frontend", "change": "updated", "fields": {
            "notes": {"from": null, "to": "bring the x-ray"},
            "ends_at": {"from": "2027-03-01T09:30:00+05:00", "to": "2027-03-01T09:45:00+05:00"},
        }},
        {"version": 3, "at": null, "by": "frontend", "change": "rescheduled", "fields": {
            "starts_at": {"from": "2027-03-01T09:00:00+05:00", "to": "2027-03-02T15:00:00+05:00"},
            "ends_at": {"from": "2027-03-01T09:45:00+05:00", "to": "2027-03-02T15:45:00+05:00"},
        }},
        {"version": 4, "at": null, "by": "google_calendar", "change": "updated", "fields": {
            "location": {"from": null, "to": "Room 2"},
        }},
        {"version": 5, "at": null, "by": "frontend", "change": "cancelled", "fields": {
            "status": {"from": "scheduled", "to": "cancelled"},
            "cancellation_reason": {"from": null, "to": "ill"},
        }},
    ]);
    assert_eq!(
        Value::from(items(&api.get(&format!("{path}/history")).await)),
        expected
    );
}

#[tokio::test]
async fn a_long_history_ends_with_the_last_change_and_is_read_on_backwards() {
    let api = Api::open().await;
    let booked = api.post("/appointments", booking("2027-03-01T09:00:00Z")).await;
    let id = booked.body["id"].as_str().unwrap();
    api.sql(&format!(
        "insert into appointment_history (id, appointment_id, version, by, change, fields)
         select gen_random_uuid(), '{id}', version, 'frontend', 'updated', '{{}}' from generate_series(2, 102) version"
    ))
    .await;
    let history = format!("/appointments/{id}/history");
    let versions = async |query: &str| {
        let answer = api.get(&format!("{history}{query}")).await;
        let versions: Vec<_> = items(&answer)
            .iter()
            .map(|item| item["version"].as_i64().unwrap())
            .collect();
        versions
    };
    assert_eq!(versions("").await, (3..=102).collect::<Vec<_>>());
    assert_eq!(versions("?before=3").await, [1, 2]);
    assert_eq!(versions("?before=1").await, Vec::<i64>::new());
    for wrong in ["before=0", "before=x", "after=1"] {
        let answer = api.get(&format!("{history}?{wrong}")).await;
        answer.is_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn what_was_never_booked_has_no_history() {
    let api = Api::open().await;
    for id in ["0190f0c2-0000-7000-8000-000000000000", "x"] {
        let answer = api.get(&format!("/appointments/{id}/history")).await;
        answer.is_problem(404, "not_found");
    }
}

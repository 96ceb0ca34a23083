//! Slots: what a caller may book next.

use serde_json::{Value, json};

use super::{Answer, Api, booking};

const DAY: &str = "from=2027-03-01T00:00:00%2B05:00&to=2027-03-02T00:00:00%2B05:00";

async fn starts(api: &Api, query: &str) -> Vec<String> {
    let answer = api.get(&format!("/availability?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    slots(&answer)
        .iter()
        .map(|slot| slot["starts_at"].as_str().unwrap().to_owned())
        .collect()
}

fn slots(answer: &Answer) -> &Vec<Value> {
    answer.body["slots"].as_array().unwrap()
}

#[tokio::test]
async fn slots_are_told_on_the_wall_clock_of_the_clinic() {
    let api = Api::with(&[("WORKING_HOURS", "mon 09:00-10:00")]).await;
    let answer = api.get(&format!("/availability?{DAY}&step_minutes=30")).await;
    let expected = json!({"slots": [
        {"starts_at": "2027-03-01T09:00:00+05:00", "ends_at": "2027-03-01T09:30:00+05:00"},
        {"starts_at": "2027-03-01T09:30:00+05:00", "ends_at": "2027-03-01T10:00:00+05:00"},
    ]});
    assert_eq!((answer.status.as_u16(), answer.body), (200, expected));
}

#[tokio::test]
async fn without_a_setting_the_clinic_is_open_from_nine_to_five_on_weekdays() {
    let api = Api::open().await;
    let week = "from=2027-03-01T00:00:00Z&to=2027-03-08T00:00:00Z&duration_minutes=480";
    let days: Vec<_> = (1..=5)
        .map(|day| format!("2027-03-0{day}T09:00:00+05:00"))
        .collect();
    assert_eq!(starts(&api, week).await, days);
}

#[tokio::test]
async fn a_slot_is_offered_while_it_can_be_booked() {
    let api = Api::with(&[("WORKING_HOURS", "mon 09:00-11:00")]).await;
    let half_hours = format!("{DAY}&step_minutes=30");
    assert_eq!(starts(&api, &half_hours).await.len(), 4);
    let booked = api.book("2027-03-01T09:30:00+05:00").await;
    let left = starts(&api, &half_hours).await;
    let free = ["09:00", "10:00", "10:30"].map(|at| format!("2027-03-01T{at}:00+05:00"));
    assert_eq!(left, free);
    assert_eq!(
        starts(&api, &format!("{half_hours}&duration_minutes=45")).await,
        ["2027-03-01T10:00:00+05:00"]
    );
    assert_eq!(
        starts(&api, &format!("{half_hours}&calendar_id=dr.ali@example.com"))
            .await
            .len(),
        4,
        "another doctor's"
    );
    for slot in left {
        api.book(&slot).await;
    }
    assert!(starts(&api, &half_hours).await.is_empty());
    let path = format!("/appointments/{}", booked["id"].as_str().unwrap());
    assert_eq!(api.call("DELETE", &path, None).await.status, 204);
    assert_eq!(starts(&api, &half_hours).await, ["2027-03-01T09:30:00+05:00"]);
}

#[tokio::test]
async fn what_a_person_placed_is_taken_too_also_where_it_reaches_into_the_window() {
    let api = Api::with(&[("WORKING_HOURS", "mon 00:00-02:00")]).await;
    let booked = api.book("2027-03-01T15:00:00+05:00").await;
    assert_eq!(api.post("/calendar/full-sync", json!({})).await.status, 200);
    let times = json!({
        "start": {"dateTime": "2027-02-28T22:00:00+05:00", "timeZone": "Asia/Karachi"},
        "end": {"dateTime": "2027-03-01T00:40:00+05:00", "timeZone": "Asia/Karachi"},
    });
    let event_id = booked["google_calendar_event_id"].as_str().unwrap();
    api.google
        .person()
        .edit("clinic@example.com", event_id, &times)
        .unwrap();
    assert_eq!(api.post("/calendar/sync", json!({})).await.body["updated"], 1);
    let free = ["00:45", "01:00", "01:15", "01:30"].map(|at| format!("2027-03-01T{at}:00+05:00"));
    assert_eq!(starts(&api, DAY).await, free);
}

#[tokio::test]
async fn nothing_is_offered_in_the_past() {
    let api = Api::with(&[("WORKING_HOURS", "mon-sun 00:00-24:00")]).await;
    let past = "from=2020-03-01T00:00:00Z&to=2020-03-02T00:00:00Z";
    assert!(starts(&api, past).await.is_empty());
    let now = chrono::Utc::now();
    let (from, to) = (now - chrono::TimeDelta::days(1), now + chrono::TimeDelta::days(1));
    let query = format!(
        "from={}&to={}",
        from.format("%Y-%m-%dT%H:%M:%SZ"),
        to.format("%Y-%m-%dT%H:%M:%SZ")
    );
    let first = starts(&api, &query).await.remove(0);
    assert!(
        chrono::DateTime::parse_from_rfc3339(&first).unwrap() >= now,
        "{first}"
    );
}

#[tokio::test]
async fn a_search_that_cannot_be_is_told_why() {
    let api = Api::open().await;
    for (query, pointers) in [
        ("", vec!["/from", "/to"]),
        ("from=soon&to=later", vec!["/from", "/to"]),
        ("from=2027-03-01T00:00:00Z&to=2027-03-01T00:00:00Z", vec!["/to"]),
        ("from=2027-03-01T00:00:00Z&to=2027-06-02T00:00:00Z", vec!["/to"]),
    ] {
        let answer = api.get(&format!("/availability?{query}")).await;
        assert_eq!(
            answer.is_problem(422, "validation_failed").pointers(),
            pointers,
            "{query}"
        );
    }
    for (parameter, pointer) in [
        ("duration_minutes=0", "/duration_minutes"),
        ("step_minutes=1", "/step_minutes"),
        ("calendar_id=nobody@example.com", "/calendar_id"),
        ("surprise=1", "/surprise"),
    ] {
        let answer = api.get(&format!("/availability?{DAY}&{parameter}")).await;
        assert_eq!(
            answer.is_problem(422, "validation_failed").pointers(),
            [pointer],
            "{parameter}"
        );
    }
}

/// A clinic open for two hours on 1 March, half past nine to half past ten of which is a person's own.
async fn with_a_busy_hour() -> Api {
    let api = Api::with(&[("WORKING_HOURS", "mon 09:00-11:00")]).await;
    let time =
        |at: &str| json!({"dateTime": format!("2027-03-01T{at}:00+05:00"), "timeZone": "Asia/Karachi"});
    let event = json!({
        "summary": "Secretive", "start": time("09:30"), "end": time("10:30"), "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]
    });
    api.google.person().add("clinic@example.com", &event).unwrap();
    assert_eq!(api.post("/calendar/sync", json!({})).await.status, 200);
    api
}

#[tokio::test]
async fn a_persons_own_events_leave_no_slot_one_by_one_or_recurring() {
    let api = with_a_busy_hour().await;
    for (first, last) in [("2027-03-01", "2027-03-02"), ("2027-03-08", "2027-03-09")] {
        let day = format!("from={first}T00:00:00Z&to={last}T00:00:00Z&step_minutes=30");
        let free = ["09:00", "10:30"].map(|at| format!("{first}T{at}:00+05:00"));
        assert_eq!(starts(&api, &day).await, free);
    }
    let other = format!("{DAY}&calendar_id=dr.ali@example.com&step_minutes=30");
    assert_eq!(starts(&api, &other).await.len(), 4, "another doctor's");
}

#[tokio::test]
async fn what_is_taken_by_a_persons_own_event_is_told_from_an_appointment_and_not_what_it_is() {
    let api = with_a_busy_hour().await;
    let slot = "2027-03-01T10:00:00+05:00";
    let refused = api.post("/appointments", booking(slot)).await;
    refused.is_problem(409, "slot_taken");
    let by_event = refused.body["detail"].as_str().unwrap();
    assert!(
        by_event.contains("allow_busy") && !by_event.contains("Secretive"),
        "{by_event}"
    );

    let elsewhere = api.book("2027-03-01T12:00:00+05:00").await;
    let path = format!("/appointments/{}", elsewhere["id"].as_str().unwrap());
    for (method, path) in [("PATCH", path.clone()), ("POST", format!("{path}/reschedule"))] {
        let onto = json!({"starts_at": slot, "duration_minutes": 30});
        let refused = api.call(method, &path, Some(onto)).await;
        refused.is_problem(409, "slot_taken");
        assert_eq!(refused.body["detail"], by_event);
    }

    let mut allowed = booking(slot);
    allowed["allow_busy"] = json!(true);
    assert_eq!(api.post("/appointments", allowed.clone()).await.status, 201);
    let refused = api.post("/appointments", allowed).await;
    refused.is_problem(409, "slot_taken");
    assert_ne!(refused.body["detail"], by_event, "an appointment has it now");
    for (method, path, at) in [
        ("PATCH", path.clone(), "09:30"),
        ("POST", format!("{path}/reschedule"), "08:45"),
    ] {
        let onto = json!({"starts_at": format!("2027-03-01T{at}:00+05:00"), "duration_minutes": 30, "allow_busy": true});
        assert_eq!(api.call(method, &path, Some(onto)).await.status, 200, "{method}");
    }
}

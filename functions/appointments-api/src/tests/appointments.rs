//! Booking, reading, listing, changing: what a frontend does all day.

use serde_json::{Value, json};

use super::{Api, booking};

#[tokio::test]
async fn an_appointment_looks_as_the_contract_says() {
    let api = Api::open().await;
    let answer = api.post("/appointments", booking("2027-03-01T04:00:00Z")).await;
    assert_eq!(answer.status, 201);
    let id = answer.body["id"].as_str().unwrap();
    assert_eq!(answer.headers["location"], format!("/appointments/{id}"));
    assert_eq!(answer.headers["etag"], "\"1\"");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let mut shown = answer.body.clone();
    for varying in ["id", "google_calendar_event_id", "created_at", "updated_at"] {
        assert!(shown[varying].take().is_string(), "{varying}");
    }
    let expected = json!({
        "id": null, "calendar_id": "clinic@example.com",
        "patient_name": "A. Khan", "patient_phone": "+92 300 1234567", "patient_email": null,
        "title": "Check-up: A. Khan", "reason": "Check-up", "notes": null, "location": null,
        "starts_at": "2027-03-01T09:00:00+05:00", "ends_at": "2027-03-01T09:30:00+05:00",
        "time_zone": "Asia/Karachi", "status": "scheduled", "source": "frontend", "version": 1,
        "google_calendar_event_id": null,
        "calendar_sync": {"state": "pending", "synced_at": null, "last_error": null},
        "created_at": null, "updated_at": null, "cancelled_at": null
    });
    assert_eq!(shown, expected);
    let read = api.get(&format!("/appointments/{id}")).await;
    assert_eq!((read.status.as_u16(), &read.body), (200, &answer.body));
    assert_eq!(read.headers["etag"], "\"1\"");
}

#[tokio::test]
async fn a_taken_slot_is_refused_in_one_calendar_and_free_in_another() {
    let api = Api::open().await;
    api.book("2027-03-01T09:00:00Z").await;
    api.post("/appointments", booking("2027-03-01T09:15:00Z"))
        .await
        .is_problem(409, "slot_taken");
    let mut other = booking("2027-03-01T09:15:00Z");
    other["calendar_id"] = json!("dr.ali@example.com");
    assert_eq!(api.post("/appointments", other).await.status, 201);
    let mut unknown = booking("2027-03-01T09:15:00Z");
    unknown["calendar_id"] = json!("nobody@example.com");
    let answer = api.post("/appointments", unknown).await;
    assert_eq!(
        answer.is_problem(422, "validation_failed").pointers(),
        ["/calendar_id"]
    );
}

#[tokio::test]
async fn a_patch_changes_what_it_names_under_if_match() {
    let api = Api::open().await;
    let booked = api.book("2027-03-01T09:00:00Z").await;
    let path = format!("/appointments/{}", booked["id"].as_str().unwrap());
    let stale = api
        .call_with(
            "PATCH",
            &path,
            Some(json!({"notes": "x"})),
            &[("if-match", "\"7\"")],
        )
        .await;
    stale.is_problem(412, "version_conflict");
    for (if_match, version) in [("\"1\"", 2), ("*", 3), ("\"9\", \"3\"", 4)] {
        let body = json!({"notes": format!("note {version}"), "reason": null});
        let patched = api
            .call_with("PATCH", &path, Some(body), &[("if-match", if_match)])
            .await;
        assert_eq!(patched.body["version"], version, "{}", patched.body);
        assert_eq!(patched.headers["etag"], format!("\"{version}\""));
        assert_eq!(patched.body["title"], "A. Khan");
        assert_eq!(
            patched.body["google_calendar_event_id"],
            booked["google_calendar_event_id"]
        );
    }
    // The same again changes nothing.
    let same = api.call("PATCH", &path, Some(json!({"notes": "note 4"}))).await;
    assert_eq!((same.status.as_u16(), &same.body["version"]), (200, &json!(4)));
    for weak in ["W/\"4\"", "4", "\"04\"", "\"+4\"", "\"x\"", ""] {
        let answer = api
            .call_with("PATCH", &path, Some(json!({"notes": "x"})), &[("if-match", weak)])
            .await;
        answer.is_problem(412, "version_conflict");
    }
}

#[tokio::test]
async fn times_are_judged_against_the_row_they_change() {
    let api = Api::open().await;
    let booked = api.book("2027-03-01T09:00:00Z").await;
    api.book("2027-03-01T10:00:00Z").await;
    let path = format!("/appointments/{}", booked["id"].as_str().unwrap());
    for (patch, status, pointer) in [
        (json!({"ends_at": "2027-03-01T09:00:00Z"}), 422, "/ends_at"),
        (json!({"starts_at": "2027-03-01T09:30:00Z"}), 422, "/ends_at"),
        (json!({"ends_at": "2027-03-03T09:00:00Z"}), 422, "/ends_at"),
        (
            json!({"starts_at": "2020-03-01T09:00:00Z", "duration_minutes": 30}),
            422,
            "/starts_at",
        ),
        (json!({"ends_at": "2027-03-01T10:15:00Z"}), 409, ""),
    ] {
        let answer = api.call("PATCH", &path, Some(patch.clone())).await;
        assert_eq!(answer.status.as_u16(), status, "{patch}: {}", answer.body);
        if status == 422 {
            assert_eq!(answer.pointers(), [pointer], "{patch}");
        }
    }
    let past = json!({"starts_at": "2020-03-01T09:00:00Z", "duration_minutes": 30, "allow_past": true});
    assert_eq!(api.call("PATCH", &path, Some(past)).await.status, 200);
    // It lies in the past now; a change that does not move it there asks for no permission.
    assert_eq!(
        api.call("PATCH", &path, Some(json!({"status": "no_show"})))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_reschedule_keeps_the_length_and_takes_a_new_event() {
    let api = Api::open().await;
    let booked = api.book("2027-03-01T09:00:00Z").await;
    let path = format!("/appointments/{}/reschedule", booked["id"].as_str().unwrap());
    let moved = api
        .post(&path, json!({"starts_at": "2027-03-02T15:00:00+05:00"}))
        .await;
    assert_eq!(moved.status, 200, "{}", moved.body);
    assert_eq!(moved.body["ends_at"], "2027-03-02T15:30:00+05:00");
    assert_ne!(
        moved.body["google_calendar_event_id"],
        booked["google_calendar_event_id"]
    );
    assert_eq!(
        api.post(&path, json!({}))
            .await
            .is_problem(422, "validation_failed")
            .pointers(),
        ["/starts_at"]
    );
}

#[tokio::test]
async fn a_cancellation_is_final_until_it_is_taken_back() {
    let api = Api::open().await;
    let booked = api.book("2027-03-01T09:00:00Z").await;
    let path = format!("/appointments/{}", booked["id"].as_str().unwrap());
    let cancelled = api
        .post(&format!("{path}/cancel"), json!({"reason": "ill"}))
        .await;
    assert_eq!(
        (cancelled.status.as_u16(), &cancelled.body["status"]),
        (200, &json!("cancelled"))
    );
    assert!(cancelled.body["cancelled_at"].is_string());
    let again = api.call("POST", &format!("{path}/cancel"), None).await;
    assert_eq!(
        (again.status.as_u16(), &again.body["version"]),
        (200, &cancelled.body["version"])
    );
    assert_eq!(api.call("DELETE", &path, None).await.status, 204);
    let reschedule = api
        .post(
            &format!("{path}/reschedule"),
            json!({"starts_at": "2027-03-02T09:00:00Z"}),
        )
        .await;
    reschedule.is_problem(409, "appointment_cancelled");
    let completed = api
        .call("PATCH", &path, Some(json!({"status": "completed"})))
        .await;
    completed.is_problem(409, "appointment_cancelled");

    api.book("2027-03-01T09:00:00Z").await;
    let back = json!({"status": "scheduled"});
    api.call("PATCH", &path, Some(back))
        .await
        .is_problem(409, "slot_taken");
    let back = json!({"status": "scheduled", "starts_at": "2027-03-01T11:00:00Z", "duration_minutes": 30});
    let back = api.call("PATCH", &path, Some(back)).await;
    assert_eq!(
        (back.status.as_u16(), &back.body["cancelled_at"]),
        (200, &Value::Null),
        "{}",
        back.body
    );
}

#[tokio::test]
async fn a_list_is_paged_filtered_and_ordered() {
    let api = Api::open().await;
    for hour in [13, 9, 11, 10, 12] {
        api.book(&format!("2027-03-01T{hour:02}:00:00Z")).await;
    }
    let mut starts = Vec::new();
    let mut path = "/appointments?limit=2".to_owned();
    loop {
        let page = api.get(&path).await;
        starts.extend(
            page.body["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["starts_at"].clone()),
        );
        match page.body["next_cursor"].as_str() {
            Some(cursor) => path = format!("/appointments?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    let expected: Vec<_> = (14..19)
        .map(|hour| json!(format!("2027-03-01T{hour}:00:00+05:00")))
        .collect();
    assert_eq!(starts, expected);

    // Whatever overlaps the half-open window.
    let window = api
        .get("/appointments?from=2027-03-01T09:15:00Z&to=2027-03-01T11:00:00Z")
        .await;
    assert_eq!(window.body["items"].as_array().unwrap().len(), 2);
    for (query, count) in [
        ("status=scheduled", 5),
        ("status=cancelled", 0),
        ("patient_phone=%2B923001234567", 5),
        ("patient_phone=%2B92-300-1234567", 5),
        ("patient_phone=0300%201234567", 5),
        ("patient_phone=00923001234567", 5),
        ("patient_phone=%2B443001234567", 0),
        ("patient_phone=%2B923001234568", 0),
    ] {
        let page = api.get(&format!("/appointments?{query}")).await;
        assert_eq!(page.body["items"].as_array().unwrap().len(), count, "{query}");
        assert_eq!(page.body["next_cursor"], Value::Null);
    }
}

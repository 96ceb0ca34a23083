//! The rules of every request.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::input::Fault;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn pointers(faults: &[Fault]) -> Vec<&str> {
    faults.iter().map(|fault| fault.pointer.as_str()).collect()
}

#[test]
fn a_booking_lasts_half_an_hour_unless_told() {
    let body = |extra: Value| {
        let mut body = json!({"patient_name": " A. Khan ", "starts_at": "2026-12-01T09:00:00+05:00"});
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        booking(body, now()).unwrap()
    };
    let length = |booking: &Booking| (booking.ends_at - booking.starts_at).num_minutes();
    assert_eq!(length(&body(json!({}))), 30);
    assert_eq!(length(&body(json!({"duration_minutes": 45}))), 45);
    assert_eq!(length(&body(json!({"ends_at": "2026-12-01T10:00:00+05:00"}))), 60);
    assert_eq!(body(json!({"patient_phone": ""})).patient_phone, None);
    assert_eq!(body(json!({})).patient_name, "A. Khan");
}

#[test]
fn a_bad_booking_names_every_fault() {
    let faults = booking(
        json!({
            "patient_phone": "call me", "patient_email": "nobody", "title": "a\nb", "colour": "red",
            "starts_at": "2026-12-01T09:00:00", "ends_at": 5, "allow_past": "yes"
        }),
        now(),
    )
    .unwrap_err();
    assert_eq!(
        pointers(&faults),
        [
            "/patient_name",
            "/patient_phone",
            "/patient_email",
            "/title",
            "/starts_at",
            "/ends_at",
            "/allow_past",
            "/colour"
        ]
    );
    assert_eq!(pointers(&booking(json!([]), now()).unwrap_err()), [""]);
}

#[test]
fn times_must_run_forward_and_not_lie_in_the_past() {
    let at = |start: &str, end: &str, past: bool| {
        let body = json!({"patient_name": "A", "starts_at": start, "ends_at": end, "allow_past": past});
        booking(body, now()).map_err(|faults| pointers(&faults).join(" "))
    };
    assert_eq!(
        at("2026-12-01T09:00:00Z", "2026-12-01T09:00:00Z", false).unwrap_err(),
        "/ends_at"
    );
    assert_eq!(
        at("2026-12-01T09:00:00Z", "2026-12-02T09:00:01Z", false).unwrap_err(),
        "/ends_at"
    );
    assert_eq!(
        at("2026-11-01T09:00:00Z", "2026-11-01T10:00:00Z", false).unwrap_err(),
        "/starts_at"
    );
    assert!(at("2026-11-01T09:00:00Z", "2026-11-01T10:00:00Z", true).is_ok());
}

#[test]
fn a_patch_keeps_clears_and_sets() {
    let change = patch(json!({"notes": null, "title": "New", "duration_minutes": 20})).unwrap();
    assert_eq!(
        Value::Object(change.values),
        json!({"notes": null, "title": "New"})
    );
    assert_eq!(change.length, Some(TimeDelta::minutes(20)));
}

#[test]
fn a_patch_cannot_cancel_nor_unset_what_must_be_there() {
    let faults = patch(json!({
        "status": "cancelled", "patient_name": null, "starts_at": null, "calendar_id": "x", "source": "me"
    }))
    .unwrap_err();
    assert_eq!(
        pointers(&faults),
        [
            "/patient_name",
            "/starts_at",
            "/status",
            "/calendar_id",
            "/source"
        ]
    );
}

#[test]
fn a_filter_is_checked() {
    let read = |query: &[(&str, &str)]| {
        let query = query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        filter(query, Tz::Asia__Karachi).map_err(|faults| pointers(&faults).join(" "))
    };
    assert_eq!(read(&[]).unwrap().limit, 50);
    assert_eq!(
        read(&[("limit", "0"), ("status", "late"), ("cursor", "x"), ("form", "1")]).unwrap_err(),
        "/status /limit /cursor /form"
    );
    let phones = |text| read(&[("patient_phone", text)]).map(|filter| filter.patient_phone);
    // A `+` that was not escaped.
    assert_eq!(phones(" 923001234567"), phones("+92 300 1234567"));
    assert!(
        phones("0300 1234567")
            .unwrap()
            .unwrap()
            .contains(&"+923001234567".into())
    );
    assert_eq!(phones("").unwrap_err(), "/patient_phone");
    let backwards = [("from", "2026-12-02T00:00:00Z"), ("to", "2026-12-01T00:00:00Z")];
    assert_eq!(read(&backwards).unwrap_err(), "/to");
}

#[test]
fn an_id_has_one_form() {
    let uuid = Uuid::now_v7();
    assert_eq!(id(&uuid.to_string()), Some(uuid));
    assert_eq!(id(&uuid.simple().to_string()), None);
    assert_eq!(id("1"), None);
}

#[test]
fn every_text_has_a_length_and_no_control_characters() {
    let read = |request: &str, field: &str, text: &str| {
        let mut body = match request {
            "booking" => json!({"patient_name": "A. Khan", "starts_at": "2026-12-01T09:00:00Z"}),
            _ => json!({}),
        };
        body[field] = json!(text);
        let faults = match request {
            "booking" => booking(body, now()).err(),
            "patch" => patch(body).err(),
            _ => cancel(body).err(),
        };
        faults
            .map(|faults| pointers(&faults).join(" "))
            .unwrap_or_default()
    };
    let pointer = |field: &str| format!("/{field}");
    // Of a PATCH, calendar_id is refused whatever it says.
    let both = ["booking", "patch"];
    for (requests, field, most, lines) in [
        (&both[..], "patient_name", 200, false),
        (&both[..], "title", 300, false),
        (&both[..], "reason", 300, false),
        (&both[..], "location", 300, false),
        (&both[..], "notes", 5000, true),
        (&both[..1], "calendar_id", 300, false),
        (&["cancel"][..], "reason", 1000, true),
    ] {
        for request in requests {
            // Characters count, not bytes.
            assert_eq!(
                read(request, field, &"\u{62e}".repeat(most)),
                "",
                "{request} {field}"
            );
            assert_eq!(
                read(request, field, &"\u{62e}".repeat(most + 1)),
                pointer(field),
                "{request} {field}"
            );
            for control in ["a\u{0}b", "a\u{1b}[31mb", "a\u{7f}b", "a\u{85}b", "a\rb"] {
                assert_eq!(
                    read(request, field, control),
                    pointer(field),
                    "{request} {field} {control:?}"
                );
            }
            let expected = if lines { String::new() } else { pointer(field) };
            assert_eq!(read(request, field, "a\n\tb"), expected, "{request} {field}");
        }
    }
    let longest_address = format!("{}@example.com", "a".repeat(242));
    for request in both {
        assert_eq!(read(request, "patient_email", &longest_address), "");
        for address in [format!("a{longest_address}"), "a\u{0}@example.com".to_owned()] {
            assert_eq!(read(request, "patient_email", &address), "/patient_email");
        }
        for phone in ["0300\n1234567", "0300\t1234567", &"1".repeat(21), &"(".repeat(41)] {
            assert_eq!(
                read(request, "patient_phone", phone),
                "/patient_phone",
                "{phone:?}"
            );
        }
    }
}

//! A person writes: title, place and description.

use serde_json::json;
use shared::appointment::SyncState;
use shared::bus::{Message, Origin};

use super::moved_to;
use crate::clinic::{CALENDAR, Clinic, at, changed};

#[tokio::test]
async fn a_move_a_title_notes_and_a_place_come_in() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    let description = clinic.event(event_id)["description"].as_str().unwrap().to_owned();
    let mut patch = moved_to("2027-03-02T11:00:00+05:00", "2027-03-02T12:00:00+05:00");
    patch["summary"] = json!("Second look");
    patch["location"] = json!("Room 2");
    patch["description"] = json!(format!("bring the x-ray\n\n{description}"));
    clinic.edit(event_id, &patch);

    let pulled = clinic.pull().await.unwrap();
    assert_eq!((pulled.updated, pulled.cancelled, pulled.full), (1, 0, false));
    let appointment = clinic.read(appointment.id).await;
    assert_eq!(appointment.starts_at, at("2027-03-02T11:00:00+05:00"));
    assert_eq!(appointment.ends_at, at("2027-03-02T12:00:00+05:00"));
    assert_eq!(appointment.title, "Second look");
    assert_eq!(appointment.location.as_deref(), Some("Room 2"));
    assert_eq!(appointment.notes.as_deref(), Some("bring the x-ray"));
    assert_eq!(
        (appointment.version, appointment.sync_state),
        (2, SyncState::Synced)
    );
    let told = Message::AppointmentChanged {
        appointment_id: appointment.id,
        calendar_id: CALENDAR.into(),
        version: 2,
        change: "updated".into(),
        origin: Origin::GoogleCalendar,
    };
    assert_eq!(clinic.heard(), [told]);
    let by = clinic.history(appointment.id).await;
    assert_eq!(by[1], ("google_calendar".to_owned(), "updated".to_owned()));
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn an_edited_footer_is_put_right() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    let before = clinic.event(event_id)["description"].clone();
    clinic.edit(
        event_id,
        &json!({"description": before.as_str().unwrap().replace("+92", "0092")}),
    );
    clinic.tick().await;
    assert_eq!(clinic.event(event_id)["description"], before);
    assert_eq!(clinic.read(appointment.id).await.version, 1);
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn a_title_that_a_person_cleared_is_the_default_one_again() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    for (shown, title) in [("Root canal", "Root canal"), ("", "Check-up: A. Khan")] {
        clinic.google.person().retitle(CALENDAR, event_id, shown).unwrap();
        clinic.tick().await;
        assert_eq!(clinic.read(appointment.id).await.title, title);
        assert_eq!(clinic.event(event_id)["summary"], title);
        clinic.check_callers_go_on(appointment.id).await;
    }
}

#[tokio::test]
async fn a_place_that_a_person_cleared_is_none() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    for (shown, place) in [("Room 2", Some("Room 2")), ("", None)] {
        clinic.edit(event_id, &json!({"location": shown}));
        clinic.tick().await;
        assert_eq!(clinic.read(appointment.id).await.location.as_deref(), place);
        clinic.check_at_rest().await;
    }
    clinic.check_callers_go_on(appointment.id).await;
}

/// The description once a person made `theirs` of it and all is in step, and the appointment's notes.
async fn described(theirs: impl FnOnce(String) -> String) -> (String, Option<String>) {
    let (clinic, appointment) = Clinic::with_one().await;
    changed(
        clinic
            .patch(appointment.id, json!({"notes": "first visit"}))
            .await,
    );
    clinic.tick().await;
    let event_id = &appointment.google_calendar_event_id;
    let ours = clinic.event(event_id)["description"].as_str().unwrap().to_owned();
    clinic.edit(event_id, &json!({"description": theirs(ours)}));
    clinic.tick().await;
    clinic.check_callers_go_on(appointment.id).await;
    let description = clinic.event(event_id)["description"].as_str().unwrap().to_owned();
    (description, clinic.read(appointment.id).await.notes)
}

#[tokio::test]
async fn what_a_person_writes_below_or_inside_the_footer_is_notes_and_moves_above_it() {
    let (expected, _) =
        described(|ours| format!("first visit\n\ncall back{}", &ours["first visit".len()..])).await;
    for below in [true, false] {
        let (description, notes) = described(|ours| {
            if below {
                format!("{ours}\n\ncall back")
            } else {
                ours.replace("\nPhone", "\ncall back\nPhone")
            }
        })
        .await;
        assert_eq!(notes.as_deref(), Some("first visit\n\ncall back"));
        assert_eq!(description, expected);
    }
}

#[tokio::test]
async fn a_description_that_google_turned_into_html_is_left_as_it_is() {
    let mut html = String::new();
    let (description, notes) = described(|ours| {
        html = ours.replace("first", "<b>first</b>").replace('\n', "<br>");
        html.clone()
    })
    .await;
    assert_eq!(notes.as_deref(), Some("first visit"));
    assert_eq!(description, html);
}

#[tokio::test]
async fn formatting_above_the_footer_outlives_a_change_of_the_patients_details() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    let ours = clinic.event(event_id)["description"].as_str().unwrap().to_owned();
    let theirs = format!(
        "<b>fasting</b> &amp; rested<br><br>{}",
        ours.replace('\n', "<br>")
    );
    clinic.edit(event_id, &json!({"description": theirs}));
    clinic.tick().await;
    assert_eq!(
        clinic.read(appointment.id).await.notes.as_deref(),
        Some("fasting & rested")
    );
    changed(
        clinic
            .patch(appointment.id, json!({"patient_phone": "+923007654321"}))
            .await,
    );
    clinic.tick().await;
    let shown = clinic.event(event_id)["description"].as_str().unwrap().to_owned();
    assert!(shown.starts_with("<b>fasting</b> &amp; rested\n\n---"), "{shown}");
    assert!(shown.ends_with("Phone: +923007654321"), "{shown}");
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn a_description_that_a_person_emptied_has_no_notes_and_its_footer_again() {
    let (description, notes) = described(|_| String::new()).await;
    assert_eq!(notes, None);
    assert!(description.starts_with("--- Patient"), "{description}");
}

#[tokio::test]
async fn a_note_below_the_footer_yields_to_a_callers_later_note() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    let ours = clinic.event(event_id)["description"].as_str().unwrap().to_owned();
    clinic.edit(event_id, &json!({"description": format!("{ours}\ncall back")}));
    changed(
        clinic
            .patch(appointment.id, json!({"notes": "called back"}))
            .await,
    );
    clinic.tick().await;
    assert_eq!(
        clinic.read(appointment.id).await.notes.as_deref(),
        Some("called back")
    );
    assert_eq!(
        clinic.event(event_id)["description"],
        format!("called back\n\n{ours}")
    );
    clinic.check_callers_go_on(appointment.id).await;
}

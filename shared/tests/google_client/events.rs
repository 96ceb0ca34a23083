//! Single events: written, read, changed, deleted, missing.

use chrono::NaiveDate;
use local::google::Access;
use shared::google::{Change, Error, EventPatch, EventTime, EventsQuery, Gone, ListedEvent, Transparency};

use super::{CALENDAR, ample, at, check_up, get, insert, start};

#[tokio::test]
async fn an_event_is_written_read_changed_and_deleted_without_telling_anybody() {
    let (google, client) = start().await;
    let created = insert(&client, "0190a").await;
    assert_eq!(created.summary.as_deref(), Some("Check-up: A. Khan"));
    assert_eq!(created.start, at("2026-12-01T09:00:00+05:00"));
    assert_eq!(created.private_properties["appointment_id"], "0190");
    assert_eq!(created.transparency, Transparency::Opaque);
    assert_eq!(
        get(&client, "0190a").await,
        Ok(ListedEvent::Live(Box::new(created.clone())))
    );

    let patch = EventPatch {
        summary: Change::Set("Check-up: B. Khan".to_owned()),
        description: Change::Clear,
        ..EventPatch::default()
    };
    let changed = client
        .patch_event(CALENDAR, "0190a", &patch, &created.etag, ample())
        .await;
    let changed = changed.unwrap();
    assert_eq!(changed.summary.as_deref(), Some("Check-up: B. Khan"));
    assert_eq!(changed.description, None);
    assert_eq!(changed.location.as_deref(), Some("Room 2"));
    assert_eq!(changed.private_properties, created.private_properties);
    assert_ne!(changed.etag, created.etag);

    let deleted = client
        .delete_event(CALENDAR, "0190a", &changed.etag, ample())
        .await;
    assert_eq!(deleted, Ok(()));
    assert!(matches!(
        get(&client, "0190a").await,
        Ok(ListedEvent::Cancelled(_))
    ));
    let again = client
        .delete_event(CALENDAR, "0190a", &changed.etag, ample())
        .await;
    assert_eq!(again, Err(Error::Gone(Gone::Deleted)));

    assert_eq!(google.violations(), [] as [&str; 0]);
    assert!(google.unconditional_writes().is_empty());
    for write in google
        .requests()
        .iter()
        .filter(|request| request.operation != "token")
    {
        let reads = write.operation == "events.get";
        assert!(
            reads || write.request.contains("sendUpdates=none"),
            "{}",
            write.request
        );
    }
}

#[tokio::test]
async fn an_event_becomes_all_day_and_timed_again() {
    let (google, client) = start().await;
    let timed = insert(&client, "0190a").await;
    let day = |day| EventTime::Date {
        date: NaiveDate::from_ymd_opt(2026, 12, day).unwrap(),
    };
    let all_day = EventPatch {
        start: Some(day(1)),
        end: Some(day(2)),
        ..EventPatch::default()
    };
    let whole = client
        .patch_event(CALENDAR, "0190a", &all_day, &timed.etag, ample())
        .await;
    let whole = whole.unwrap();
    assert_eq!((whole.start, whole.end), (day(1), day(2)));

    let back = EventPatch {
        start: Some(timed.start.clone()),
        end: Some(timed.end.clone()),
        ..EventPatch::default()
    };
    let back = client
        .patch_event(CALENDAR, "0190a", &back, &whole.etag, ample())
        .await;
    let back = back.unwrap();
    assert_eq!((back.start, back.end), (timed.start, timed.end));
    assert_eq!(google.violations(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_version_that_a_person_changed_is_not_overwritten() {
    let (google, client) = start().await;
    let ours = insert(&client, "0190a").await;
    google.person().retitle(CALENDAR, "0190a", "Theirs").unwrap();
    let patch = EventPatch {
        summary: Change::Set("Ours".to_owned()),
        ..EventPatch::default()
    };
    let patched = client
        .patch_event(CALENDAR, "0190a", &patch, &ours.etag, ample())
        .await;
    assert_eq!(patched, Err(Error::PreconditionFailed));
    let deleted = client.delete_event(CALENDAR, "0190a", &ours.etag, ample()).await;
    assert_eq!(deleted, Err(Error::PreconditionFailed));
}

#[tokio::test]
async fn an_id_is_taken_for_ever() {
    let (google, client) = start().await;
    insert(&client, "0190a").await;
    let again = client.insert_event(CALENDAR, &check_up("0190a"), ample()).await;
    assert_eq!(again, Err(Error::AlreadyExists));
    google.person().delete(CALENDAR, "0190a").unwrap();
    let again = client.insert_event(CALENDAR, &check_up("0190a"), ample()).await;
    assert_eq!(again, Err(Error::AlreadyExists));
}

#[tokio::test]
async fn an_event_that_can_never_be_is_refused_with_its_reason() {
    let (_google, client) = start().await;
    let mut event = check_up("0190a");
    event.end = event.start.clone();
    let Err(Error::Refused(refusal)) = client.insert_event(CALENDAR, &event, ample()).await else {
        panic!("not refused");
    };
    assert_eq!((refusal.status, refusal.reason.as_str()), (400, "timeRangeEmpty"));
}

#[tokio::test]
async fn a_missing_event_is_told_from_a_missing_calendar() {
    let (google, client) = start().await;
    assert_eq!(get(&client, "0190b").await, Err(Error::Gone(Gone::NotFound)));
    assert_eq!(google.count("calendars.get"), 1);

    let event = insert(&client, "0190a").await;
    google.share(CALENDAR, Access::None);
    let patch = EventPatch::default();
    let patched = client
        .patch_event(CALENDAR, "0190a", &patch, &event.etag, ample())
        .await;
    assert_eq!(patched, Err(Error::Unshared));
    let deleted = client.delete_event(CALENDAR, "0190a", &event.etag, ample()).await;
    assert_eq!(deleted, Err(Error::Unshared));
    assert_eq!(get(&client, "0190a").await, Err(Error::Unshared));
    let inserted = client.insert_event(CALENDAR, &check_up("0190c"), ample()).await;
    assert_eq!(inserted, Err(Error::Unshared));
    assert_eq!(client.get_calendar(CALENDAR, ample()).await, Err(Error::Unshared));
    let everything = EventsQuery::Everything;
    let listed = client.list_events(CALENDAR, everything, None, ample()).await;
    assert_eq!(listed.unwrap_err(), Error::Unshared);
}

#[tokio::test]
async fn a_calendar_shared_for_reading_only_is_not_shared_enough() {
    let (google, client) = start().await;
    google.share(CALENDAR, Access::Reader);
    let inserted = client.insert_event(CALENDAR, &check_up("0190a"), ample()).await;
    assert_eq!(inserted, Err(Error::Unshared));
}

#[tokio::test]
async fn a_calendar_of_any_name_is_found() {
    let (google, client) = start().await;
    let name = "pk#holiday/50%?@group.example.com";
    google.add_calendar(name, chrono_tz::Asia::Karachi);
    let calendar = client.get_calendar(name, ample()).await.unwrap();
    assert_eq!(calendar.id, name);
    assert_eq!(calendar.time_zone.as_deref(), Some("Asia/Karachi"));
}

//! The life of channels: opened, replaced, stopped.

use std::time::Duration;

use local::google::Fault;
use shared::watch::{WatchError, queries};

use super::{ADDRESS, ELSEWHERE, Watched, ours, secrets};
use crate::clinic::{CALENDAR, soon};

#[tokio::test]
async fn a_channel_is_replaced_before_it_ends_and_at_no_time_is_there_none() {
    let watched = Watched::open().await;
    let first = watched.one_live().await;
    watched.let_hours_pass(134).await;
    watched.run().await;
    assert_eq!(watched.one_live().await, first, "it has life left");
    watched.let_hours_pass(1).await;
    watched.clinic.google.clear_requests();
    watched.run().await;
    let requests = watched.clinic.google.requests();
    let mut order: Vec<_> = requests
        .iter()
        .map(|request| request.operation.as_str())
        .collect();
    // After so many hours the first call learns that its access token is too old.
    order.retain(|operation| *operation != "token");
    order.dedup();
    assert_eq!(order, ["events.watch", "channels.stop"]);
    assert_ne!(watched.one_live().await, first);
}

#[tokio::test]
async fn only_googles_expiration_is_believed() {
    let watched = Watched::not_yet().await;
    watched.clinic.google.grant_at_most(Duration::from_hours(20));
    watched.run().await;
    let first = watched.one_live().await;
    watched.let_hours_pass(15).await;
    watched.run().await;
    assert_eq!(watched.one_live().await, first);
    watched.let_hours_pass(2).await;
    watched.run().await;
    assert_ne!(watched.one_live().await, first);
}

#[tokio::test]
async fn a_channel_that_ended_is_replaced_at_the_next_run() {
    let watched = Watched::open().await;
    watched.let_hours_pass(200).await;
    assert_eq!(watched.live(), [] as [&str; 0]);
    watched.run().await;
    watched.one_live().await;
}

#[tokio::test]
async fn a_new_address_and_a_new_secret_replace_the_channel() {
    let watched = Watched::open().await;
    let first = watched.one_live().await;
    watched.run_with(Some(ELSEWHERE), &ours()).await.unwrap();
    let second = watched.one_live().await;
    assert_ne!(second, first);
    let rotating = secrets(&["another-secret-of-sixteen", "a-secret-of-sixteen-or-more"]);
    watched.run_with(Some(ELSEWHERE), &rotating).await.unwrap();
    let third = watched.one_live().await;
    assert_ne!(third, second);
    // From here on the old secret may go.
    let rotated = secrets(&["another-secret-of-sixteen"]);
    watched.run_with(Some(ELSEWHERE), &rotated).await.unwrap();
    assert_eq!(watched.one_live().await, third);
}

#[tokio::test]
async fn an_address_set_by_hand_stays_until_the_setting_changes() {
    let watched = Watched::not_yet().await;
    let watch = watched.watch(&watched.clinic.db);
    watch.open(CALENDAR, ELSEWHERE, &ours(), soon()).await.unwrap();
    let by_hand = watched.one_live().await;
    for webhook_url in [None, Some(ADDRESS), Some(ADDRESS)] {
        watched.run_with(webhook_url, &ours()).await.unwrap();
        assert_eq!(watched.one_live().await, by_hand);
    }
    watched.let_hours_pass(150).await;
    watched.run().await;
    let channels = watched.clinic.google.channels();
    let live = channels.iter().find(|channel| channel["live"] == true).unwrap();
    assert_eq!(live["address"], ELSEWHERE);
    watched
        .run_with(Some("https://third.example.com/calendar/webhook"), &ours())
        .await
        .unwrap();
    let channels = watched.clinic.google.channels();
    let live = channels.iter().find(|channel| channel["live"] == true).unwrap();
    assert_eq!(live["address"], "https://third.example.com/calendar/webhook");
}

#[tokio::test]
async fn a_stop_that_failed_is_tried_again_until_the_channels_own_end() {
    let watched = Watched::open().await;
    let first = watched.one_live().await;
    let google = &watched.clinic.google;
    google.fail(Fault::on("channels.stop").refuse(400, "invalid"));
    watched.let_hours_pass(140).await;
    watched.run().await;
    assert_eq!(watched.live().len(), 2);
    assert_eq!(watched.states("stopping").await, [first.as_str()]);
    google.heal();
    google.clear_requests();
    watched.run().await;
    assert_eq!(google.count("channels.stop"), 1);
    watched.one_live().await;

    // Nobody asks Google to stop what has ended by itself.
    google.fail(Fault::on("channels.stop").refuse(400, "invalid"));
    watched.let_hours_pass(140).await;
    watched.run().await;
    google.heal();
    watched.let_hours_pass(40).await;
    google.clear_requests();
    watched.run().await;
    assert_eq!(google.count("channels.stop"), 0);
}

#[tokio::test]
async fn two_runs_at_once_leave_one_channel_after_the_next() {
    let watched = Watched::not_yet().await;
    let db = watched.clinic.another_database();
    let (one, other) = (watched.watch(&watched.clinic.db), watched.watch(&db));
    let secrets = ours();
    let (one, other) = tokio::join!(
        one.open(CALENDAR, ADDRESS, &secrets, soon()),
        other.open(CALENDAR, ADDRESS, &secrets, soon())
    );
    one.unwrap();
    other.unwrap();
    assert!(!watched.live().is_empty());
    watched.run().await;
    watched.one_live().await;
}

#[tokio::test]
async fn a_channel_that_was_stopped_while_it_was_being_opened_stays_stopped() {
    let watched = Watched::not_yet().await;
    let watch = watched.watch(&watched.clinic.db);
    let opened = watched.open_and_meanwhile(async {
        watch.close(CALENDAR, soon()).await.unwrap();
    });
    assert!(matches!(opened.await, Err(WatchError::Stopped)));
    assert_eq!(watched.live(), [] as [&str; 0]);
    assert_eq!(watched.states("stopped").await.len(), 1);
}

#[tokio::test]
async fn stopping_stops_every_channel_and_may_be_repeated() {
    let watched = Watched::open().await;
    let watch = watched.watch(&watched.clinic.db);
    for _ in 0..2 {
        watch.close(CALENDAR, soon()).await.unwrap();
        assert_eq!(watched.live(), [] as [&str; 0]);
    }
    // Without a setting nobody knows where a new one would go.
    watched.run_with(None, &ours()).await.unwrap();
    assert_eq!(watched.live(), [] as [&str; 0]);
    watched.run().await;
    watched.one_live().await;
}

#[tokio::test]
async fn a_calendar_that_refuses_push_is_marked_and_asked_again_a_day_later() {
    let watched = Watched::not_yet().await;
    let google = &watched.clinic.google;
    google.refuse_push(CALENDAR, true);
    for _ in 0..3 {
        watched.run().await;
        watched.let_hours_pass(1).await;
    }
    assert_eq!(google.count("events.watch"), 1);
    // It is polled.
    watched.edit();
    watched.clinic.tick().await;
    watched.check_taken_over().await;
    google.refuse_push(CALENDAR, false);
    watched.let_hours_pass(24).await;
    watched.run().await;
    watched.one_live().await;
}

#[tokio::test]
async fn the_channel_of_a_calendar_that_is_not_ours_any_more_is_stopped() {
    let watched = Watched::open().await;
    let watch = watched.watch(&watched.clinic.db);
    watch
        .tidy(&["other@example.com".to_owned()], soon())
        .await
        .unwrap();
    watch.stop_unwanted(None, soon()).await.unwrap();
    assert_eq!(watched.live(), [] as [&str; 0]);
    // It is not remembered for ever.
    watched.let_hours_pass(40 * 24).await;
    watched.run().await;
    assert_eq!(watched.states("stopped").await, [] as [&str; 0]);
}

#[tokio::test]
async fn a_channel_that_tells_nothing_while_there_are_changes_is_reported_and_replaced() {
    let watched = Watched::open().await;
    let silent = watched.one_live().await;
    for room in 1..=3 {
        watched.run().await;
        assert_eq!(watched.one_live().await, silent, "before change {room}");
        let location = serde_json::json!({"location": format!("Room {room}")});
        watched
            .clinic
            .edit(&watched.appointment.google_calendar_event_id, &location);
        watched.clinic.tick().await;
    }
    let db = &watched.clinic.db;
    let read = db.read(soon(), async |client| queries::watched(client, CALENDAR).await);
    assert!(read.await.unwrap().channel.unwrap().is_silent());
    watched.run().await;
    assert_ne!(watched.one_live().await, silent);
}

#[tokio::test]
async fn a_notification_that_is_slower_than_the_poll_makes_no_channel_silent() {
    let watched = Watched::open().await;
    let channel = watched.one_live().await;
    for number in 2..=9 {
        let location = serde_json::json!({"location": format!("Room {number}")});
        watched
            .clinic
            .edit(&watched.appointment.google_calendar_event_id, &location);
        watched.clinic.tick().await;
        watched.note(number).await;
        watched.clinic.pull_if_notified().await.unwrap();
    }
    watched.run().await;
    assert_eq!(watched.one_live().await, channel);
}

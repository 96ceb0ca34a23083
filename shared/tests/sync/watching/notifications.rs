//! What notifications say: hints, none of which is needed, and none of which is lost on the way to a pull.

use std::time::Instant;

use local::google::Fault;
use shared::bus::Message;
use shared::sync::{Occasion, Patience, Sync};
use shared::watch::queries::Noted;

use super::{ADDRESS, Watched, ours};
use crate::clinic::{CALENDAR, soon};

#[tokio::test]
async fn with_every_notification_dropped_the_5_minute_run_finds_the_change() {
    let watched = Watched::open().await;
    watched.edit();
    watched.clinic.tick().await;
    watched.check_taken_over().await;
}

fn changed() -> Noted {
    let calendar_id = CALENDAR.to_owned();
    Noted::Changed { calendar_id }
}

#[tokio::test]
async fn a_notification_that_comes_twice_or_late_changes_nothing() {
    let watched = Watched::open().await;
    assert_eq!(watched.note(7).await, changed());
    let clinic = &watched.clinic;
    let before = clinic.everything().await;
    for old in [7, 3] {
        // It is told again, since it may not have been heard the first time.
        assert_eq!(watched.note(old).await, changed());
    }
    clinic.check_unchanged(&before, "noted again").await;
    assert!(clinic.pull_if_notified().await.unwrap().is_some());
    assert_eq!(clinic.pull_if_notified().await.unwrap(), None);
    for old in [7, 3] {
        assert_eq!(watched.note(old).await, Noted::Nothing);
    }
    assert_eq!(clinic.pull_if_notified().await.unwrap(), None);
}

#[tokio::test]
async fn a_confirmation_wakes_nobody_even_before_google_has_answered() {
    let watched = Watched::not_yet().await;
    let opened = watched.open_and_meanwhile(async {
        let live = watched.live();
        assert_eq!(watched.note_at(&live[0], 1, "sync").await, Noted::Nothing);
        assert_eq!(watched.note_at(&live[0], 4, "exists").await, changed());
    });
    opened.await.unwrap();
    watched.one_live().await;
    assert!(watched.clinic.pull_if_notified().await.unwrap().is_some());
}

#[tokio::test]
async fn a_channel_that_is_unknown_or_replaced_changes_nothing_and_is_stopped() {
    let watched = Watched::open().await;
    let first = watched.one_live().await;
    let google = &watched.clinic.google;
    for case in ["replaced", "unknown"] {
        let last = watched.one_live().await;
        google.fail(Fault::on("channels.stop").refuse(400, "invalid"));
        let watch = watched.watch(&watched.clinic.db);
        watch.open(CALENDAR, ADDRESS, &ours(), soon()).await.unwrap();
        google.heal();
        if case == "unknown" {
            let forget = format!("delete from watch_channels where id = '{last}'");
            watched.clinic.sql(&forget).await;
        }
        assert_eq!(
            watched.note_at(&last, 60, "exists").await,
            Noted::Orphan,
            "{case}"
        );
        assert_eq!(watched.clinic.pull_if_notified().await.unwrap(), None, "{case}");
        watch.stop_unwanted(None, soon()).await.unwrap();
        watched.one_live().await;
    }
    assert_ne!(watched.one_live().await, first);
}

#[tokio::test]
async fn what_is_notified_during_a_pull_that_does_not_cover_it_is_told_again() {
    let watched = Watched::open().await;
    let clinic = &watched.clinic;
    let told = |since: usize| {
        let heard = clinic.heard();
        let told = heard[since..]
            .iter()
            .filter(|message| matches!(message, Message::CalendarChanged { .. }));
        told.cloned().collect::<Vec<_>>()
    };
    let channel_id = watched.one_live().await;
    let uncovered = |message_number| Message::CalendarChanged {
        calendar_id: CALENDAR.to_owned(),
        channel_id: channel_id.clone(),
        message_number,
    };
    let listing = || Fault::on("events.list").after();

    // Somebody waits for this pull's answer: it is not kept waiting for what comes meanwhile.
    let sync = clinic.sync();
    let by_hand = sync.pull(
        CALENDAR,
        Occasion::Always,
        Patience::Wait(soon().remaining()),
        false,
        soon(),
    );
    let heard = clinic.heard().len();
    let pulled = clinic.during(listing(), by_hand, async {
        watched.edit();
        watched.note(5).await;
        assert_eq!(
            clinic.pull_if_notified().await.unwrap(),
            None,
            "the calendar is taken"
        );
    });
    assert!(pulled.await.unwrap().is_some());
    assert_eq!(told(heard), [uncovered(5)]);
    assert!(clinic.pull_if_notified().await.unwrap().is_some());
    watched.check_taken_over().await;

    // A pull that comes to nothing leaves it to the next one.
    let heard = clinic.heard().len();
    let failing = clinic.during(listing(), clinic.pull(), async {
        watched.note(9).await;
        clinic.sql("update calendars set lease_until = now()").await;
    });
    assert!(failing.await.is_err());
    assert_eq!(told(heard), [uncovered(9)]);

    // Whoever woke this one tries it again by itself: telling more would make a circle.
    clinic
        .google
        .fail(Fault::on("events.list").refuse(400, "invalid").times(1));
    let heard = clinic.heard().len();
    assert!(clinic.pull_if_notified().await.is_err());
    assert_eq!(told(heard), []);
}

#[tokio::test]
async fn a_burst_of_notifications_costs_two_pulls_and_loses_no_change() {
    let watched = Watched::open().await;
    let clinic = &watched.clinic;
    let dbs = [clinic.another_database(), clinic.another_database()];
    let pull = async |process: usize| {
        let db = &dbs[process % dbs.len()];
        let sync = Sync { db, ..clinic.sync() };
        sync.pull(CALENDAR, Occasion::Notified, Patience::Leave, false, soon())
            .await
            .unwrap();
    };
    let before = clinic.google.count("events.list");
    let began = Instant::now();
    let burst = async {
        for number in 1..=100 {
            if number == 90 {
                watched.edit();
            }
            watched.note(number).await;
        }
    };
    // Each notification wakes a run; one is pulling all the time.
    let runs = async {
        for process in 0..100 {
            pull(process).await;
        }
    };
    tokio::join!(burst, runs);
    pull(0).await;
    watched.check_taken_over().await;
    // One at once, one after a second, and one for each second that the burst took longer.
    let most = 2 + usize::try_from(began.elapsed().as_secs()).unwrap();
    let lists = clinic.google.count("events.list") - before;
    assert!(lists <= most, "{lists} pulls");
}

#[tokio::test]
async fn a_burst_of_notifications_costs_no_more_pulls_while_google_fails() {
    let watched = Watched::open().await;
    let clinic = &watched.clinic;
    clinic
        .google
        .fail(Fault::on("events.list").refuse(400, "invalid"));
    let before = clinic.google.count("events.list");
    let began = Instant::now();
    for number in 1..=4 {
        watched.note(number).await;
        assert!(clinic.pull_if_notified().await.is_err());
    }
    let most = 2 + usize::try_from(began.elapsed().as_secs()).unwrap();
    let lists = clinic.google.count("events.list") - before;
    assert!(lists <= most, "{lists} pulls");
    clinic.google.heal();
    watched.edit();
    clinic.tick().await;
    watched.check_taken_over().await;
}

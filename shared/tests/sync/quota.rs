//! The calls that all instances make together: never more than Google takes, nothing lost, and no round trip for it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use local::google::{Fault, RequestRecord};
use serde_json::json;
use shared::deadline::Deadline;
use shared::google::Quota;
use shared::sync::{Occasion, Patience, Sync, SyncError};

use crate::clinic::{CALENDAR, Clinic, LONG, soon};
use crate::process::{Point, Process};

const MINUTE: Duration = Duration::from_mins(1);

/// As if so much time had passed since calls were reserved.
async fn let_pass(clinic: &Clinic, seconds: u32) {
    clinic
        .sql(&format!("update google_calls set newest = newest - {seconds}"))
        .await;
}

fn quota(writes: u32, all: u32) -> Quota {
    let window = MINUTE;
    Quota { writes, all, window }
}

/// All calls that were reserved or counted lately.
async fn reserved(clinic: &Clinic) -> i64 {
    const SUM: &str = "select coalesce(sum(n), 0)::bigint from google_calls, unnest(calls) as n";
    clinic.rows(SUM).await[0].get(0)
}

#[tokio::test]
async fn many_instances_with_many_calendars_keep_to_the_quota_and_get_everything_done() {
    const CALENDARS: usize = 6;
    const EVENTS: usize = 15;
    let mut clinic = Clinic::open().await;
    let quota = Quota {
        writes: 40,
        all: 46,
        window: Duration::from_millis(1500),
    };
    clinic.set_quota(quota);
    let calendars = [(); CALENDARS].map(|()| format!("{}@example.com", uuid::Uuid::new_v4().simple()));
    for calendar in &calendars {
        clinic.google.add_calendar(calendar, chrono_tz::Asia::Karachi);
        for hour in 0..EVENTS {
            let starts_at = format!("2027-03-01T{hour:02}:00:00+05:00");
            clinic.try_book_in(calendar, &starts_at, json!({})).await;
        }
    }
    clinic.google.clear_requests();
    let instance = async |number: usize| {
        let (db, client) = (
            clinic.another_database(),
            clinic.another_client().with_quota(quota),
        );
        let sync = Sync {
            db: &db,
            google: &client,
            ..clinic.sync()
        };
        // Each begins elsewhere, and all come to the same calendars.
        for calendar in calendars.iter().cycle().skip(2 * number).take(CALENDARS) {
            sync.push(calendar, LONG, soon()).await.unwrap();
            let patience = Patience::Wait(Duration::from_secs(20));
            sync.pull(calendar, Occasion::Always, patience, false, soon())
                .await
                .unwrap();
        }
    };
    join_all((0..3).map(instance)).await;

    let mut calls = clinic.google.requests();
    calls.retain(|call| call.operation != "token");
    // Whoever lists while another writes looks for what it misses.
    let looks = |call: &RequestRecord| call.operation == "events.get" && call.status == Some(404);
    let went_well = |call: &RequestRecord| call.status == Some(200) || looks(call);
    assert!(calls.iter().all(went_well), "{calls:?}");
    let inserts = calls.iter().filter(|call| call.operation == "events.insert");
    assert_eq!(inserts.count(), CALENDARS * EVENTS);
    let times: Vec<_> = calls.iter().map(|call| call.at).collect();
    // A call may be under way for a while on a busy machine.
    let window = TimeDelta::from_std(quota.window.mul_f64(0.8)).unwrap();
    assert!(busiest(&times, window) <= quota.all as usize, "{times:?}");
    assert!(
        busiest(&times, window * 10) > quota.all as usize,
        "it was never full"
    );
}

/// The most calls that there were in any time of this length.
fn busiest(times: &[DateTime<Utc>], length: TimeDelta) -> usize {
    let within = |from: &DateTime<Utc>| {
        times
            .iter()
            .filter(|at| (*from..*from + length).contains(at))
            .count()
    };
    times.iter().map(within).max().unwrap_or(0)
}

#[tokio::test]
async fn what_is_too_much_for_now_stays_due_and_is_written_later() {
    let mut clinic = Clinic::open().await;
    for hour in 0..8 {
        clinic.book(&format!("2027-03-01T{hour:02}:00:00+05:00")).await;
    }
    clinic.set_quota(quota(5, 5));
    let pushed = clinic.push().await.unwrap();
    assert_eq!((pushed.created, pushed.pending, pushed.failed), (5, 3, 0));
    clinic.google.clear_requests();
    assert_eq!(clinic.push_all().await.unwrap().pending, 3);
    let pulled = clinic.pull().await;
    assert!(matches!(pulled, Err(SyncError::CoolingDown { .. })), "{pulled:?}");
    assert!(clinic.google.requests().is_empty());
    let left = "select from calendar_events where pushed_version is null
        and attempts = 0 and not parked and last_error is null and sent is null and claim is null";
    assert_eq!(clinic.rows(left).await.len(), 3);
    let free = "select from calendars where lease_owner is null";
    assert_eq!(clinic.rows(free).await.len(), 1, "the lease is given back");

    let_pass(&clinic, 30).await;
    assert_eq!(clinic.push().await.unwrap().pending, 3, "not yet");
    let_pass(&clinic, 40).await;
    assert_eq!(clinic.push().await.unwrap().created, 3);
    clinic.pull().await.unwrap();
    assert_eq!(clinic.live_events().len(), 8);
    let_pass(&clinic, 100).await;
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_run_of_little_patience_leaves_what_it_would_have_to_wait_for() {
    let mut clinic = Clinic::open().await;
    for hour in 0..4 {
        clinic.book(&format!("2027-03-01T{hour:02}:00:00+05:00")).await;
    }
    clinic.set_quota(quota(2, 2));
    let sync = clinic.sync();
    let push = sync.push(CALENDAR, Duration::from_secs(2), Deadline::after(3 * MINUTE));
    let pushed = tokio::time::timeout(LONG, push).await.expect("it waits").unwrap();
    assert_eq!((pushed.created, pushed.pending), (2, 2));
}

#[tokio::test]
async fn of_the_runs_that_could_wait_for_calls_one_is_enough() {
    let mut clinic = Clinic::open().await;
    clinic.book("2027-03-01T10:00:00+05:00").await;
    clinic.book("2027-03-01T11:00:00+05:00").await;
    clinic
        .sql(
            "update calendar_events set claim = gen_random_uuid(), claimed_until = now() + interval '1 minute'
            where ctid in (select ctid from calendar_events limit 1)",
        )
        .await;
    clinic.set_quota(quota(0, 0));
    let sync = clinic.sync();
    let push = sync.push(CALENDAR, 3 * MINUTE, Deadline::after(3 * MINUTE));
    let pushed = tokio::time::timeout(LONG, push).await.expect("it waits").unwrap();
    assert_eq!((pushed.created, pushed.pending), (0, 2));
}

#[tokio::test]
async fn repetitions_are_counted_whoever_reserves_next() {
    let clinic = Clinic::open().await;
    clinic
        .google
        .fail(Fault::on("events.list").refuse(503, "backendError").times(2));
    clinic.pull().await.unwrap();
    assert_eq!(reserved(&clinic).await, 1);
    let taken =
        "update calendars set lease_owner = gen_random_uuid(), lease_until = now() + interval '1 minute'";
    clinic.sql(taken).await;
    let sync = clinic.sync();
    let pulled = sync
        .pull(CALENDAR, Occasion::Always, Patience::Leave, false, soon())
        .await;
    assert_eq!(pulled.unwrap(), None);
    clinic.sql("update calendars set lease_until = now()").await;
    clinic.pull().await.unwrap();
    assert_eq!(reserved(&clinic).await, 4, "listed, repeated twice, listed again");
}

#[tokio::test]
async fn people_are_listened_to_while_no_more_can_be_written() {
    let (mut clinic, edited) = Clinic::with_one().await;
    let_pass(&clinic, 100).await;
    clinic.book("2027-03-01T10:00:00+05:00").await;
    clinic.book("2027-03-01T11:00:00+05:00").await;
    clinic.edit(&edited.google_calendar_event_id, &json!({"location": "Room 2"}));
    clinic.set_quota(quota(1, 2));
    assert_eq!(clinic.push().await.unwrap().pending, 1);
    assert_eq!(clinic.pull().await.unwrap().updated, 1);
    assert!(clinic.pull().await.is_err());
}

#[tokio::test]
async fn what_a_pull_has_committed_counts_though_it_must_wait_for_what_was_notified_meanwhile() {
    let (mut clinic, edited) = Clinic::with_one().await;
    let_pass(&clinic, 100).await;
    clinic.edit(&edited.google_calendar_event_id, &json!({"location": "Room 2"}));
    clinic.set_quota(quota(1, 1));
    let process = Process::start(&clinic).await;
    let mut pull = process.frozen_pull(Point::before("with untold as")).await;
    clinic
        .sql("update calendars set change_seq = change_seq + 1")
        .await;
    process.wake();
    let pulled = (&mut pull).await.unwrap().unwrap();
    assert_eq!(pulled.updated, 1);
    let free = "select from calendars where lease_owner is null and change_seq > pulled_seq";
    assert_eq!(clinic.rows(free).await.len(), 1, "a later run covers the rest");
}

#[tokio::test]
async fn a_listing_that_is_too_long_for_now_goes_on_later_from_where_it_stopped() {
    let (mut clinic, _) = Clinic::with(4).await;
    clinic.list_one_by_one();
    clinic.google.expire_sync_tokens();
    let_pass(&clinic, 100).await;
    clinic.google.clear_requests();
    // The dead token costs a call, too.
    clinic.set_quota(quota(3, 3));
    let pulled = clinic.pull().await;
    assert!(matches!(pulled, Err(SyncError::CoolingDown { .. })), "{pulled:?}");
    assert_eq!(clinic.google.count("events.list"), 3);
    let_pass(&clinic, 100).await;
    clinic.pull().await.unwrap();
    let pages = clinic.google.count("events.list");
    assert!((5..=6).contains(&pages), "{pages}");
    let_pass(&clinic, 100).await;
    clinic
        .google
        .set_listing_manners(local::google::ListingManners::default());
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_burst_costs_no_round_trip_for_its_turns() {
    let clinic = Clinic::open().await;
    let process = Process::start(&clinic).await;
    for minute in 0..60 {
        let starts_at = format!("2027-03-{:02}T{:02}:00:00+05:00", 1 + minute / 24, minute % 24);
        clinic.book(&starts_at).await;
    }
    assert_eq!(process.push().await.unwrap().created, 60);
    process.pull().await.unwrap();
    let mut asked = process.round_trips();
    asked.retain(|statement| statement.starts_with("select * from reserve_google_calls"));
    assert_eq!(asked, Vec::<String>::new());
    assert_eq!(reserved(&clinic).await, 61);
}

#[tokio::test]
async fn what_is_sent_again_and_what_is_looked_at_counts_too() {
    let (clinic, appointment) = Clinic::with_one().await;
    let_pass(&clinic, 100).await;
    clinic.book("2027-03-01T10:00:00+05:00").await;
    clinic
        .google
        .fail(Fault::on("events.insert").refuse(503, "backendError").times(2));
    clinic.push().await.unwrap();
    assert_eq!(reserved(&clinic).await, 3);

    clinic.edit(
        &appointment.google_calendar_event_id,
        &json!({"location": "Room 2"}),
    );
    clinic.patch(appointment.id, json!({"title": "Ours"})).await;
    clinic.google.clear_requests();
    clinic.push().await.unwrap();
    let calls = i64::try_from(clinic.google.requests().len()).unwrap();
    assert_eq!(
        (calls, reserved(&clinic).await),
        (3, 6),
        "refused, looked at, written"
    );
}

#[tokio::test]
async fn of_many_who_reserve_at_once_nobody_gets_what_another_has() {
    let clinic = Clinic::open().await;
    let databases: Vec<_> = (0..8).map(|_| clinic.another_database()).collect();
    let reserve = async |number: usize| {
        const RESERVE: &str = "select granted from reserve_google_calls(3, 0, 100, 1, 66)";
        let mut granted = 0;
        for _ in 0..10 {
            let rows = databases[number]
                .read(soon(), async |client| client.query_typed(RESERVE, &[]).await)
                .await;
            granted += rows.unwrap()[0].get::<_, i32>(0);
        }
        granted
    };
    let granted: i32 = join_all((0..8).map(reserve)).await.iter().sum();
    assert_eq!((granted, reserved(&clinic).await), (100, 100));
}

#[tokio::test]
async fn a_reservation_counts_for_its_time_whatever_the_clock_does() {
    // Seconds ago, calls then, and what is left of 10; `None`: the clock was put back by so many.
    let clinic = Clinic::open().await;
    for (ago, calls, granted) in [
        (0, "{4}", 6),
        (3, "{4}", 6),
        (0, "{1,0,0,9}", 0),
        (64, "{4}", 6),
        (66, "{4}", 10),
        (0, "{}", 10),
        (1_000_000_000, "{4}", 10),
        // Put back a little, and far.
        (-30, "{4}", 6),
        (-1000, "{4}", 10),
    ] {
        clinic
            .sql(&format!(
                "delete from google_calls;
                 insert into google_calls (newest, calls)
                     values (floor(extract(epoch from clock_timestamp())) - {ago}, '{calls}')"
            ))
            .await;
        let rows = clinic
            .rows("select * from reserve_google_calls(20, 0, 10, 1, 66)")
            .await;
        assert_eq!(rows[0].get::<_, i32>("granted"), granted, "{calls} {ago} s ago");
        // Until the oldest of what counts is a minute and a bit old.
        let free_in = rows[0].get::<_, f64>("free_in");
        let oldest = match (granted, calls) {
            (10, _) => 0,
            (_, "{4}") => ago.max(0),
            _ => 3,
        };
        let expected = 66.0 - f64::from(oldest);
        assert!(
            (expected - 2.0..=expected).contains(&free_in),
            "{free_in}, {expected}"
        );
    }
    clinic.sql("delete from google_calls").await;
    let nothing = clinic
        .rows("select * from reserve_google_calls(0, 0, 10, 1, 66)")
        .await;
    assert_eq!(nothing[0].get::<_, Option<f64>>("free_in"), None);
    assert!(
        clinic.rows("select from google_calls").await.is_empty(),
        "nothing is written for nothing"
    );
}

#[tokio::test]
async fn whoever_waits_for_a_calendar_holds_up_nobody_elses_calls() {
    let (clinic, _) = Clinic::with_one().await;
    let holder = clinic.another_database();
    let held = holder.transaction(soon(), async |tx| {
        tx.batch_execute("select from calendars for update").await?;
        let db = clinic.another_database();
        let sync = Sync {
            db: &db,
            ..clinic.sync()
        };
        let pull = sync.pull(CALENDAR, Occasion::Always, Patience::Leave, false, soon());
        tokio::pin!(pull);
        tokio::select! {
            early = &mut pull => panic!("{early:?}"),
            () = clinic.until_locked_out(1) => {}
        }
        clinic
            .rows("select * from reserve_google_calls(1, 0, 10, 1, 66)")
            .await;
        Ok(())
    });
    held.await.unwrap();
}

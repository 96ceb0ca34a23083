//! How all calendars together do, as the metrics tell it.

use std::time::Duration;

use shared::sync::status::{VitalSigns, vital_signs};

use crate::clinic::{CALENDAR, Clinic, soon};

const NEVER: Duration = Duration::from_hours(30 * 24);

async fn signs(clinic: &Clinic, calendars: &[&str]) -> VitalSigns {
    let calendars: Vec<_> = calendars.iter().map(|id| (*id).to_owned()).collect();
    let taken = clinic
        .db
        .read(soon(), async |client| vital_signs(client, &calendars).await);
    taken.await.unwrap()
}

#[tokio::test]
async fn the_oldest_sync_counts_and_one_that_never_was_is_a_month_old() {
    let (clinic, _) = Clinic::with_one().await;
    assert!(signs(&clinic, &[CALENDAR]).await.oldest_sync < Duration::from_mins(1));
    clinic
        .sql("update calendars set last_sync_at = now() - interval '20 minutes'")
        .await;
    let oldest = signs(&clinic, &[CALENDAR]).await.oldest_sync;
    assert!(
        (Duration::from_mins(20)..Duration::from_mins(21)).contains(&oldest),
        "{oldest:?}"
    );
    let with_another = signs(&clinic, &[CALENDAR, "unshared@example.com"]).await;
    assert_eq!(with_another.oldest_sync, NEVER);
    assert_eq!(signs(&clinic, &[]).await.oldest_sync, Duration::ZERO);
}

#[tokio::test]
async fn what_waits_and_what_is_parked_is_counted_over_all_calendars() {
    let (clinic, _) = Clinic::with_one().await;
    clinic.book("2027-03-02T09:00:00+05:00").await;
    clinic.book("2027-03-03T09:00:00+05:00").await;
    clinic
        .sql("update calendar_events set parked = true where event_id = (select google_calendar_event_id from appointments
              where starts_at = '2027-03-03T09:00:00+05:00')")
        .await;
    let taken = signs(&clinic, &[CALENDAR]).await;
    assert_eq!((taken.pending, taken.parked), (1, 1));
    let elsewhere = signs(&clinic, &["dr.ali@example.com"]).await;
    assert_eq!((elsewhere.pending, elsewhere.parked), (0, 0));
}

#[tokio::test]
async fn a_calendar_that_should_have_a_channel_and_has_none_has_no_life_left_in_it() {
    let (clinic, _) = Clinic::with_one().await;
    assert_eq!(
        signs(&clinic, &[CALENDAR]).await.channel_life,
        None,
        "nobody wants one"
    );
    clinic
        .sql("update calendars set webhook_url = 'https://hook.example.com/calendar/webhook'")
        .await;
    assert_eq!(
        signs(&clinic, &[CALENDAR]).await.channel_life,
        Some(Duration::ZERO)
    );
    let channel = |id: &str, hours: i32, state: &str| {
        format!(
            "insert into watch_channels (id, calendar_id, address, resource_id, expires_at, state)
             values ('{id}', '{CALENDAR}', 'https://hook.example.com', 'r', now() + interval '{hours} hours', '{state}')"
        )
    };
    clinic.sql(&channel("stopping", 100, "stopping")).await;
    clinic.sql(&channel("older", 5, "live")).await;
    clinic.sql(&channel("newer", 50, "live")).await;
    let life = signs(&clinic, &[CALENDAR]).await.channel_life.unwrap();
    assert!(
        (Duration::from_hours(49)..=Duration::from_hours(50)).contains(&life),
        "{life:?}"
    );
    // Google does not notify of it: it is polled, and that is no fault.
    clinic.sql("update calendars set push_refused_at = now()").await;
    assert_eq!(signs(&clinic, &[CALENDAR]).await.channel_life, None);
}

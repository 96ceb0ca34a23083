//! What is kept: swept by full listings, laid out anew when the horizon or the zone moves, and nothing besides.

use serde_json::json;

use super::{days, event, with};
use crate::clinic::Clinic;
use crate::long_listings::pull_one_page;

#[tokio::test]
async fn a_full_listing_sweeps_what_it_no_longer_shows() {
    let clinic = Clinic::open().await;
    let lunch = event("2027-03-01T13:00:00+05:00", "2027-03-01T14:00:00+05:00");
    clinic.own(&days("2027-03-05", "2027-03-06"));
    let gone = clinic.own(&lunch);
    let series = clinic.own(&with(lunch, "recurrence", json!(["RRULE:FREQ=WEEKLY;COUNT=2"])));
    clinic.edit(&format!("{series}_20270308T080000Z"), &json!({"summary": "Late"}));
    clinic.pull().await.unwrap();
    assert_eq!(clinic.taken().await.len(), 4);
    clinic.delete(&gone);
    clinic.delete(&series);
    clinic.google.expire_sync_tokens();
    clinic.pull().await.unwrap();
    assert_eq!(clinic.taken().await, ["03-05 00:00 to 03-06 00:00"]);
    assert_eq!(clinic.rows("select from busy_events").await.len(), 1);
}

#[tokio::test]
async fn a_full_listing_that_takes_several_runs_sweeps_at_its_end_what_no_part_showed() {
    let clinic = Clinic::open().await;
    let ids = ["01", "02", "03", "04"].map(|day| {
        let at = |hour: u32| format!("2027-03-{day}T{hour}:00:00+05:00");
        clinic.own(&event(&at(13), &at(14)))
    });
    clinic.pull().await.unwrap();
    clinic.list_one_by_one();
    clinic.delete(&ids[1]);
    clinic.google.expire_sync_tokens();
    clinic.sql("update calendars set sync_token = null").await;
    for _ in 0..2 {
        pull_one_page(&clinic).await;
        assert_eq!(clinic.taken().await.len(), 4);
    }
    clinic.pull().await.unwrap();
    assert_eq!(
        clinic.taken().await,
        [
            "03-01 13:00 to 03-01 14:00",
            "03-03 13:00 to 03-03 14:00",
            "03-04 13:00 to 03-04 14:00"
        ]
    );
}

#[tokio::test]
async fn a_listing_that_lacks_too_much_frees_nothing() {
    let (clinic, booked) = Clinic::with(12).await;
    let own = clinic.own(&days("2027-06-05", "2027-06-06"));
    clinic.pull().await.unwrap();
    assert_eq!(clinic.taken().await.len(), 13);
    for one in &booked {
        clinic.delete(&one.google_calendar_event_id);
    }
    clinic.delete(&own);
    clinic.google.expire_sync_tokens();
    assert!(clinic.pull().await.unwrap().mass_cancel_held);
    assert_eq!(clinic.taken().await.len(), 13);
    clinic.pull_confirming(true).await.unwrap();
    assert!(clinic.taken().await.is_empty());
}

#[tokio::test]
async fn in_another_zone_days_are_laid_out_anew_without_asking_google_for_them() {
    let mut clinic = Clinic::open().await;
    clinic.own(&days("2027-03-05", "2027-03-06"));
    let lunch = event("2027-03-01T13:00:00+05:00", "2027-03-01T14:00:00+05:00");
    clinic.own(&with(lunch, "recurrence", json!(["RRULE:FREQ=WEEKLY;COUNT=1"])));
    clinic.pull().await.unwrap();
    clinic.set_zone(chrono_tz::Europe::London);
    clinic.google.clear_requests();
    assert_eq!(
        clinic.taken_once_pulled().await,
        ["03-01 08:00 to 03-01 09:00", "03-05 00:00 to 03-06 00:00"]
    );
    assert_eq!(clinic.google.count("events.list"), clinic.google.requests().len());
}

#[tokio::test]
async fn a_series_is_laid_out_two_years_ahead_and_further_when_the_month_is_over() {
    let clinic = Clinic::open().await;
    let lunch = event("2026-01-05T13:00:00+05:00", "2026-01-05T14:00:00+05:00");
    clinic.own(&with(lunch, "recurrence", json!(["RRULE:FREQ=WEEKLY"])));
    clinic.pull().await.unwrap();
    let horizon =
        "select max(upper(busy)) > now() + interval '2 years' - interval '8 days' as far from busy_events";
    assert!(clinic.rows(horizon).await[0].get::<_, bool>("far"));
    // As it was laid out by a run of a month ago.
    clinic
        .sql(
            "update calendars set busy_until = busy_until - interval '1 month';
             update busy_events set busy = busy * tstzmultirange(tstzrange(null, now() + interval '23 months'))",
        )
        .await;
    assert!(!clinic.rows(horizon).await[0].get::<_, bool>("far"));
    clinic.pull().await.unwrap();
    assert!(clinic.rows(horizon).await[0].get::<_, bool>("far"));
    clinic.check_pull_writes_nothing().await;
}

#[tokio::test]
async fn no_title_and_no_text_of_a_persons_own_event_is_stored() {
    let clinic = Clinic::open().await;
    let mut event = event("2027-03-01T13:00:00+05:00", "2027-03-01T14:00:00+05:00");
    event["summary"] = json!("Secretive");
    event["description"] = json!("Secretive");
    event["location"] = json!("Secretive");
    clinic.own(&event);
    clinic.pull().await.unwrap();
    assert!(!clinic.taken().await.is_empty());
    let rows = clinic.everything().await;
    let (stored, _) = rows.split_at(rows.len() - 1);
    assert!(!stored.concat().contains("Secretive"));
}

#[tokio::test]
async fn nothing_of_a_pull_that_lost_its_lease_is_kept() {
    let clinic = Clinic::open().await;
    clinic.pull().await.unwrap();
    clinic.own(&event("2027-03-01T13:00:00+05:00", "2027-03-01T14:00:00+05:00"));
    // The lease is taken away where the record of the pull would need it.
    clinic
        .sql(
            "create function lose_lease() returns trigger language plpgsql as $$ begin
                 update calendars set lease_owner = gen_random_uuid(); return new; end $$;
             create trigger lose_lease after insert on busy_events execute function lose_lease()",
        )
        .await;
    assert!(clinic.pull().await.is_err());
    assert!(clinic.taken().await.is_empty());
    clinic
        .sql("drop trigger lose_lease on busy_events; update calendars set lease_owner = null, lease_until = null")
        .await;
    clinic.pull().await.unwrap();
    assert_eq!(clinic.taken().await.len(), 1);
}

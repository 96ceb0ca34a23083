//! What is tried again, what is not, and what is known about a write whose answer was lost.

use std::time::Duration;

use local::google::{Access, Fault, Outage};
use shared::deadline::Deadline;
use shared::google::{
    ApiUrl, Client, Error, EventPatch, Gone, ListedEvent, Outcome, ServiceAccount, Transient,
};

use super::{CALENDAR, ample, check_up, get, insert, start};

#[tokio::test]
async fn passing_problems_pass_unnoticed() {
    for (status, reason) in [
        (403, "rateLimitExceeded"),
        (403, "userRateLimitExceeded"),
        (429, "rateLimitExceeded"),
        (500, "backendError"),
        (502, "backendError"),
        (503, "backendError"),
        (504, "backendError"),
    ] {
        let (google, client) = start().await;
        google.fail(Fault::on("events.insert").refuse(status, reason).times(1));
        insert(&client, "0190a").await;
        assert_eq!(google.count("events.insert"), 2, "{status} {reason}");
    }
    let (google, client) = start().await;
    google.fail(Fault::on("events.insert").disconnect().times(2));
    insert(&client, "0190a").await;
    assert_eq!(google.count("events.insert"), 3);
}

#[tokio::test]
async fn a_problem_that_stays_is_given_up_after_four_tries() {
    let (google, client) = start().await;
    google.fail(Fault::on("calendars.get").refuse(503, "backendError"));
    let cause = Transient::ServerError(503);
    let outcome = Outcome::NotApplied;
    let read = client.get_calendar(CALENDAR, ample()).await;
    assert_eq!(read, Err(Error::Retry { cause, outcome }));
    assert_eq!(google.count("calendars.get"), 4);
}

#[tokio::test]
async fn refusals_for_good_are_not_repeated() {
    let (google, client) = start().await;
    google.fail(Fault::on("events.insert").refuse(403, "quotaExceeded").times(1));
    let quota = client.insert_event(CALENDAR, &check_up("0190a"), ample()).await;
    assert!(matches!(
        quota,
        Err(Error::QuotaExceeded {
            outcome: Outcome::NotApplied
        })
    ));
    google.fail(Fault::on("events.insert").refuse(400, "invalid").times(1));
    let invalid = client.insert_event(CALENDAR, &check_up("0190a"), ample()).await;
    assert!(matches!(invalid, Err(Error::Refused(_))));
    assert_eq!(google.count("events.insert"), 2);
}

#[tokio::test]
async fn what_is_forbidden_of_an_event_is_about_the_calendar_only_where_we_may_not_write() {
    let (google, client) = start().await;
    let event = insert(&client, "0190a").await;
    google.fail(Fault::on("events.delete").refuse(403, "forbidden"));
    let delete = async || client.delete_event(CALENDAR, "0190a", &event.etag, ample()).await;
    assert!(matches!(delete().await, Err(Error::Refused(_))));
    google.share(CALENDAR, Access::Reader);
    assert_eq!(delete().await, Err(Error::Unshared));
    google.share(CALENDAR, Access::None);
    assert_eq!(delete().await, Err(Error::Unshared));
    assert_eq!(google.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_pause_is_kept_if_there_is_time_and_handed_on_if_there_is_not() {
    let (google, client) = start().await;
    let too_many = Fault::on("calendars.get")
        .refuse(429, "rateLimitExceeded")
        .times(1);
    google.fail(too_many.clone().retry_after("1"));
    assert!(client.get_calendar(CALENDAR, ample()).await.is_ok());

    google.clear_requests();
    google.fail(too_many.retry_after("3600"));
    let after = Duration::from_hours(1);
    let pause = Error::RetryAfter {
        cause: Some(Transient::RateLimited),
        after,
        outcome: Outcome::NotApplied,
    };
    assert_eq!(client.get_calendar(CALENDAR, ample()).await, Err(pause));
    assert_eq!(google.count("calendars.get"), 1);
}

/// The second try runs into the first one's effect, and that is what the caller is told.
#[tokio::test]
async fn a_write_whose_answer_was_lost_shows_in_the_next_try() {
    let (google, client) = start().await;
    google.fail(Fault::on("events.insert").after().disconnect().times(1));
    let inserted = client.insert_event(CALENDAR, &check_up("0190a"), ample()).await;
    assert_eq!(inserted, Err(Error::AlreadyExists));

    let Ok(ListedEvent::Live(event)) = get(&client, "0190a").await else {
        panic!("not inserted");
    };
    google.fail(Fault::on("events.patch").after().disconnect().times(1));
    let patch = EventPatch {
        summary: Some("New".to_owned()).into(),
        ..EventPatch::default()
    };
    let patched = client
        .patch_event(CALENDAR, "0190a", &patch, &event.etag, ample())
        .await;
    assert_eq!(patched, Err(Error::PreconditionFailed));

    let Ok(ListedEvent::Live(event)) = get(&client, "0190a").await else {
        panic!("gone");
    };
    assert_eq!(event.summary.as_deref(), Some("New"));
    google.fail(Fault::on("events.delete").after().disconnect().times(1));
    let deleted = client.delete_event(CALENDAR, "0190a", &event.etag, ample()).await;
    assert_eq!(deleted, Err(Error::Gone(Gone::Deleted)));
}

#[tokio::test]
async fn a_lost_answer_is_remembered_whatever_the_later_tries_say() {
    let (google, client) = start().await;
    google.fail(Fault::on("events.insert").after().disconnect().times(1));
    google.fail(Fault::on("events.insert").refuse(429, "rateLimitExceeded"));
    let inserted = client.insert_event(CALENDAR, &check_up("0190a"), ample()).await;
    let cause = Transient::RateLimited;
    let outcome = Outcome::Unknown;
    assert_eq!(inserted, Err(Error::Retry { cause, outcome }));
    assert!(google.count("events.insert") > 1);

    google.heal();
    google.fail(Fault::on("events.insert").after().disconnect().times(1));
    google.fail(Fault::on("events.insert").refuse(403, "requiredAccessLevel"));
    let inserted = client.insert_event(CALENDAR, &check_up("0190b"), ample()).await;
    assert!(inserted.unwrap_err().outcome_unknown());
}

#[tokio::test]
async fn a_call_that_hangs_ends_at_the_deadline() {
    let (google, client) = start().await;
    // The token and the connection are there before the clock runs.
    insert(&client, "0190a").await;
    google.fail(Fault::on_any().hang());
    let soon = || Deadline::after(Duration::from_millis(400));
    let outcome = Outcome::NotApplied;
    let read = client.get_calendar(CALENDAR, soon()).await;
    assert_eq!(read, Err(Error::Unreachable { outcome }));
    let written = client.insert_event(CALENDAR, &check_up("0190b"), soon()).await;
    assert!(written.unwrap_err().outcome_unknown());
    google.heal();
}

#[tokio::test]
async fn nothing_is_begun_when_the_time_is_up() {
    let (google, client) = start().await;
    let now = Deadline::after(Duration::ZERO);
    let outcome = Outcome::NotApplied;
    let written = client.insert_event(CALENDAR, &check_up("0190a"), now).await;
    assert_eq!(written, Err(Error::Unreachable { outcome }));
    assert!(google.requests().is_empty());
}

#[tokio::test]
async fn a_google_that_is_down_is_unreachable_and_comes_back() {
    let (google, client) = start().await;
    google.set_outage(Outage::Closed);
    let outcome = Outcome::NotApplied;
    let soon = Deadline::after(Duration::from_secs(1));
    assert_eq!(
        client.get_calendar(CALENDAR, soon).await,
        Err(Error::Unreachable { outcome })
    );
    google.heal();
    assert!(client.get_calendar(CALENDAR, ample()).await.is_ok());
}

/// Nobody listens at the API's address, so no write can have arrived there.
#[tokio::test]
async fn a_write_that_never_left_is_known_to_have_no_effect() {
    let (google, _) = start().await;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let nowhere = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let account = ServiceAccount::parse(&google.service_account_json()).unwrap();
    let client = Client::new(ApiUrl::parse(&nowhere).unwrap(), Some(account));
    let outcome = Outcome::NotApplied;
    let soon = Deadline::after(Duration::from_secs(2));
    let written = client.insert_event(CALENDAR, &check_up("0190a"), soon).await;
    assert_eq!(written, Err(Error::Unreachable { outcome }));
}

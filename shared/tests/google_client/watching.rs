//! Notification channels.

use std::time::Duration;

use local::google::Fault;
use shared::google::{Error, NewChannel};

use super::{CALENDAR, ample, start};

fn channel(id: &str) -> NewChannel<'_> {
    NewChannel {
        id,
        address: "https://hooks.example.com/calendar/webhook",
        token: "keyed",
        lifetime: Duration::from_hours(7 * 24),
    }
}

#[tokio::test]
async fn a_channel_is_opened_and_may_be_closed_twice() {
    let (google, client) = start().await;
    let opened = client
        .watch_events(CALENDAR, &channel("channel-1"), ample())
        .await
        .unwrap();
    assert_eq!(opened.id, "channel-1");
    assert!(opened.expiration > google.now());
    for _ in 0..2 {
        let stopped = client
            .stop_channel("channel-1", &opened.resource_id, ample())
            .await;
        assert_eq!(stopped, Ok(()));
    }
    assert_eq!(google.channels()[0]["live"], false);
    assert_eq!(google.violations(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_calendar_that_cannot_be_watched_says_so_for_good() {
    let (google, client) = start().await;
    google.refuse_push(CALENDAR, true);
    let refused = client
        .watch_events(CALENDAR, &channel("channel-1"), ample())
        .await;
    let Err(Error::Refused(refusal)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refusal.reason.as_str(), "pushNotSupportedForRequestedResource");
}

#[tokio::test]
async fn a_channel_whose_answer_was_lost_is_not_asked_for_again_under_its_id() {
    let (google, client) = start().await;
    google.fail(Fault::on("events.watch").after().disconnect().times(1));
    let lost = client
        .watch_events(CALENDAR, &channel("channel-1"), ample())
        .await;
    assert!(lost.unwrap_err().outcome_unknown());
    assert_eq!(google.count("events.watch"), 1);
}

//! Renewers killed between two effects. Whatever is left, there is a channel to rely on, and after the next runs no other.

use super::{ADDRESS, Watched, ours, renew};
use crate::process::{Point, Process};

const OPENING: &str = "insert into watch_channels (id, calendar_id";
const GRANTED: &str = "set resource_id = $2, expires_at = $3";
const STOPPED: &str = "set state = 'stopped' where id = $1";

#[tokio::test]
async fn killed_before_google_was_asked_the_old_channel_lives_on() {
    killed(Point::before(OPENING)).await;
    killed(Point::after(OPENING)).await;
    killed(Point::before_call("events.watch")).await;
}

#[tokio::test]
async fn killed_before_the_grant_is_recorded_the_granted_channel_is_not_forgotten() {
    killed(Point::after_call("events.watch")).await;
    killed(Point::before(GRANTED)).await;
}

#[tokio::test]
async fn killed_before_the_old_channel_is_stopped_it_is_stopped_later() {
    killed(Point::after(GRANTED)).await;
    killed(Point::before_call("channels.stop")).await;
    killed(Point::after_call("channels.stop")).await;
    killed(Point::before(STOPPED)).await;
    killed(Point::after(STOPPED)).await;
}

/// Kills a run there that replaces a channel, and lets others take over.
async fn killed(point: Point) {
    let case = format!("killed at {point:?}");
    let watched = Watched::open().await;
    watched.let_hours_pass(135).await;
    {
        let process = Process::start(&watched.clinic).await;
        let watch = watched.watch(process.sync().db);
        process.kill(point, renew(&watch, Some(ADDRESS), &ours())).await;
    }
    watched.clinic.google.release();
    let live = watched.live();
    assert!(!live.is_empty(), "{case}");
    // Whichever is live may tell of a change, and is believed or is known as one to be stopped.
    for channel_id in &live {
        watched.note_at(channel_id, 50, "exists").await;
    }
    for _ in 0..2 {
        watched.run().await;
        assert!(!watched.live().is_empty(), "{case}");
        watched
            .clinic
            .sql("update watch_channels set created_at = created_at - interval '11 minutes'")
            .await;
    }
    watched.run().await;
    watched.one_live().await;
    assert_eq!(watched.states("opening").await, [] as [&str; 0], "{case}");
}

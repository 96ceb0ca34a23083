//! What Google sends to the function URL of `calendar-webhook`.

use serde_json::json;

use crate::scene::{Scene, read};

/// The channel that the notifications are of.
const OPEN: &str = "insert into calendars (id) values ('clinic@example.com');
    insert into watch_channels (id, calendar_id, address, resource_id, expires_at, state)
    values ('0190f0c2-0000-7000-8000-000000000001', 'clinic@example.com', 'https://klmnopqrst.lambda-url.us-east-1.on.aws/',
        'exampleResourceId', now() + interval '7 days', 'live')";

#[tokio::test]
async fn the_first_message_of_a_channel_tells_of_no_change() {
    let scene = Scene::of("calendar-webhook/first-message").await;
    scene.sql(OPEN).await;
    assert_eq!(accepted(&scene).await, (1, 0));
    assert!(scene.told().is_empty());
}

#[tokio::test]
async fn a_change_is_recorded_and_told() {
    let scene = Scene::of("calendar-webhook/change").await;
    scene.sql(OPEN).await;
    assert_eq!(accepted(&scene).await, (4711, 1));
    let payload = "scheduled-sync/calendar-changed";
    scene.has_told(payload, &[read(payload)["detail"].take()]).await;
}

#[tokio::test]
async fn a_change_of_a_channel_that_nobody_knows_is_accepted_and_the_channel_will_be_stopped() {
    let scene = Scene::of("calendar-webhook/change").await;
    assert_eq!(scene.request().await.status, 200);
    let channel = scene.row("select state, resource_id from watch_channels").await;
    assert_eq!(channel.get::<_, &str>("state"), "stopping");
    assert_eq!(channel.get::<_, &str>("resource_id"), "exampleResourceId");
    assert!(scene.told().is_empty());
}

#[tokio::test]
async fn what_is_forged_is_refused_and_changes_nothing() {
    let scene = Scene::of("calendar-webhook/forged").await;
    scene.sql(OPEN).await;
    scene.request().await.is_problem(403, "bad_channel_token");
    assert_eq!(recorded(&scene).await, (0, 0));
    assert!(scene.told().is_empty());
}

#[tokio::test]
async fn googles_fetcher_may_come() {
    let scene = Scene::of("calendar-webhook/robots").await;
    let response = scene.request().await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(response.body, json!("User-agent: *\nAllow: /calendar/webhook\n"));
}

/// Sends the notification and checks that it is accepted; what is recorded then.
async fn accepted(scene: &Scene) -> (i64, i64) {
    let response = scene.request().await;
    assert_eq!((response.status, response.body), (200, json!("")));
    recorded(scene).await
}

/// The number of the channel's last message, and how many changes its calendar was told of.
async fn recorded(scene: &Scene) -> (i64, i64) {
    let query = "select w.last_message_number, c.change_seq
        from watch_channels w join calendars c on c.id = w.calendar_id";
    let row = scene.row(query).await;
    (row.get(0), row.get(1))
}

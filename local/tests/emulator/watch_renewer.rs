//! The event by which the hourly schedule starts `watch-renewer`.

use serde_json::{Value, json};

use crate::scene::{Scene, read};

#[tokio::test]
async fn the_schedule_has_a_channel_opened_and_then_lets_it_live() {
    let scene = Scene::of("watch-renewer/schedule").await;
    assert_eq!(scene.invoke().await, json!({"calendars": 1}));
    let channel = the_live_one(&scene);
    let address = &read("env.example")["WatchRenewer"]["WEBHOOK_URL"];
    assert_eq!(&channel["address"], address);
    let stored = scene
        .row("select id, address, calendar_id, state from watch_channels")
        .await;
    assert_eq!(channel["id"], stored.get::<_, &str>("id"));
    assert_eq!(*address, stored.get::<_, &str>("address"));
    assert_eq!(channel["calendar_id"], stored.get::<_, &str>("calendar_id"));
    assert_eq!(stored.get::<_, &str>("state"), "live");

    assert_eq!(scene.invoke().await, json!({"calendars": 1}));
    assert_eq!(the_live_one(&scene)["id"], channel["id"]);
    assert_eq!(scene.google.violations(), Vec::<String>::new());
}

/// The only channel that Google was ever asked for.
fn the_live_one(scene: &Scene) -> Value {
    let mut channels = scene.google.channels();
    assert_eq!(channels.len(), 1, "{channels:?}");
    assert_eq!(channels[0]["live"], true);
    channels.remove(0)
}

//! Watch channels and what they send.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use local::google::{DEFAULT_CALENDAR, Delivery, StandIn};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::client::{Answer, Client, half_hour, reason, start};

/// A web hook that refuses the first few messages with 503 and passes on the headers of the rest.
struct Hook {
    address: String,
    messages: UnboundedReceiver<HeaderMap>,
    refusals: Arc<AtomicU32>,
}

impl Hook {
    async fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = format!("http://{}/hook", listener.local_addr().unwrap());
        let (sender, messages) = unbounded_channel();
        let refusals = Arc::new(AtomicU32::new(0));
        let left = Arc::clone(&refusals);
        let receive = move |headers: HeaderMap, body: String| async move {
            assert_eq!(body, "", "a notification has no body");
            let refuse = left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
            if refuse {
                return StatusCode::SERVICE_UNAVAILABLE;
            }
            sender.send(headers).unwrap();
            StatusCode::OK
        };
        let router = Router::new().route("/hook", axum::routing::post(receive));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            messages,
            refusals,
        }
    }

    async fn next(&mut self) -> HeaderMap {
        tokio::time::timeout(Duration::from_secs(30), self.messages.recv())
            .await
            .unwrap()
            .unwrap()
    }

    fn is_quiet(&mut self) -> bool {
        self.messages.try_recv().is_err()
    }
}

async fn watch(client: &Client, body: Value) -> Answer {
    client.events(Method::POST, "/watch", Some(body)).await
}

async fn stop(client: &Client, channel: &Value) -> Answer {
    let body = json!({"id": channel["id"], "resourceId": channel["resourceId"]});
    client
        .call(Method::POST, "/channels/stop", Some(body), None)
        .await
        .unwrap()
}

fn channel(id: &str, address: &str) -> Value {
    json!({"id": id, "type": "web_hook", "address": address, "token": "secret"})
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map(|value| value.to_str().unwrap())
        .unwrap_or_default()
}

fn number(headers: &HeaderMap) -> u64 {
    text(headers, "x-goog-message-number").parse().unwrap()
}

fn add(google: &StandIn) {
    google
        .person()
        .add(DEFAULT_CALENDAR, &half_hour("Lunch", "2026-12-01T13:00:00+05:00"))
        .unwrap();
}

#[tokio::test]
async fn a_channel_says_hello_and_then_tells_of_each_change() {
    let (google, client) = start().await;
    let mut hook = Hook::open().await;
    let (status, opened) = watch(&client, channel("one", &hook.address)).await;
    assert_eq!(status, 200, "{opened}");
    let hello = hook.next().await;
    assert_eq!(
        (text(&hello, "x-goog-resource-state"), number(&hello)),
        ("sync", 1)
    );
    assert_eq!(text(&hello, "x-goog-channel-id"), "one");
    assert_eq!(text(&hello, "x-goog-channel-token"), "secret");
    assert_eq!(
        text(&hello, "x-goog-resource-id"),
        opened["resourceId"].as_str().unwrap()
    );
    assert_eq!(
        text(&hello, "x-goog-resource-uri"),
        opened["resourceUri"].as_str().unwrap()
    );
    assert!(text(&hello, "x-goog-channel-expiration").ends_with("GMT"));

    add(&google);
    let told = hook.next().await;
    assert_eq!(text(&told, "x-goog-resource-state"), "exists");
    client
        .insert(half_hour("Check-up", "2026-12-01T09:00:00+05:00"))
        .await;
    assert!(number(&hook.next().await) > number(&told));
    assert_eq!(google.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_refused_message_comes_again() {
    let (_google, client) = start().await;
    let mut hook = Hook::open().await;
    hook.refusals.store(2, Ordering::SeqCst);
    watch(&client, channel("one", &hook.address)).await;
    assert_eq!(number(&hook.next().await), 1);
}

#[tokio::test]
async fn a_stopped_or_lapsed_channel_is_silent() {
    let (google, client) = start().await;
    let mut hook = Hook::open().await;
    let first = watch(&client, channel("one", &hook.address)).await.1;
    hook.next().await;
    let foreign = json!({"id": "one", "resourceId": "other"});
    assert_eq!(reason(&stop(&client, &foreign).await), (404, "notFound"));
    assert_eq!(stop(&client, &first).await, (204, Value::Null));
    assert_eq!(reason(&stop(&client, &first).await), (404, "notFound"));
    add(&google);

    let mut short = channel("two", &hook.address);
    short["params"] = json!({"ttl": "60"});
    watch(&client, short).await;
    assert_eq!(
        text(&hook.next().await, "x-goog-channel-id"),
        "two",
        "nothing came of the change before"
    );
    google.advance(Duration::from_secs(61));
    add(&google);
    watch(&client, channel("three", &hook.address)).await;
    assert_eq!(text(&hook.next().await, "x-goog-channel-id"), "three");
    assert!(hook.is_quiet());
}

#[tokio::test]
async fn the_life_of_a_channel_is_what_the_answer_says() {
    let (google, client) = start().await;
    let hook = Hook::open().await;
    let lasts = async |id: &str, wish: Value| {
        let mut body = channel(id, &hook.address);
        body.as_object_mut()
            .unwrap()
            .extend(wish.as_object().unwrap().clone());
        let answer = watch(&client, body).await.1;
        let expiration: i64 = answer["expiration"].as_str().unwrap().parse().unwrap();
        (expiration - google.now().timestamp_millis() + 30_000) / 60_000
    };
    assert_eq!(lasts("a", json!({})).await, 7 * 24 * 60);
    assert_eq!(
        lasts("b", json!({"params": {"ttl": "9999999"}})).await,
        7 * 24 * 60
    );
    assert_eq!(lasts("c", json!({"params": {"ttl": "600"}})).await, 10);
    let at = (google.now().timestamp_millis() + 1_200_000).to_string();
    assert_eq!(lasts("d", json!({"expiration": at})).await, 20);
}

#[tokio::test]
async fn a_channel_that_google_would_refuse_is_refused() {
    let (google, client) = start().await;
    let address = "https://hook.example.com/";
    assert_eq!(watch(&client, channel("one", address)).await.0, 200);
    for (body, expected) in [
        (channel("one", address), "channelIdNotUnique"),
        (channel("", address), "invalid"),
        (channel("a b", address), "invalid"),
        (channel(&"x".repeat(65), address), "invalid"),
        (
            channel("two", "http://hook.example.com/"),
            "push.webhookUrlNotHttps",
        ),
        (channel("two", "hook"), "push.webhookUrlNotHttps"),
        (
            json!({"id": "two", "type": "email", "address": address}),
            "channelTypeUnknown",
        ),
        (
            json!({"id": "two", "type": "web_hook", "address": address, "token": "x".repeat(257)}),
            "invalid",
        ),
        (
            json!({"id": "two", "type": "web_hook", "address": address, "expiration": "1"}),
            "invalid",
        ),
    ] {
        assert_eq!(
            reason(&watch(&client, body.clone()).await),
            (400, expected),
            "{body}"
        );
    }
    google.refuse_push(DEFAULT_CALENDAR, true);
    let refused = watch(&client, channel("two", address)).await;
    assert_eq!(reason(&refused), (400, "pushNotSupportedForRequestedResource"));
}

#[tokio::test]
async fn messages_can_be_dropped_doubled_and_delayed() {
    let (google, client) = start().await;
    let mut hook = Hook::open().await;
    google.set_delivery(Delivery::Drop);
    watch(&client, channel("one", &hook.address)).await;
    google.set_delivery(Delivery::Double);
    add(&google);
    let first = number(&hook.next().await);
    assert!(first > 1);
    assert_eq!(number(&hook.next().await), first);
    google.set_delivery(Delivery::Delay);
    add(&google);
    assert!(hook.is_quiet());
    google.release();
    assert!(number(&hook.next().await) > first);
}

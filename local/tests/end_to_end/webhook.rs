//! The webhook as a stranger, a faulty sender and Google itself reach it: by way of a function URL, as a real binary.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stack::{Stack, until};

/// Stands in everything that a stranger sends; none of it may get into a log.
const MARK: &str = "stranger";

const ID: &str = "x-goog-channel-id";
const TOKEN: &str = "x-goog-channel-token";
const NUMBER: &str = "x-goog-message-number";
const RESOURCE: &str = "x-goog-resource-id";
const STATE: &str = "x-goog-resource-state";

#[tokio::test]
async fn the_webhook_answers_as_promised_whatever_comes() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(&folder).await;
    stack.keep_private(MARK);
    let hook = Hook::open(&stack).await;

    what_is_no_notification_is_refused(&hook).await;
    what_bears_no_good_token_is_refused(&hook).await;
    other_methods_and_paths_have_their_answers(&hook).await;
    assert_eq!(hook.recorded().await, (0, 0), "nothing of that was recorded");
    a_change_counts_once(&hook).await;
    the_answer_never_waits_on_a_pull(&hook).await;
    channels_that_are_not_ours_are_stopped(&hook).await;

    nothing_raw_was_logged(&folder);
    stack.end().await;
}

async fn what_is_no_notification_is_refused(hook: &Hook<'_>) {
    for name in [ID, NUMBER, RESOURCE, STATE] {
        let mut missing = hook.notification(5);
        missing.remove(name);
        hook.expect(missing, 400, "not_a_notification").await;
        hook.expect(hook.with(name, b""), 400, "not_a_notification").await;
        // What is not ASCII, and what is not even UTF-8.
        hook.expect(hook.with(name, "é".as_bytes()), 400, "not_a_notification")
            .await;
        hook.expect(hook.with(name, b"\xff\x9b31m"), 400, "not_a_notification")
            .await;
    }
    for number in [
        "0",
        "-1",
        "9223372036854775808",
        "1e3",
        "1.5",
        "seven",
        "5,5",
        "0x10",
    ] {
        hook.expect(hook.with(NUMBER, number.as_bytes()), 400, "not_a_notification")
            .await;
    }
    hook.expect(
        hook.with(ID, "x".repeat(65).as_bytes()),
        400,
        "not_a_notification",
    )
    .await;
    hook.expect(
        hook.with(RESOURCE, "x".repeat(2000).as_bytes()),
        400,
        "not_a_notification",
    )
    .await;
    // A function URL joins doubled ones: the number is none then, and the id is too long.
    for name in [NUMBER, ID] {
        let mut doubled = hook.notification(5);
        doubled.append(name, doubled[name].clone());
        hook.expect(doubled, 400, "not_a_notification").await;
    }
}

async fn what_bears_no_good_token_is_refused(hook: &Hook<'_>) {
    for token in [
        &b""[..],
        b"0",
        "é".as_bytes(),
        b"\xff",
        &[b'0'; 64],
        &[b'f'; 5000],
    ] {
        hook.expect(hook.with(TOKEN, token), 403, "bad_channel_token")
            .await;
    }
    let mut missing = hook.notification(5);
    missing.remove(TOKEN);
    hook.expect(missing, 403, "bad_channel_token").await;
    for id in [
        MARK,
        "a b",
        "a,b",
        "../..",
        "'; drop table calendars; --",
        "%00",
        "\u{5c}n",
    ] {
        hook.expect(hook.with(ID, id.as_bytes()), 403, "bad_channel_token")
            .await;
    }
    let mut doubled = hook.notification(5);
    doubled.append(TOKEN, doubled[TOKEN].clone());
    hook.expect(doubled, 403, "bad_channel_token").await;
}

async fn other_methods_and_paths_have_their_answers(hook: &Hook<'_>) {
    for method in ["GET", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "STRANGER"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = hook
            .send(method.clone(), "/calendar/webhook", hook.notification(5), "")
            .await;
        assert_eq!(answer.status(), 405, "{method}");
        assert_eq!(answer.headers()["allow"], "POST");
    }
    // On its own host; on this machine's one port, other paths are the API's.
    for path in [
        "",
        "/",
        "/calendar",
        "/calendar/webhook/",
        "//calendar/webhook",
        "/Calendar/Webhook",
        "/calendar%2Fwebhook",
        "/stranger%0A%1B%5B31m",
    ] {
        let path = format!("/lambda-url/calendar-webhook{path}?stranger=%0A%1B%5B31m");
        let answer = hook.send(Method::POST, &path, hook.notification(5), "").await;
        assert_eq!(answer.status(), 404, "{path}");
    }
    let robots = hook.send(Method::GET, "/robots.txt", HeaderMap::new(), "").await;
    assert_eq!(robots.status(), 200);
    assert_eq!(robots.headers()["content-type"], "text/plain; charset=utf-8");
    let text = robots.text().await.unwrap();
    assert!(text.contains("Allow: /calendar/webhook"), "{text}");
}

async fn a_change_counts_once(hook: &Hook<'_>) {
    // The confirmation of a channel starts no pull.
    hook.accepted(hook.with(STATE, b"sync")).await;
    assert_eq!(hook.recorded().await, (0, 0));

    let mut notification = hook.notification(7);
    notification.insert("x-odd", HeaderValue::from_bytes(b"stranger \xff\x9b31m").unwrap());
    hook.accepted(notification.clone()).await;
    assert_eq!(hook.recorded().await, (1, 1));
    let told = hook.told().await.pop().unwrap();
    assert_eq!(
        told,
        json!({"calendar_id": "clinic@example.com", "channel_id": hook.channel.id, "message_number": 7})
    );

    // Replayed, and overtaken by a later one: once a pull has covered the change, nobody is told of it again.
    hook.until_pulled().await;
    hook.accepted(notification).await;
    hook.accepted(hook.notification(6)).await;
    assert_eq!(hook.recorded().await, (1, 1));

    // A body says nothing, whatever its size.
    let body = MARK.repeat(1024 * 1024 / MARK.len());
    let answer = hook
        .send(Method::POST, "/calendar/webhook", hook.notification(8), &body)
        .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(hook.recorded().await, (2, 2));
}

async fn the_answer_never_waits_on_a_pull(hook: &Hook<'_>) {
    let fault = json!({"operation": "events.list", "answer": "hang"});
    hook.stack.google(Method::POST, "/faults", &fault).await;
    hook.accepted(hook.notification(9)).await;
    until("a pull that hangs", async || {
        let record = hook.stack.google(Method::GET, "/requests", &Value::Null).await;
        let hangs = |request: &Value| request["operation"] == "events.list" && request["status"].is_null();
        record["requests"]
            .as_array()
            .unwrap()
            .iter()
            .any(hangs)
            .then_some(())
    })
    .await;
    hook.accepted(hook.notification(10)).await;
    assert_eq!(hook.recorded().await, (4, 4));
    hook.stack.google(Method::DELETE, "/faults", &Value::Null).await;
    hook.stack.google(Method::POST, "/release", &Value::Null).await;
    hook.until_pulled().await;
}

async fn channels_that_are_not_ours_are_stopped(hook: &Hook<'_>) {
    // Its row is gone, as after a restored backup.
    let statement = format!("delete from watch_channels where id = '{}'", hook.channel.id);
    hook.database.batch_execute(&statement).await.unwrap();
    hook.accepted(hook.notification(11)).await;
    assert_eq!(hook.recorded().await, (4, 4), "it changes nothing");
    hook.check_stopped().await;

    // The token of one channel is not good for another, and a replaced channel changes nothing.
    let second = Channel::open(hook.stack).await;
    let other = HeaderValue::from_str(&second.token).unwrap();
    hook.expect(hook.with(TOKEN, other.as_bytes()), 403, "bad_channel_token")
        .await;
    hook.accepted(hook.notification(12)).await;
    assert_eq!(hook.recorded().await, (4, 4));
}

/// A log line is one line, whatever a stranger sends.
fn nothing_raw_was_logged(folder: &TempDir) {
    let log = std::fs::read(folder.path().join("log/functions.log")).unwrap();
    let log = String::from_utf8(log).unwrap();
    let raw = |c: char| c.is_control() && c != '\n' || c == '\u{ff}';
    // cargo-lambda colours its own lines.
    let mut ours = log.lines().filter(|line| line.starts_with('{'));
    assert_eq!(ours.find(|line| line.contains(raw)), None);
}

/// A channel that Google has granted.
struct Channel {
    id: String,
    token: String,
    resource_id: String,
}

impl Channel {
    /// Opens one by `setup-watch`; its token is known to Google alone.
    async fn open(stack: &Stack) -> Self {
        let address = json!({"webhook_url": format!("http://127.0.0.1:{}/calendar/webhook", stack.ports[0])});
        let (status, opened) = stack
            .api(Method::POST, "/calendar/setup-watch", Some(&address))
            .await;
        assert_eq!(status, 201, "{opened}");
        let record = stack.google(Method::GET, "/requests", &Value::Null).await;
        let mut requests = record["requests"].as_array().unwrap().iter();
        let watch = requests
            .find(|request| request["body"]["id"] == opened["channel_id"])
            .unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            id: text(&opened["channel_id"]),
            token: text(&watch["body"]["token"]),
            resource_id: text(&opened["resource_id"]),
        }
    }
}

/// What sends notifications in Google's place.
struct Hook<'a> {
    stack: &'a Stack,
    channel: Channel,
    database: tokio_postgres::Client,
    /// What was recorded and told before the first one.
    before: (i64, usize),
}

impl<'a> Hook<'a> {
    async fn open(stack: &'a Stack) -> Self {
        until("the first channel", async || {
            let (_, status) = stack.get("/calendar/status").await;
            (status["watch"]["active"] == true).then_some(())
        })
        .await;
        stack
            .google(Method::PUT, "/notifications", &json!({"mode": "drop"}))
            .await;
        let channel = Channel::open(stack).await;
        let mut hook = Self {
            stack,
            channel,
            database: stack.database().await,
            before: (0, 0),
        };
        hook.before = hook.recorded().await;
        hook
    }

    fn notification(&self, number: i64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (ID, self.channel.id.as_str()),
            (TOKEN, &self.channel.token),
            (NUMBER, &number.to_string()),
            (RESOURCE, &self.channel.resource_id),
            (STATE, "exists"),
        ] {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    /// A notification with one header changed.
    fn with(&self, name: &'static str, value: &[u8]) -> HeaderMap {
        let mut headers = self.notification(5);
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_bytes(value).unwrap(),
        );
        headers
    }

    async fn send(&self, method: Method, path: &str, headers: HeaderMap, body: &str) -> Response {
        let url = format!("http://127.0.0.1:{}{path}", self.stack.ports[0]);
        let request = Client::new().request(method, url).headers(headers);
        let sent = request.header("user-agent", MARK).body(body.to_owned()).send();
        let answer = tokio::time::timeout(Duration::from_mins(1), sent).await;
        let answer = answer.unwrap().unwrap();
        assert!(
            answer.headers().contains_key("x-request-id"),
            "a function answered"
        );
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        answer
    }

    #[track_caller]
    fn expect(&self, headers: HeaderMap, status: u16, code: &'static str) -> impl Future<Output = ()> {
        let what = format!("{headers:?}");
        async move {
            let answer = self.send(Method::POST, "/calendar/webhook", headers, "").await;
            let answered = answer.status();
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(
                (answered.as_u16(), &problem["code"]),
                (status, &json!(code)),
                "{what}"
            );
        }
    }

    async fn accepted(&self, headers: HeaderMap) {
        let answer = self.send(Method::POST, "/calendar/webhook", headers, "").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.text().await.unwrap(), "");
    }

    /// How many changes were recorded and how many told to the bus, since the first notification.
    async fn recorded(&self) -> (i64, usize) {
        let rows = self
            .database
            .query("select change_seq from calendars", &[])
            .await
            .unwrap();
        let changes: i64 = rows[0].get("change_seq");
        (changes - self.before.0, self.told().await.len() - self.before.1)
    }

    /// What the bus was told of calendars.
    async fn told(&self) -> Vec<Value> {
        let url = format!("http://127.0.0.1:{}/admin/entries", self.stack.ports[2]);
        let listing: Value = Client::new().get(url).send().await.unwrap().json().await.unwrap();
        let events = listing["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| &item["event"]);
        events
            .filter(|event| event["detail-type"] == "CalendarChanged")
            .map(|event| event["detail"].clone())
            .collect()
    }

    /// Waits until a pull has covered what was recorded.
    async fn until_pulled(&self) {
        let covered = "select from calendars where change_seq = pulled_seq";
        until("a pull that covers it", async || {
            self.database.query_opt(covered, &[]).await.unwrap().map(drop)
        })
        .await;
    }

    /// Checks that the 5-minute run, at the latest, tells Google to stop the channel.
    async fn check_stopped(&self) {
        self.stack.fire("auto-sync").await;
        let record = self.stack.google(Method::GET, "/requests", &Value::Null).await;
        let stops = |request: &Value| {
            request["operation"] == "channels.stop" && request["body"]["id"] == self.channel.id.as_str()
        };
        assert!(record["requests"].as_array().unwrap().iter().any(stops));
    }
}

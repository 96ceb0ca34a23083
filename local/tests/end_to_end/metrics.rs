//! What CloudWatch reads from the log: metrics in its embedded format, by every function, of all that happened.

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{Stack, until};

/// A metric as `function name dimension=value`; the dimension only where it has one beside the function.
const EXPECTED: [&str; 15] = [
    "appointments-api ColdStarts",
    "calendar-webhook ColdStarts",
    "calendar-webhook NotificationsRefused reason=forged",
    "calendar-webhook NotificationsRefused reason=malformed",
    "calendar-webhook NotificationsVerified",
    "scheduled-sync ChannelLifeLeft",
    "scheduled-sync ColdStarts",
    "scheduled-sync EventsParked",
    "scheduled-sync EventsPending",
    "scheduled-sync GoogleCalls outcome=success",
    "scheduled-sync PullDuration",
    "scheduled-sync PushDuration",
    "scheduled-sync Pushed change=created",
    "scheduled-sync SyncAge",
    "watch-renewer GoogleCalls outcome=success",
];

/// The names of the metrics that were written so far, after a look at the form of each document.
fn written(folder: &Path) -> BTreeSet<String> {
    let log = std::fs::read_to_string(folder.join("log/functions.log")).unwrap();
    let documents = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| !line["_aws"].is_null());
    let mut names = BTreeSet::new();
    for document in documents {
        assert!(document["_aws"]["Timestamp"].is_u64(), "{document}");
        let directive = &document["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "AppointmentSync");
        let dimensions = directive["Dimensions"][0].as_array().unwrap();
        let dimensions: Vec<_> = dimensions
            .iter()
            .map(|name| (name, document[name.as_str().unwrap()].as_str().unwrap()))
            .collect();
        for metric in directive["Metrics"].as_array().unwrap() {
            let name = metric["Name"].as_str().unwrap();
            assert!(
                document[name].is_number() || document[name].is_array(),
                "{document}"
            );
            assert!(metric["Unit"].is_string(), "{document}");
            let function = document["function"].as_str().unwrap();
            let own = dimensions
                .iter()
                .filter(|(dimension, _)| *dimension != "function")
                .map(|(dimension, value)| format!(" {}={value}", dimension.as_str().unwrap()));
            names.insert(format!("{function} {name}{}", own.collect::<String>()));
        }
    }
    names
}

#[tokio::test]
async fn what_happens_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(&folder).await;
    until("the first channel", async || {
        let (_, status) = stack.get("/calendar/status").await;
        (status["watch"]["active"] == true).then_some(())
    })
    .await;
    let booked = stack
        .book_and_see("clinic@example.com", "2030-01-07T09:00:00+05:00")
        .await;
    let room = json!({"location": "Room 2"});
    stack.google(Method::PATCH, &booked.event, &room).await;
    stack
        .until_appointment(&booked, "followed", |now| now["location"] == "Room 2")
        .await;
    let webhook = stack.url("/calendar/webhook");
    stack.client().post(&webhook).send().await.unwrap();
    let forged = stack
        .client()
        .post(&webhook)
        .header("x-goog-channel-id", "stranger")
        .header("x-goog-message-number", "1")
        .header("x-goog-resource-id", "stranger")
        .header("x-goog-resource-state", "exists");
    assert_eq!(forged.send().await.unwrap().status(), 403);
    stack.fire("auto-sync").await;

    until("every metric", async || {
        let written = written(folder.path());
        EXPECTED.iter().all(|name| written.contains(*name)).then_some(())
    })
    .await;
    stack.end().await;
}

//! The bus as the system sees it: through the real SDK on one side, as the target of invocations on the other.
#![expect(clippy::unwrap_used, reason = "a test that unwraps fails where it stands")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, RuleState};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use local::bus::{Bus, BusOptions};
use serde_json::{Value, json};
use tokio::sync::mpsc;

#[tokio::test]
async fn a_change_made_through_the_api_invokes_scheduled_sync_once() {
    let mut functions = Functions::start([]).await;
    let bus = Bus::start(BusOptions::for_tests(&functions.url)).await.unwrap();

    let answer = client(&bus)
        .put_events()
        .entries(changed("google_calendar"))
        .entries(changed("api"))
        .send()
        .await;

    assert_eq!(answer.unwrap().failed_entry_count(), 0);
    let (function, event) = functions.next().await;
    assert_eq!(function, "scheduled-sync");
    assert_eq!(event["detail"]["origin"], "api");
    assert_eq!(event["detail-type"], "AppointmentChanged");
    assert_eq!(event["source"], "appointment-sync");
    assert_eq!(event["version"], "0");
    assert_eq!(event["resources"], json!([]));
    let rules: Vec<Value> = bus
        .entries()
        .into_iter()
        .map(|entry| entry["rules"].clone())
        .collect();
    assert_eq!(rules, [json!([]), json!(["appointment-changed"])]);
}

#[tokio::test]
async fn a_failed_run_is_tried_twice_more_with_the_same_event() {
    let mut functions = Functions::start([500, 500, 200]).await;
    let bus = Bus::start(BusOptions::for_tests(&functions.url)).await.unwrap();

    let outcome = tick(&bus, "renew-watches").await;

    assert_eq!(outcome["attempts"], 3);
    assert_eq!(outcome["delivered"], true);
    let (first, second, third) = (
        functions.next().await,
        functions.next().await,
        functions.next().await,
    );
    assert_eq!(first.0, "watch-renewer");
    assert_eq!(first.1["detail-type"], "Scheduled Event");
    assert_eq!(
        first.1["resources"],
        json!(["arn:aws:events:us-east-1:123456789012:rule/renew-watches"])
    );
    assert!(first == second && second == third);
}

#[tokio::test]
async fn after_the_third_failure_an_event_is_given_up() {
    let functions = Functions::start([500, 500, 500, 200]).await;
    let bus = Bus::start(BusOptions::for_tests(&functions.url)).await.unwrap();

    let outcome = tick(&bus, "auto-sync").await;

    assert_eq!(
        (&outcome["attempts"], &outcome["delivered"]),
        (&json!(3), &json!(false))
    );
}

#[tokio::test]
async fn the_rule_is_described_stopped_and_started() {
    let bus = Bus::start(BusOptions::for_tests("http://127.0.0.1:1"))
        .await
        .unwrap();
    let client = client(&bus);

    let rule = client.describe_rule().name("auto-sync").send().await.unwrap();
    assert_eq!(rule.state(), Some(&RuleState::Enabled));
    assert_eq!(rule.schedule_expression(), Some("rate(5 minutes)"));

    client.disable_rule().name("auto-sync").send().await.unwrap();
    let rule = client.describe_rule().name("auto-sync").send().await.unwrap();
    assert_eq!(rule.state(), Some(&RuleState::Disabled));

    client.enable_rule().name("auto-sync").send().await.unwrap();
    let rule = client.describe_rule().name("auto-sync").send().await.unwrap();
    assert_eq!(rule.state(), Some(&RuleState::Enabled));
}

#[tokio::test]
async fn a_rule_that_is_not_there_is_not_found() {
    let bus = Bus::start(BusOptions::for_tests("http://127.0.0.1:1"))
        .await
        .unwrap();
    let client = client(&bus);

    let error = client.describe_rule().name("other").send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());

    // Scheduled rules live on the default bus, whatever the name of the custom one.
    let error = client
        .enable_rule()
        .name("auto-sync")
        .event_bus_name("appointment-sync")
        .send()
        .await
        .unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn a_faulty_entry_fails_alone_and_eleven_are_refused() {
    let mut functions = Functions::start([]).await;
    let bus = Bus::start(BusOptions::for_tests(&functions.url)).await.unwrap();
    let client = client(&bus);

    let malformed = changed_with("not json");
    let answer = client
        .put_events()
        .entries(malformed)
        .entries(changed("api"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.failed_entry_count(), 1);
    assert_eq!(answer.entries()[0].error_code(), Some("MalformedDetail"));
    assert!(answer.entries()[1].event_id().is_some());
    functions.next().await;

    let many = vec![changed("api"); 11];
    let error = client
        .put_events()
        .set_entries(Some(many))
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        error.into_service_error().meta().code(),
        Some("ValidationException")
    );
}

#[tokio::test]
async fn it_fails_when_asked_to() {
    let bus = Bus::start(BusOptions::for_tests("http://127.0.0.1:1"))
        .await
        .unwrap();
    let client = client(&bus);

    set_fault(&bus, "fail_entries").await;
    let answer = client.put_events().entries(changed("api")).send().await.unwrap();
    assert_eq!(answer.failed_entry_count(), 1);

    set_fault(&bus, "unavailable").await;
    let error = client
        .put_events()
        .entries(changed("api"))
        .send()
        .await
        .unwrap_err();
    assert!(error.into_service_error().is_internal_exception());

    set_fault(&bus, "drop").await;
    let answer = client.put_events().entries(changed("api")).send().await.unwrap();
    assert_eq!(answer.failed_entry_count(), 0);
    assert_eq!(bus.entries().pop().unwrap()["rules"], json!([]));
}

fn changed(origin: &str) -> PutEventsRequestEntry {
    changed_with(&json!({"appointment_id": "a", "origin": origin}).to_string())
}

fn changed_with(detail: &str) -> PutEventsRequestEntry {
    PutEventsRequestEntry::builder()
        .source("appointment-sync")
        .detail_type("AppointmentChanged")
        .detail(detail)
        .event_bus_name("appointment-sync")
        .build()
}

fn client(bus: &Bus) -> Client {
    let config = aws_sdk_eventbridge::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .retry_config(aws_sdk_eventbridge::config::retry::RetryConfig::disabled())
        .endpoint_url(bus.url())
        .build();
    Client::from_conf(config)
}

async fn tick(bus: &Bus, rule: &str) -> Value {
    let url = format!("{}/admin/tick?rule={rule}", bus.url());
    reqwest::Client::new()
        .post(url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

async fn set_fault(bus: &Bus, fault: &str) {
    let request = reqwest::Client::new().put(format!("{}/admin/faults", bus.url()));
    let answer = request.json(&json!({"put_events": fault})).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// What stands in for the invoke API: takes each invocation down and answers with the next of the given codes.
struct Functions {
    url: String,
    invocations: mpsc::UnboundedReceiver<(String, Value)>,
}

#[derive(Clone)]
struct Script {
    answers: Arc<Mutex<VecDeque<u16>>>,
    invocations: mpsc::UnboundedSender<(String, Value)>,
}

impl Functions {
    /// Answers 200 once `answers` are used up.
    async fn start<const N: usize>(answers: [u16; N]) -> Self {
        let (sender, invocations) = mpsc::unbounded_channel();
        let script = Script {
            answers: Arc::new(Mutex::new(answers.into())),
            invocations: sender,
        };
        let app = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(Self::invoke))
            .with_state(script);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, invocations }
    }

    #[expect(clippy::unused_async, reason = "a handler is async")]
    async fn invoke(
        State(script): State<Script>,
        Path(name): Path<String>,
        axum::Json(event): axum::Json<Value>,
    ) -> StatusCode {
        script.invocations.send((name, event)).unwrap();
        let code = script.answers.lock().unwrap().pop_front().unwrap_or(200);
        StatusCode::from_u16(code).unwrap()
    }

    async fn next(&mut self) -> (String, Value) {
        self.invocations.recv().await.unwrap()
    }
}

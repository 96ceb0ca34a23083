//! Auto-sync and the bus through the real API: the same steps against moto's EventBridge and the local bus, and every
//! failure that EventBridge may answer with.

mod moto;
mod relay;

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{Stack, until};
use local::moto::call;
use moto::Moto;
use relay::{Mode, Relay};

const RULE: &str = "the-5-minute-rule";
const BUS: &str = "appointment-sync";

#[tokio::test]
async fn auto_sync_and_the_bus_work_against_an_event_bridge_that_is_not_ours() {
    let (relay, moto) = (Relay::start().await, Moto::start().await);
    let folder = tempfile::tempdir().unwrap();
    let relay_url = relay.url();
    let settings = [
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", relay_url.as_str()),
        ("AUTO_SYNC_RULE_NAME", RULE),
        ("EVENT_BUS_NAME", BUS),
    ];
    let stack = Stack::start_with(&folder, &settings).await;
    let local_bus = format!("http://127.0.0.1:{}", stack.ports[2]);

    moto.events("CreateEventBus", json!({"Name": BUS})).await;
    relay.set(Mode::To(moto.url().to_owned()));
    a_missing_rule_is_said_to_be_missing(&stack).await;
    moto.events(
        "PutRule",
        json!({"Name": RULE, "ScheduleExpression": "rate(5 minutes)"}),
    )
    .await;
    for event_bridge in [moto.url(), &local_bus] {
        relay.set(Mode::To(event_bridge.to_owned()));
        start_and_stop_switch_the_rule(&stack, event_bridge).await;
    }

    relay.set(Mode::To(moto.url().to_owned()));
    a_booking_is_told_with_the_contracts_fields(&stack, &moto).await;
    every_failure_is_a_clear_problem(&stack, &relay).await;
    stack.end().await;
}

async fn a_missing_rule_is_said_to_be_missing(stack: &Stack) {
    for (method, action) in &ACTIONS {
        expect(stack, method, action, 502, "auto_sync_rule_missing").await;
    }
    status_answers(stack).await;
}

async fn start_and_stop_switch_the_rule(stack: &Stack, event_bridge: &str) {
    let auto_sync = async |method: Method, action: &str| {
        let (status, answer) = stack
            .api(method, &format!("/calendar/auto-sync/{action}"), None)
            .await;
        assert_eq!(status, 200, "{action} at {event_bridge}: {answer}");
        assert_eq!(answer["interval_seconds"], 300);
        answer["running"].as_bool().unwrap()
    };
    let state = async || {
        let rule = call(
            event_bridge,
            "events",
            "AWSEvents.DescribeRule",
            &json!({"Name": RULE}),
        )
        .await;
        rule["State"].as_str().unwrap_or_default().to_owned()
    };
    assert!(auto_sync(Method::GET, "status").await);
    // Each twice: repeating it changes nothing.
    for (action, running, expected) in [("stop", false, "DISABLED"), ("start", true, "ENABLED")] {
        for _ in 0..2 {
            assert_eq!(auto_sync(Method::POST, action).await, running);
            assert_eq!(state().await, expected, "{action} at {event_bridge}");
        }
        assert_eq!(auto_sync(Method::GET, "status").await, running);
        let (_, status) = stack.get("/calendar/status").await;
        assert_eq!(status["auto_sync"]["running"], running);
    }
}

async fn a_booking_is_told_with_the_contracts_fields(stack: &Stack, moto: &Moto) {
    let queue = moto.queue_of(BUS, &json!({"source": ["appointment-sync"]})).await;
    let booked = stack.book("2030-01-07T09:00:00+05:00").await;
    let event = until("the event at moto", async || moto.receive(&queue).await).await;
    assert_eq!(event["source"], "appointment-sync");
    assert_eq!(event["detail-type"], "AppointmentChanged");
    assert_eq!(
        event["detail"],
        json!({
            "appointment_id": booked["id"], "calendar_id": "clinic@example.com", "version": 1,
            "change": "created", "origin": "api"
        })
    );
}

async fn every_failure_is_a_clear_problem(stack: &Stack, relay: &Relay) {
    let refusals = [
        ("AccessDeniedException", 400, 502, "auto_sync_access_denied"),
        ("UnrecognizedClientException", 400, 502, "auto_sync_access_denied"),
        ("ExpiredTokenException", 400, 502, "auto_sync_access_denied"),
        ("InvalidSignatureException", 400, 502, "auto_sync_access_denied"),
        ("ResourceNotFoundException", 400, 502, "auto_sync_rule_missing"),
        ("ManagedRuleException", 400, 502, "auto_sync_refused"),
        ("ValidationException", 400, 502, "auto_sync_refused"),
        (
            "ConcurrentModificationException",
            400,
            503,
            "event_bus_unreachable",
        ),
        ("ThrottlingException", 400, 503, "event_bus_unreachable"),
        ("InternalException", 500, 503, "event_bus_unreachable"),
    ];
    for (kind, status, answered, code) in refusals {
        // As it is written in full by some of Amazon's servers.
        let body = json!({"__type": format!("com.amazonaws.events#{kind}"), "message": "for a test"});
        relay.set(Mode::Answer(status, body.to_string()));
        // What may pass is tried for up to 3 s each time.
        let actions = if answered == 503 {
            &ACTIONS[1..2]
        } else {
            &ACTIONS[..]
        };
        for (method, action) in actions {
            let problem = expect(stack, method, action, answered, code).await;
            if code == "auto_sync_refused" {
                assert_eq!(problem["reason"], kind);
            }
        }
    }
    // As moto says it, which checks who may come in before it looks at the protocol.
    let in_xml = "<ErrorResponse><Errors><Error><Code>AccessDenied</Code></Error></Errors></ErrorResponse>";
    relay.set(Mode::Answer(403, in_xml.to_owned()));
    expect(stack, &Method::GET, "status", 502, "auto_sync_access_denied").await;
    for garbage in [
        Mode::Answer(200, "<html>".to_owned()),
        Mode::Answer(404, String::new()),
        Mode::Hang,
    ] {
        relay.set(garbage);
        expect(stack, &Method::GET, "status", 503, "event_bus_unreachable").await;
        status_answers(stack).await;
    }
    relay.close();
    expect(stack, &Method::POST, "stop", 503, "event_bus_unreachable").await;
    status_answers(stack).await;
    // What is told to nobody is found in the database.
    stack.book("2030-01-07T11:00:00+05:00").await;
}

const ACTIONS: [(Method, &str); 3] = [
    (Method::GET, "status"),
    (Method::POST, "start"),
    (Method::POST, "stop"),
];

async fn expect(stack: &Stack, method: &Method, action: &str, status: u16, code: &str) -> Value {
    let path = format!("/calendar/auto-sync/{action}");
    let (answered, problem) = stack.api(method.clone(), &path, None).await;
    assert_eq!(
        (answered, &problem["code"]),
        (status, &json!(code)),
        "{action}: {problem}"
    );
    problem
}

/// How things stand can be asked whatever EventBridge does.
async fn status_answers(stack: &Stack) {
    let (status, answer) = stack.get("/calendar/status").await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["auto_sync"]["running"], false);
}

//! The calls of the EventBridge API that the system makes, in the AWS JSON 1.1 protocol.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::admin::PutEventsFault;
use super::rules::{DEFAULT_BUS, Rule, Trigger, arn};
use super::{Shared, event, lock, remember};

const MOST_ENTRIES: usize = 10;
const MOST_BYTES: usize = 256 * 1024;

pub(super) fn routes(shared: Arc<Shared>) -> Router {
    Router::new().route("/", post(call)).with_state(shared)
}

/// A refusal as the SDK reads it: the type's name decides which error it becomes there.
struct Refusal {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl Refusal {
    fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind,
            message: message.into(),
        }
    }

    fn internal(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            kind: "InternalException",
            message: message.into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        answer(
            self.status,
            json!({"__type": self.kind, "message": self.message}).to_string(),
        )
    }
}

fn answer(status: StatusCode, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/x-amz-json-1.1".to_owned()),
        (
            header::HeaderName::from_static("x-amzn-requestid"),
            Uuid::new_v4().to_string(),
        ),
    ];
    (status, headers, body).into_response()
}

async fn call(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    if !headers.contains_key(header::AUTHORIZATION) {
        return Refusal::new(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        )
        .into_response();
    }
    let target = headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let outcome = match target.strip_prefix("AWSEvents.") {
        Some("PutEvents") => put_events(&shared, &body).await.map(|answer| answer.to_string()),
        Some("DescribeRule") => with_rule(&shared, &body, |rule| Ok(describe(&shared, rule).to_string())),
        Some("EnableRule") => with_rule(&shared, &body, |rule| set_enabled(&shared, rule, true)),
        Some("DisableRule") => with_rule(&shared, &body, |rule| set_enabled(&shared, rule, false)),
        _ => Err(Refusal::new(
            "UnknownOperationException",
            format!("not served here: {target}"),
        )),
    };
    outcome.map_or_else(IntoResponse::into_response, |body| answer(StatusCode::OK, body))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RuleRequest {
    name: String,
    event_bus_name: Option<String>,
}

fn with_rule(
    shared: &Shared,
    body: &[u8],
    act: impl FnOnce(&Rule) -> Result<String, Refusal>,
) -> Result<String, Refusal> {
    let request: RuleRequest = parse(body)?;
    let bus = bus_name(request.event_bus_name.as_deref());
    let rule = shared.rules.find(bus, &request.name).ok_or_else(|| {
        let message = format!("Rule {} does not exist on EventBus {bus}.", request.name);
        Refusal::new("ResourceNotFoundException", message)
    })?;
    act(rule)
}

fn describe(shared: &Shared, rule: &Rule) -> Value {
    let path = match rule.bus.as_str() {
        DEFAULT_BUS => rule.name.clone(),
        bus => format!("{bus}/{}", rule.name),
    };
    let mut answer = json!({
        "Name": rule.name,
        "Arn": arn("rule", &path),
        "EventBusName": rule.bus,
        "State": if shared.rules.is_enabled(rule) { "ENABLED" } else { "DISABLED" },
    });
    match &rule.trigger {
        Trigger::Pattern(pattern) => answer["EventPattern"] = pattern.text().into(),
        Trigger::Every(interval) => answer["ScheduleExpression"] = rate(interval.as_secs() / 60).into(),
    }
    answer
}

/// A schedule in EventBridge's words, which tell one minute from several.
fn rate(minutes: u64) -> String {
    if minutes == 1 {
        "rate(1 minute)".to_owned()
    } else {
        format!("rate({minutes} minutes)")
    }
}

fn set_enabled(shared: &Shared, rule: &Rule, enabled: bool) -> Result<String, Refusal> {
    shared
        .rules
        .set_enabled(rule, enabled)
        .map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(String::new())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    source: Option<String>,
    detail_type: Option<String>,
    detail: Option<String>,
    event_bus_name: Option<String>,
    /// Seconds since 1970, with a fraction.
    time: Option<f64>,
    #[serde(default)]
    resources: Vec<String>,
    /// X-Ray's, kept for the admin calls: EventBridge would hand it to the functions that it invokes.
    trace_header: Option<String>,
}

async fn put_events(shared: &Arc<Shared>, body: &[u8]) -> Result<Value, Refusal> {
    let fault = lock(&shared.faults).put_events;
    match fault {
        PutEventsFault::Hang => std::future::pending().await,
        PutEventsFault::Unavailable => return Err(Refusal::internal("asked to fail")),
        PutEventsFault::None | PutEventsFault::FailEntries | PutEventsFault::Drop => {}
    }
    let request: PutEvents = parse(body)?;
    if request.entries.is_empty() || request.entries.len() > MOST_ENTRIES {
        let message = format!("1 validation error detected: 'entries' must have 1 to {MOST_ENTRIES} members");
        return Err(Refusal::new("ValidationException", message));
    }
    if request.entries.iter().map(size).sum::<usize>() > MOST_BYTES {
        let message = "Total size of the entries in the request is over the limit.";
        return Err(Refusal::new("ValidationException", message));
    }
    let results: Vec<Value> = request
        .entries
        .iter()
        .map(|entry| put(shared, entry, fault))
        .collect();
    let failed = results
        .iter()
        .filter(|result| result.get("ErrorCode").is_some())
        .count();
    Ok(json!({"FailedEntryCount": failed, "Entries": results}))
}

/// As EventBridge counts: 14 bytes for a time, and the UTF-8 of the rest.
fn size(entry: &Entry) -> usize {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let time = if entry.time.is_some() { 14 } else { 0 };
    time + length(&entry.source)
        + length(&entry.detail_type)
        + length(&entry.detail)
        + entry.resources.iter().map(String::len).sum::<usize>()
}

/// Records one entry and sends it to whom it concerns. A faulty entry fails alone.
fn put(shared: &Arc<Shared>, entry: &Entry, fault: PutEventsFault) -> Value {
    if fault == PutEventsFault::FailEntries {
        return json!({"ErrorCode": "InternalFailure", "ErrorMessage": "asked to fail"});
    }
    let (bus, event) = match envelope(shared, entry) {
        Ok(accepted) => accepted,
        Err((code, message)) => return json!({"ErrorCode": code, "ErrorMessage": message}),
    };
    let rules = match fault {
        PutEventsFault::Drop => Vec::new(),
        _ => shared.rules.matching(&bus, &event),
    };
    let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    tracing::info!(%event, "published");
    remember(
        &mut lock(&shared.entries),
        json!({"bus": bus, "event": event, "rules": names, "trace": entry.trace_header}),
    );
    for rule in rules {
        let (shared, event, target) = (shared.clone(), event.clone(), rule.target);
        tokio::spawn(async move { shared.delivery.deliver(target, &event).await });
    }
    json!({"EventId": event["id"]})
}

/// The bus that an entry is for and the event that it becomes, or EventBridge's code and words against it.
fn envelope(shared: &Shared, entry: &Entry) -> Result<(String, Value), (&'static str, String)> {
    let required = |name: &str, value: &Option<String>| {
        value.clone().filter(|value| !value.is_empty()).ok_or_else(|| {
            (
                "InvalidArgument",
                format!("Parameter {name} is not valid. Reason: {name} is a required argument."),
            )
        })
    };
    let source = required("Source", &entry.source)?;
    let detail_type = required("DetailType", &entry.detail_type)?;
    let detail: Value = serde_json::from_str(&required("Detail", &entry.detail)?)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| ("MalformedDetail", "Detail is malformed.".to_owned()))?;
    if source.starts_with("aws.") {
        return Err((
            "NotAuthorizedForSourceException",
            "Not authorized for the source.".to_owned(),
        ));
    }
    let bus = bus_name(entry.event_bus_name.as_deref());
    // A name that is wrong here is wrong everywhere: say so, rather than lose events in silence.
    if !shared.rules.has_bus(bus) {
        return Err((
            "ResourceNotFoundException",
            format!("Event bus {bus} does not exist."),
        ));
    }
    let time = entry.time.and_then(from_seconds).unwrap_or_else(Utc::now);
    Ok((
        bus.to_owned(),
        event::envelope(&source, &detail_type, time, &entry.resources, &detail),
    ))
}

fn from_seconds(seconds: f64) -> Option<DateTime<Utc>> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole seconds are all that an event's time holds"
    )]
    DateTime::from_timestamp(seconds as i64, 0)
}

/// A bus may be named by its ARN; none means the default one.
fn bus_name(given: Option<&str>) -> &str {
    given
        .and_then(|name| name.rsplit('/').next())
        .unwrap_or(DEFAULT_BUS)
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::new("SerializationException", error.to_string()))
}

//! The envelope in which a function receives an event.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::rules::arn;

/// The account of every example in Amazon's documentation.
pub(super) const ACCOUNT: &str = "123456789012";
pub(super) const REGION: &str = "us-east-1";

/// What a scheduled rule sends.
pub(super) fn scheduled(rule: &str) -> Value {
    envelope(
        "aws.events",
        "Scheduled Event",
        Utc::now(),
        &[arn("rule", rule)],
        &json!({}),
    )
}

/// An event with an id of its own.
pub(super) fn envelope(
    source: &str,
    detail_type: &str,
    time: DateTime<Utc>,
    resources: &[String],
    detail: &Value,
) -> Value {
    json!({
        "version": "0",
        "id": Uuid::new_v4().to_string(),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": time.to_rfc3339_opts(SecondsFormat::Secs, true),
        "region": REGION,
        "resources": resources,
        "detail": detail,
    })
}

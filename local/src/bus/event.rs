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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn an_event_looks_like_the_one_that_a_deployed_function_gets() {
        let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
        for function in ["scheduled-sync", "watch-renewer"] {
            for file in std::fs::read_dir(events.join(function)).unwrap() {
                let file = file.unwrap().path();
                let deployed: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
                let text = |name: &str| deployed[name].as_str().unwrap();
                let rules: Vec<String> = serde_json::from_value(deployed["resources"].clone()).unwrap();
                let at = text("time").parse().unwrap();
                let mut ours = envelope(
                    text("source"),
                    text("detail-type"),
                    at,
                    &rules,
                    &deployed["detail"],
                );
                assert!(Uuid::try_parse(text("id")).is_ok(), "{}", file.display());
                ours["id"] = deployed["id"].clone();
                assert_eq!(ours, deployed, "{}", file.display());
            }
        }
    }
}

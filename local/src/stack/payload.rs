//! What a payload of `events/` needs to be good on this machine; pure.
//!
//! Payloads fit the settings of `events/env.example.json`. Everybody knows the key and the secret there, so `make run` has
//! some of its own and takes no others: what is good under the examples is made good under ours, and what is not stays bad.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::Sha256;
use uuid::Uuid;

use super::secrets::hash;

/// The appointment that payloads name.
const APPOINTMENT: &str = "0190f0c2-0000-7000-8000-000000000002";

/// The examples by which a payload is judged.
#[derive(Debug, Deserialize)]
pub(super) struct Examples {
    #[serde(rename = "AppointmentsApi")]
    api: ApiExamples,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct ApiExamples {
    api_keys: String,
    webhook_secret: String,
    allowed_origins: String,
}

/// What is good on this machine.
#[derive(Debug)]
pub(super) struct Here<'a> {
    pub(super) api_key: &'a str,
    pub(super) webhook_secret: &'a str,
    pub(super) origin: &'a str,
}

impl Here<'_> {
    /// Puts what is good here into the places of what is good under the examples.
    pub(super) fn make_good(&self, payload: &mut Value, examples: &Examples) {
        let Some(headers) = payload.get_mut("headers").and_then(Value::as_object_mut) else {
            return;
        };
        let examples = &examples.api;
        replace(headers, "authorization", |value, _| {
            let key = value.strip_prefix("Bearer ")?;
            let good = examples.api_keys.contains(&hash(key));
            good.then(|| format!("Bearer {}", self.api_key))
        });
        replace(headers, "x-goog-channel-token", |value, headers| {
            let channel = headers.get("x-goog-channel-id")?.as_str()?;
            let good = value == token(&examples.webhook_secret, channel)?;
            good.then(|| token(self.webhook_secret, channel))?
        });
        replace(headers, "origin", |value, _| {
            (value == examples.allowed_origins).then(|| self.origin.to_owned())
        });
    }
}

/// The text of a payload with another appointment in the place of the one that it names.
pub(super) fn with_appointment(payload: &str, appointment: Option<Uuid>) -> String {
    let appointment = appointment.map_or_else(|| APPOINTMENT.to_owned(), |id| id.to_string());
    payload.replace(APPOINTMENT, &appointment)
}

/// Gives a header another value, if it is there and there is one.
fn replace(
    headers: &mut Map<String, Value>,
    name: &str,
    new: impl FnOnce(&str, &Map<String, Value>) -> Option<String>,
) {
    let value = headers.get(name).and_then(Value::as_str);
    if let Some(value) = value.and_then(|value| new(value, headers)) {
        headers.insert(name.to_owned(), value.into());
    }
}

/// The token of a channel under a secret, as `watch-renewer` gives it to Google.
fn token(secret: &str, channel_id: &str) -> Option<String> {
    // HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(channel_id.as_bytes());
    Some(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    const HERE: Here<'_> = Here {
        api_key: "our key",
        webhook_secret: "our secret, as long as theirs",
        origin: "http://127.0.0.1:3000",
    };

    fn text(file: &str) -> String {
        let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
        std::fs::read_to_string(events.join(file)).unwrap()
    }

    /// The header before and after.
    fn made_good(file: &str, header: &str) -> (String, String) {
        let mut payload: Value = serde_json::from_str(&text(file)).unwrap();
        let header_of = |payload: &Value| payload["headers"][header].as_str().unwrap().to_owned();
        let before = header_of(&payload);
        HERE.make_good(
            &mut payload,
            &serde_json::from_str(&text("env.example.json")).unwrap(),
        );
        (before, header_of(&payload))
    }

    #[test]
    fn what_is_good_under_the_examples_is_made_good_here() {
        let (before, after) = made_good("appointments-api/book.json", "authorization");
        assert_eq!(
            (before.as_str(), after.as_str()),
            ("Bearer example-key", "Bearer our key")
        );
        let (_, after) = made_good("appointments-api/preflight.json", "origin");
        assert_eq!(after, HERE.origin);
        let token = token(HERE.webhook_secret, "0190f0c2-0000-7000-8000-000000000001");
        for file in ["change", "first-message"] {
            let (_, after) = made_good(&format!("calendar-webhook/{file}.json"), "x-goog-channel-token");
            assert_eq!(Some(after), token, "{file}");
        }
    }

    #[test]
    fn what_is_forged_stays_forged() {
        let (before, after) = made_good("calendar-webhook/forged.json", "x-goog-channel-token");
        assert_eq!(before, after);
    }

    #[test]
    fn an_appointment_takes_the_place_of_the_example() {
        let payloads = ["change", "cancel", "reschedule"].map(|name| format!("appointments-api/{name}.json"));
        for file in payloads {
            let payload: Value =
                serde_json::from_str(&with_appointment(&text(&file), Some(Uuid::nil()))).unwrap();
            let paths: BTreeSet<_> = [&payload["rawPath"], &payload["requestContext"]["http"]["path"]]
                .map(|path| path.as_str().unwrap().split('/').nth(2))
                .into();
            assert_eq!(
                paths,
                [Some("00000000-0000-0000-0000-000000000000")].into(),
                "{file}"
            );
        }
    }
}

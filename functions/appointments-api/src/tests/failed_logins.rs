//! A failed login is one line of the log, from which a metric can be made, and which holds nothing secret.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::Request;
use lambda_http::request::from_str;
use serde_json::Value;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;

use super::Api;

/// A request as the function URL hands it over, from 203.0.113.10, though it says otherwise.
fn event(authorization: Option<&str>) -> Request<Body> {
    let event = include_str!("../../../../events/appointments-api/list.json");
    let mut event: Value = serde_json::from_str(event).unwrap();
    let headers = event["headers"].as_object_mut().unwrap();
    headers.insert("x-forwarded-for".into(), "192.0.2.1".into());
    headers.insert("forwarded".into(), "for=192.0.2.1".into());
    match authorization {
        Some(value) => headers.insert("authorization".into(), value.into()),
        None => headers.remove("authorization"),
    };
    from_str(&event.to_string()).unwrap().map(|_| Body::empty())
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn each_failed_login_is_one_line_with_the_address_that_the_function_url_saw() {
    let issuer = local::issuer::Issuer::start().await.unwrap();
    let settings = [("OIDC_ISSUER", issuer.url()), ("OIDC_AUDIENCE", "clinic")];
    let api = Api::with(&settings).await;
    for (authorization, failure) in [
        (None, Some("no_credential")),
        (Some("Basic s3cret"), Some("no_credential")),
        (Some("Bearer s3cret"), Some("unknown_key")),
        (Some("Bearer s3cret.s3cret.s3cret"), Some("bad_token")),
        (Some("Bearer open sesame"), None),
    ] {
        let log = Log::default();
        let filter = Targets::new().with_default(tracing::Level::INFO);
        let subscriber = shared::telemetry::lines("appointments-api", filter, log.clone());
        let guard = tracing::subscriber::set_default(subscriber);
        let answer = api.send(event(authorization)).await;
        drop(guard);
        assert_eq!(answer.status == 200, failure.is_none());
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("s3cret") && !text.contains("192.0.2.1"), "{text}");
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let failures: Vec<Value> = lines.filter(|line| line.get("auth.failure").is_some()).collect();
        assert_eq!(failures.len(), usize::from(failure.is_some()), "{text}");
        for line in failures {
            assert_eq!(line["auth.failure"].as_str(), failure);
            assert_eq!(line["client.address"], "203.0.113.10");
        }
    }
}

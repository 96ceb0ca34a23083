//! The side of the sandbox that faces cargo-lambda: it takes invocations as a function would.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bytes::Bytes;
use serde_json::json;

use super::SandboxError;

const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
const DEADLINE: &str = "lambda-runtime-deadline-ms";

/// cargo-lambda's runtime API for one function.
#[derive(Debug, Clone)]
pub(super) struct Upstream {
    client: reqwest::Client,
    base: String,
}

/// An event and the headers that describe it.
#[derive(Debug, Clone)]
pub(super) struct Invocation {
    pub(super) id: String,
    pub(super) headers: HeaderMap,
    pub(super) event: Bytes,
}

impl Invocation {
    /// The same, with the deadline that Lambda would set now.
    pub(super) fn due_in(&self, time_out: Duration) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut due = self.clone();
        let millis = (now + time_out).as_millis();
        if let Ok(value) = HeaderValue::from_str(&millis.to_string()) {
            due.headers.insert(DEADLINE, value);
        }
        due
    }
}

impl Upstream {
    pub(super) fn from_environment() -> Result<Self, SandboxError> {
        const VARIABLE: &str = "AWS_LAMBDA_RUNTIME_API";
        let api = std::env::var(VARIABLE).map_err(|_| SandboxError::NoControlPlane(VARIABLE))?;
        let host = api.trim_start_matches("http://").trim_end_matches('/');
        let base = format!("http://{host}/2018-06-01/runtime/invocation");
        Ok(Self {
            client: reqwest::Client::new(),
            base,
        })
    }

    /// Waits for the next event.
    pub(super) async fn next(&self) -> Result<Invocation, SandboxError> {
        loop {
            let response = self.client.get(format!("{}/next", self.base)).send().await?;
            let id = response
                .headers()
                .get(REQUEST_ID)
                .and_then(|id| id.to_str().ok())
                .map(str::to_owned);
            match id {
                Some(id) if response.status() == StatusCode::OK => {
                    let headers = described_by(response.headers());
                    return Ok(Invocation {
                        id,
                        headers,
                        event: response.bytes().await?,
                    });
                }
                // cargo-lambda answers so when the caller has gone: there is nothing to do.
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Passes on what the function answered. The caller may be gone, which is nobody's fault.
    pub(super) async fn answer(
        &self,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<StatusCode, reqwest::Error> {
        let url = format!("{}/{path}", self.base);
        Ok(self
            .client
            .post(url)
            .headers(described_by(headers))
            .body(body)
            .send()
            .await?
            .status())
    }

    /// Tells the caller that the function did not answer.
    pub(super) async fn fail(&self, id: &str, kind: &'static str, message: &str) -> Result<(), SandboxError> {
        tracing::error!(request_id = id, kind, "{message}");
        let body = json!({"errorType": kind, "errorMessage": message}).to_string();
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert(
            "lambda-runtime-function-error-type",
            HeaderValue::from_static(kind),
        );
        self.answer(&format!("{id}/error"), &headers, body.into()).await?;
        Ok(())
    }
}

/// Without the headers that belong to one hop.
fn described_by(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for hop in [
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "date",
    ] {
        headers.remove(hop);
    }
    headers
}

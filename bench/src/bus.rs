//! EventBridge as the functions see it, and nothing behind it: what is published is handed to whoever measures.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Router, http::header};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use crate::Failure;

/// A running bus.
pub(crate) struct Bus {
    url: String,
    server: JoinHandle<()>,
    /// Each entry of `PutEvents`.
    published: Mutex<mpsc::UnboundedReceiver<Value>>,
    client: Client,
}

impl Bus {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (sender, receiver) = mpsc::unbounded_channel();
        let app = Router::new().fallback(put_events).with_state(sender);
        let server = tokio::spawn(async move {
            // `serve` returns only at a shutdown that is never asked for.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self {
            url,
            server,
            published: Mutex::new(receiver),
            client: Client::new(),
        })
    }

    /// The value for `AWS_ENDPOINT_URL_EVENTBRIDGE`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The next entry, as listeners get it.
    pub(crate) async fn next(&self) -> Result<Value, Failure> {
        let next = self.published.lock().await.recv().await;
        Ok(next.ok_or("the bus is gone")?)
    }

    /// How long one `PutEvents` takes bare: HTTP and nothing else. Nobody is told of it.
    pub(crate) async fn put_bare(&self) -> Result<Duration, Failure> {
        let entry = json!({"Source": "bench", "DetailType": "AppointmentChanged", "EventBusName": "appointment-sync",
            "Detail": super::rows::appointment_changed()["detail"].to_string()});
        let body = json!({"Entries": [entry]}).to_string();
        let began = Instant::now();
        let answer = self.client.post(&self.url).body(body).send().await?;
        answer.error_for_status()?.bytes().await?;
        Ok(began.elapsed())
    }

    /// Forgets what was published so far.
    pub(crate) async fn forget(&self) {
        let mut published = self.published.lock().await;
        while published.try_recv().is_ok() {}
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn put_events(State(sender): State<mpsc::UnboundedSender<Value>>, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut entries = Vec::new();
    for entry in asked["Entries"].as_array().into_iter().flatten() {
        entries.push(json!({"EventId": "0190f0c2-0000-7000-8000-0000000000bb"}));
        let detail = entry["Detail"].as_str().unwrap_or_default();
        let event = json!({
            "version": "0", "id": "0190f0c2-0000-7000-8000-0000000000bb", "detail-type": entry["DetailType"],
            "source": entry["Source"], "account": "123456789012", "time": "2026-11-28T09:00:00Z",
            "region": "us-east-1", "resources": [],
            "detail": serde_json::from_str::<Value>(detail).unwrap_or_default()
        });
        if entry["Source"] != "bench" {
            // Nobody may listen.
            let _ = sender.send(event);
        }
    }
    let answer = json!({"FailedEntryCount": 0, "Entries": entries});
    let kind = (header::CONTENT_TYPE, "application/x-amz-json-1.1");
    ([kind], answer.to_string()).into_response()
}

//! Stands between the system and an EventBridge: the one that a test names, or answers of its own.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What becomes of a call.
#[derive(Clone)]
pub(super) enum Mode {
    /// It goes to the EventBridge at this address.
    To(String),
    /// This status and body.
    Answer(u16, String),
    /// No answer.
    Hang,
}

pub(super) struct Relay {
    url: String,
    mode: Arc<Mutex<Mode>>,
    server: JoinHandle<()>,
}

impl Relay {
    pub(super) async fn start() -> Self {
        let mode = Arc::new(Mutex::new(Mode::Answer(503, String::new())));
        let app = Router::new().fallback(pass_on).with_state(Arc::clone(&mode));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, mode, server }
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }

    pub(super) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// Nobody listens any more; a connection that is open still hears nothing.
    pub(super) fn close(&self) {
        self.set(Mode::Hang);
        self.server.abort();
    }
}

async fn pass_on(State(mode): State<Arc<Mutex<Mode>>>, headers: HeaderMap, body: Bytes) -> Response {
    let mode = mode.lock().unwrap().clone();
    match mode {
        Mode::To(url) => {
            let mut request = reqwest::Client::new().post(url).body(body);
            for name in ["authorization", "content-type", "x-amz-target"] {
                request = request.header(name, &headers[name]);
            }
            let answer = request.send().await.unwrap();
            let (status, headers) = (answer.status(), answer.headers().clone());
            (status, headers, answer.bytes().await.unwrap()).into_response()
        }
        Mode::Answer(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Mode::Hang => std::future::pending().await,
    }
}

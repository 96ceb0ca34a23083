//! The side of the sandbox that faces the function: Lambda's runtime API on a port of its own.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::upstream::{Invocation, Upstream};

pub(super) struct Relay {
    address: SocketAddr,
    /// Each is a function waiting for work.
    pub(super) askers: mpsc::UnboundedReceiver<oneshot::Sender<Invocation>>,
    /// The ids of the invocations whose answer has been passed on, or why one could not be.
    pub(super) answered: mpsc::UnboundedReceiver<Result<String, reqwest::Error>>,
}

#[derive(Clone)]
struct Shared {
    upstream: Upstream,
    askers: mpsc::UnboundedSender<oneshot::Sender<Invocation>>,
    answered: mpsc::UnboundedSender<Result<String, reqwest::Error>>,
}

impl Relay {
    pub(super) async fn start(upstream: Upstream) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (askers_sender, askers) = mpsc::unbounded_channel();
        let (answered_sender, answered) = mpsc::unbounded_channel();
        let shared = Shared {
            upstream,
            askers: askers_sender,
            answered: answered_sender,
        };
        let app = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(answer))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            // The size of an answer is for the one who gets it to judge.
            .layer(DefaultBodyLimit::disable())
            .with_state(shared);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self {
            address,
            askers,
            answered,
        })
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }
}

async fn next(State(shared): State<Shared>) -> Response {
    let (sender, receiver) = oneshot::channel();
    let asked = shared.askers.send(sender);
    match receiver.await {
        Ok(invocation) if asked.is_ok() => (invocation.headers, Body::from(invocation.event)).into_response(),
        // The sandbox is ending.
        _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// `response` and `error` differ only for the one upstream.
async fn answer(
    State(shared): State<Shared>,
    Path((id, kind)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let passed_on = shared
        .upstream
        .answer(&format!("{id}/{kind}"), &headers, body)
        .await;
    let status = match passed_on {
        Ok(_) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::BAD_GATEWAY,
    };
    // Nobody listens any more when the sandbox is ending.
    let _ = shared.answered.send(passed_on.map(|_| id));
    status
}

/// The function exits after this, and the event that waits for it is answered then.
async fn init_error(body: Bytes) -> StatusCode {
    tracing::error!("the function could not start: {}", String::from_utf8_lossy(&body));
    StatusCode::ACCEPTED
}

//! The sandbox between a control plane that the test plays and a function that does what its event says.
#![expect(clippy::unwrap_used, reason = "a test that unwraps fails where it stands")]

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::extract::{Path as UrlPath, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};

#[tokio::test]
async fn a_function_is_given_its_time_from_now() {
    let mut plane = ControlPlane::start("scheduled-sync").await;
    let (kind, answer) = plane.invoke("answer").await;
    assert_eq!(kind, "response");
    let given = answer["given_ms"].as_u64().unwrap();
    assert!((1..=120_000).contains(&given), "{given}");
}

#[tokio::test]
async fn the_caller_of_a_function_that_dies_gets_its_error_and_the_next_one_an_answer() {
    let mut plane = ControlPlane::start("appointments-api").await;
    let (_, before) = plane.invoke("answer").await;

    let (kind, error) = plane.invoke("exit").await;
    assert_eq!(
        (kind.as_str(), &error["errorType"]),
        ("error", &json!("Runtime.ExitError"))
    );

    let (kind, after) = plane.invoke("answer").await;
    assert_eq!(kind, "response");
    assert_ne!(before["pid"], after["pid"]);
}

#[tokio::test]
async fn a_function_killed_while_it_waits_is_started_for_the_next_event() {
    let mut plane = ControlPlane::start("appointments-api").await;
    let (_, before) = plane.invoke("answer").await;
    let pid = before["pid"].to_string();
    assert!(
        Command::new("kill")
            .args(["-KILL", &pid])
            .status()
            .await
            .unwrap()
            .success()
    );

    // The kill may be noticed only with this event under way; then it is its caller who learns of it.
    let (mut kind, mut answer) = plane.invoke("answer").await;
    if kind == "error" {
        (kind, answer) = plane.invoke("answer").await;
    }
    assert_eq!(kind, "response");
    assert_ne!(before["pid"], answer["pid"]);
}

#[tokio::test]
async fn a_sandbox_ends_when_its_server_has_died_before_the_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut sandbox = sandbox("scheduled-sync", listener.local_addr().unwrap());
    let (mut asker, _) = listener.accept().await.unwrap();
    let mut request = [0; 4096];
    assert!(asker.read(&mut request).await.unwrap() > 0);
    drop(listener);
    let event = "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: an-id\r\nlambda-runtime-deadline-ms: 600000\r\n\
                 content-length: 8\r\nconnection: close\r\n\r\n\"answer\"";
    asker.write_all(event.as_bytes()).await.unwrap();
    drop(asker);

    // Sooner than the function's time-out, after which it would end in any case.
    let ended = tokio::time::timeout(Duration::from_mins(1), sandbox.wait()).await;
    assert!(!ended.unwrap().unwrap().success());
}

/// What cargo-lambda is to the sandbox: hands out events, takes answers.
struct ControlPlane {
    events: mpsc::UnboundedSender<Value>,
    answers: mpsc::UnboundedReceiver<(String, Value)>,
    sandbox: Child,
}

struct Shared {
    events: Mutex<mpsc::UnboundedReceiver<Value>>,
    answers: mpsc::UnboundedSender<(String, Value)>,
}

impl ControlPlane {
    async fn start(function: &str) -> Self {
        let (events, queue) = mpsc::unbounded_channel();
        let (sender, answers) = mpsc::unbounded_channel();
        let shared = std::sync::Arc::new(Shared {
            events: Mutex::new(queue),
            answers: sender,
        });
        let app = Router::new()
            .route("/.rt/f/2018-06-01/runtime/invocation/next", get(next))
            .route("/.rt/f/2018-06-01/runtime/invocation/{id}/{kind}", post(answer))
            .with_state(shared);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });

        Self {
            events,
            answers,
            sandbox: sandbox(function, address),
        }
    }

    /// `response` or `error`, and its body.
    async fn invoke(&mut self, event: &str) -> (String, Value) {
        self.events.send(json!(event)).unwrap();
        tokio::select! {
            answer = self.answers.recv() => answer.unwrap(),
            status = self.sandbox.wait() => panic!("the sandbox ended: {status:?}"),
        }
    }
}

/// A sandbox that is served at `address`.
fn sandbox(function: &str, address: SocketAddr) -> Child {
    Command::new(env!("CARGO_BIN_EXE_local"))
        .arg("function")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fickle_function.py"))
        .env("AWS_LAMBDA_RUNTIME_API", format!("http://{address}/.rt/f"))
        .env("AWS_LAMBDA_FUNCTION_NAME", function)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn next(State(shared): State<std::sync::Arc<Shared>>) -> impl IntoResponse {
    let event = shared.events.lock().await.recv().await.unwrap();
    // The deadline is cargo-lambda's own.
    let headers = [
        ("lambda-runtime-aws-request-id", "an-id"),
        ("lambda-runtime-deadline-ms", "600000"),
    ];
    (headers, Json(event))
}

async fn answer(
    State(shared): State<std::sync::Arc<Shared>>,
    UrlPath((_, kind)): UrlPath<(String, String)>,
    Json(body): Json<Value>,
) {
    shared.answers.send((kind, body)).unwrap();
}

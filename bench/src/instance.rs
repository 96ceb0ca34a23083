//! One instance of a function: its process, and Lambda's runtime API for it alone.
//!
//! A time is from the moment the event is handed over until the answer has come, as a caller's wait inside Lambda is.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path as Segments, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::{Mutex as Turn, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::{Failure, binary, processor};

/// A function's environment.
pub(crate) type Settings = BTreeMap<String, String>;

/// How long an invocation may take.
const TIME_OUT: Duration = Duration::from_mins(5);
/// So much of its log is shown where it fails.
const LAST_LINES: usize = 5;

/// A running instance; its process ends with it.
pub(crate) struct Instance {
    /// Of the process.
    id: u32,
    /// Ends with the process, which ends with it.
    process: JoinHandle<()>,
    died: watch::Receiver<bool>,
    log: PathBuf,
    api: JoinHandle<()>,
    shared: Arc<Shared>,
    /// One event at a time, as Lambda does it.
    turn: Turn<mpsc::UnboundedReceiver<Asker>>,
}

/// A function that asks for an event.
struct Asker {
    /// The invocation that it will get.
    id: String,
    event: oneshot::Sender<Bytes>,
}

/// What the runtime API keeps.
struct Shared {
    askers: mpsc::UnboundedSender<Asker>,
    /// Who waits for the answer, and since when.
    waiting: Mutex<Option<Waiting>>,
}

struct Waiting {
    /// The invocation.
    id: String,
    since: Instant,
    answer: oneshot::Sender<Answer>,
}

/// What a function answered, and how long that took.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) took: Duration,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The status of the response that a function URL makes of it.
    pub(crate) fn status(&self) -> u64 {
        self.json()["statusCode"].as_u64().unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The JSON in the response's body.
    pub(crate) fn content(&self) -> Value {
        let answer = self.json();
        serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default()
    }
}

impl Instance {
    /// Starts a function with these settings and no others; its log goes to `log`.
    pub(crate) async fn start(function: &str, settings: &Settings, log: &Path) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (askers, asking) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            askers,
            waiting: Mutex::default(),
        });
        let app = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(answered))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let api = tokio::spawn(async move {
            // `serve` returns only at a shutdown that is never asked for.
            let _ = axum::serve(NoDelay(listener), app).await;
        });
        let file = std::fs::File::options().create(true).append(true).open(log)?;
        let mut process = Command::new(binary(function))
            .env_clear()
            .envs(settings)
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "bench")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()?;
        let (dying, died) = watch::channel(false);
        Ok(Self {
            id: process.id().ok_or("the function died")?,
            process: tokio::spawn(async move {
                // However it ended, it answers no more.
                let _ = process.wait().await;
                dying.send_replace(true);
            }),
            died,
            log: log.to_owned(),
            api,
            shared,
            turn: Turn::new(asking),
        })
    }

    /// Hands an event over and waits for its answer.
    pub(crate) async fn invoke(&self, event: &Bytes) -> Result<Answer, Failure> {
        let mut asking = self.turn.lock().await;
        let (sender, answer) = oneshot::channel();
        let exchange = async {
            let asker = asking.recv().await.ok_or("the runtime API is gone")?;
            *lock(&self.shared.waiting) = Some(Waiting {
                id: asker.id,
                since: Instant::now(),
                answer: sender,
            });
            asker.event.send(event.clone()).map_err(|_| "the function died")?;
            answer.await.map_err(|_| "the function died")
        };
        let mut died = self.died.clone();
        let answer = tokio::select! {
            answer = tokio::time::timeout(TIME_OUT, exchange) => answer.map_err(|_| "it does not answer").flatten(),
            _ = died.wait_for(|died| *died) => Err("it died"),
        };
        answer.map_err(|fate| format!("{fate}; the end of its log: {}", self.last_words()).into())
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(LAST_LINES).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// The most memory that it ever had, in kB.
    pub(crate) fn peak_kb(&self) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        Ok(peak.ok_or("the system does not tell how much memory a process had")?)
    }

    /// The processor's time that it took so far.
    pub(crate) fn processor_time(&self) -> Result<Duration, Failure> {
        Ok(processor::of(self.id)?.own)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.api.abort();
        self.process.abort();
    }
}

/// Answers are small: they must not wait for more to send.
struct NoDelay(TcpListener);

impl axum::serve::Listener for NoDelay {
    type Io = tokio::net::TcpStream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = axum::serve::Listener::accept(&mut self.0).await;
        // Without it they are only slower.
        let _ = stream.set_nodelay(true);
        (stream, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    let (sender, event) = oneshot::channel();
    let id = Uuid::new_v4().to_string();
    let asker = Asker {
        id: id.clone(),
        event: sender,
    };
    // If nobody hands out events any more, none comes.
    let _ = shared.askers.send(asker);
    let Ok(event) = event.await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let name = |name| HeaderName::from_static(name);
    let headers = [
        (name("lambda-runtime-aws-request-id"), id),
        (
            name("lambda-runtime-deadline-ms"),
            (now + TIME_OUT).as_millis().to_string(),
        ),
        (
            name("lambda-runtime-invoked-function-arn"),
            "arn:aws:lambda:us-east-1:123456789012:function:bench".to_owned(),
        ),
    ];
    (headers, event).into_response()
}

async fn answered(
    State(shared): State<Arc<Shared>>,
    Segments((id, _)): Segments<(String, String)>,
    body: Bytes,
) -> StatusCode {
    // What is answered too late is no answer to the next.
    let waiting = lock(&shared.waiting).take_if(|waiting| waiting.id == id);
    if let Some(waiting) = waiting {
        let took = waiting.since.elapsed();
        // Whoever asked may have given up.
        let _ = waiting.answer.send(Answer { took, body });
    }
    StatusCode::ACCEPTED
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is in there is replaced whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

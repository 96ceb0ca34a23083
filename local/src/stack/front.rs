//! What a Lambda function URL does with a request, for all functions on one port.
//!
//! Each request becomes an event, is invoked at cargo-lambda's server, and the answer becomes the response.
//! cargo-lambda's own HTTP side is not used: a header or body that is not UTF-8 it answers with a 500 of its own.

mod answer;
mod event;

use std::fs::File;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::sandbox::longest;
use event::{Arrival, MOST_BYTES};

/// The port, open until this is dropped.
pub(super) struct Front {
    server: JoinHandle<()>,
}

impl Front {
    /// Listens on `port` and invokes at `functions`, the port of cargo-lambda's server. Each problem that is answered is a
    /// line in the file `problems`.
    pub(super) async fn listen(port: u16, functions: u16, problems: &std::path::Path) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let problems = File::options().create(true).append(true).open(problems)?;
        let app = router(format!("http://127.0.0.1:{functions}"), problems)
            .into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move {
            // `serve` returns only at a shutdown that is never asked for.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { server })
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn router(functions: String, problems: File) -> Router {
    let server = Arc::new(FunctionServer {
        client: reqwest::Client::new(),
        base: functions,
        problems,
    });
    Router::new()
        // Lambda's own API, for `cargo lambda invoke`.
        .route("/2015-03-31/functions/{name}/invocations", post(pass_on))
        .fallback(serve)
        .with_state(server)
}

/// cargo-lambda's server.
struct FunctionServer {
    client: reqwest::Client,
    base: String,
    problems: File,
}

impl FunctionServer {
    async fn invoke(&self, function: &str, event: Bytes) -> reqwest::Result<reqwest::Response> {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.base);
        let request = self.client.post(url).timeout(longest(function));
        request.body(event).send().await
    }

    /// Writes an answer down if it is a problem.
    fn note(&self, answer: &Response<Bytes>) {
        let kind = answer.headers().get(header::CONTENT_TYPE);
        if kind.is_some_and(|kind| kind == "application/problem+json") {
            // One write: lines of requests at once do not mix. Where there is no room for it, the answer matters more.
            let _ = (&self.problems).write_all(&[answer.body(), &b"\n"[..]].concat());
        }
    }
}

/// The function that a path belongs to, and the path that it sees. Deployed, each function has a host of its own.
fn function_of(path: &str) -> (&str, &str) {
    // As cargo-lambda does, for whoever wants one function's every path.
    if let Some(named) = path.strip_prefix("/lambda-url/") {
        let end = named.find('/').unwrap_or(named.len());
        let (function, rest) = named.split_at(end);
        return (function, if rest.is_empty() { "/" } else { rest });
    }
    match path {
        "/calendar/webhook" | "/robots.txt" => ("calendar-webhook", path),
        // `OPTIONS *`, and what a proxy is asked.
        _ if !path.starts_with('/') => ("appointments-api", "/"),
        _ => ("appointments-api", path),
    }
}

async fn serve(
    State(server): State<Arc<FunctionServer>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    if !names_a_host(&parts.headers) {
        return refusal(StatusCode::BAD_REQUEST, "Bad Request");
    }
    // Too long or not, it is read: a client that is still sending would not hear the answer.
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return refusal(StatusCode::BAD_REQUEST, "Bad Request");
    };
    let (function, path) = function_of(parts.uri.path());
    let arrival = Arrival {
        function,
        path,
        id: Uuid::new_v4(),
        peer: peer.ip(),
        at: chrono::Utc::now(),
    };
    let event = event::of(&arrival, &parts, &body);
    if event.len() > MOST_BYTES {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
    }
    let function = function.to_owned();
    // A task of its own: the function runs on when the client hangs up.
    let invoked = tokio::spawn(async move {
        let response = server.invoke(&function, event.into()).await.ok()?;
        let answer = answer::read(response).await?;
        server.note(&answer);
        Some(answer)
    });
    match invoked.await {
        Ok(Some(answer)) => answer.map(Body::from),
        // The function failed, took too long or is not there; its log says which.
        _ => refusal(StatusCode::BAD_GATEWAY, "Internal Server Error"),
    }
}

/// Whether the `Host` is one. What is none does not get to a function: the host is how Lambda finds it.
fn names_a_host(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let is_host = |host: &HeaderValue| Authority::try_from(host.as_bytes()).is_ok();
    hosts.next().is_none_or(is_host) && hosts.next().is_none()
}

async fn pass_on(
    State(server): State<Arc<FunctionServer>>,
    Path(function): Path<String>,
    request: Request,
) -> Response {
    let Ok(event) = to_bytes(request.into_body(), usize::MAX).await else {
        return refusal(StatusCode::BAD_REQUEST, "Bad Request");
    };
    let Ok(response) = server.invoke(&function, event).await else {
        return refusal(StatusCode::BAD_GATEWAY, "Internal Server Error");
    };
    let (status, mut headers) = (response.status(), response.headers().clone());
    // They belong to the hop behind us.
    headers.remove(header::TRANSFER_ENCODING);
    headers.remove(header::CONNECTION);
    (
        status,
        headers,
        Body::from(response.bytes().await.unwrap_or_default()),
    )
        .into_response()
}

/// As Lambda words what no function said.
fn refusal(status: StatusCode, message: &str) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, json!({"Message": message}).to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_belongs_to_one_function() {
        for (path, function, seen) in [
            ("/appointments", "appointments-api", "/appointments"),
            ("/calendar/webhook", "calendar-webhook", "/calendar/webhook"),
            ("/robots.txt", "calendar-webhook", "/robots.txt"),
            ("/calendar/webhook/", "appointments-api", "/calendar/webhook/"),
            ("/lambda-url/calendar-webhook/a/b", "calendar-webhook", "/a/b"),
            ("/lambda-url/calendar-webhook", "calendar-webhook", "/"),
            ("*", "appointments-api", "/"),
        ] {
            assert_eq!(function_of(path), (function, seen), "{path}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_invocation_that_is_never_answered_is_given_up() {
        // It takes connections and says nothing.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = FunctionServer {
            client: reqwest::Client::new(),
            base: format!("http://{}", silent.local_addr().unwrap()),
            problems: tempfile::tempfile().unwrap(),
        };
        let began = tokio::time::Instant::now();
        let lost = server.invoke("appointments-api", Bytes::new()).await.unwrap_err();
        assert!(lost.is_timeout());
        assert!(began.elapsed() >= longest("appointments-api"));
    }
}

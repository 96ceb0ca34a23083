//! The HTTP server. It is hyper's own and not axum's, because a fault must be able to close a connection without an
//! answer.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::{any, post};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

use super::api::{self, Disconnect};
use super::stand_in::StandIn;
use super::{admin, page};

/// A running server; dropping it closes its port and its connections.
pub(super) struct Server(JoinHandle<()>);

impl Server {
    pub(super) fn start(listener: TcpListener, stand_in: StandIn) -> Self {
        let calendar = Router::new()
            .route("/token", post(api::token))
            .route("/calendar/v3/{*call}", any(api::calendar))
            .with_state(Arc::clone(&stand_in.inner));
        let router = calendar
            .merge(page::routes())
            .nest("/admin", admin::routes(stand_in));
        Self(tokio::spawn(accept(listener, router)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Takes connections for ever; they end with this task.
async fn accept(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(talk(stream, router.clone()));
                }
                // Out of file descriptors, say: the next one may do better.
                Err(error) => tracing::warn!(%error, "a connection was not accepted"),
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn talk(stream: TcpStream, router: Router) {
    // Small answers must not wait for more to send; without it they are only slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request: hyper::Request<Incoming>| answer(router.clone(), request));
    // A caller that goes away in the middle is its own affair.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// An error makes hyper close the connection without an answer.
///
/// A task of its own: what has reached Google is carried out even if its caller is gone by then.
async fn answer(router: Router, request: hyper::Request<Incoming>) -> Result<Response, std::io::Error> {
    let response = match tokio::spawn(router.oneshot(request.map(Body::new))).await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(panicked) => return Err(std::io::Error::other(panicked)),
    };
    match response.extensions().get::<Disconnect>() {
        Some(_) => Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted)),
        None => Ok(response),
    }
}

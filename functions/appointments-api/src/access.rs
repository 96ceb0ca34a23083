//! Who may ask for what: closed unless a key or a token opens it.
//!
//! This stands in front of every route, known or not, so that no handler can forget it; which scope a route needs stands
//! in the table of routes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method};
use shared::auth::{BadToken, Caller, Refusal, Scope};
use shared::problem::Problem;

use crate::app::App;
use crate::request::RequestInfo;
use crate::response::ApiError;
use crate::routes::Route;

const HOW: &str = "Send an API key or a token as \"Authorization: Bearer <key or token>\".";

/// Who may take a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anyone.
    Open,
    /// Callers with this scope.
    Needs(Scope),
}

/// What decides: who is known, and what each route needs.
pub(crate) struct Gate {
    app: Arc<App>,
    needs: HashMap<(&'static str, Method), Access>,
}

impl Gate {
    pub(crate) fn new(app: Arc<App>, routes: &[Route]) -> Self {
        let needs = routes
            .iter()
            .map(|route| ((route.path, route.method.clone()), route.access));
        Self {
            needs: needs.collect(),
            app,
        }
    }

    /// What the request's route needs. Any caller, and nobody else, is told of a route that it is none.
    fn needed(&self, request: &Request) -> Option<Access> {
        let path = request.extensions().get::<MatchedPath>()?;
        // A HEAD is answered by the handler of GET.
        let method = match request.method() {
            &Method::HEAD => Method::GET,
            other => other.clone(),
        };
        self.needs.get(&(path.as_str(), method)).copied()
    }
}

/// Lets a request in, with its caller, or refuses it.
pub(crate) async fn check(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let needed = match gate.needed(&request) {
        Some(Access::Open) => return next.run(request).await,
        Some(Access::Needs(scope)) => Some(scope),
        None => None,
    };
    let (mut parts, body) = request.into_parts();
    match admit(&gate.app, &mut parts, needed).await {
        Ok(caller) => {
            parts.extensions.insert(Known(caller));
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => error.into_response(),
    }
}

async fn admit(app: &App, parts: &mut Parts, needed: Option<Scope>) -> Result<Caller, ApiError> {
    let info = RequestInfo::from_request_parts(parts, &()).await?;
    let Some(credential) = bearer(&parts.headers) else {
        log_failure("no_credential", None, info.client);
        return Err(Problem::unauthorized(HOW).into());
    };
    let caller = app.callers.who_shows(credential, info.soon()).await;
    let caller = caller.map_err(|refusal| refused(refusal, info.client))?;
    match needed {
        Some(scope) if !caller.has(scope) => Err(Problem::missing_scope(scope.as_str()).into()),
        _ => Ok(caller),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, credential) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim())
}

fn refused(refusal: Refusal, client: Option<IpAddr>) -> Problem {
    match refusal {
        Refusal::UnknownKey => {
            log_failure("unknown_key", None, client);
            Problem::unauthorized("The API key is not known.")
        }
        Refusal::BadToken(fault) => {
            log_failure("bad_token", Some(fault), client);
            Problem::unauthorized(fault.to_string())
        }
        // Logged where it was found out, and no fault of the caller's.
        Refusal::IssuerUnreachable { retry_after } => {
            let detail = "The token cannot be checked: its issuer does not answer right now.";
            Problem::unavailable("token_issuer_unreachable", detail, retry_after.as_secs().max(1))
        }
    }
}

/// The template makes a metric of these lines.
fn log_failure(failure: &'static str, fault: Option<BadToken>, client: Option<IpAddr>) {
    tracing::warn!(
        auth.failure = failure,
        auth.fault = fault.map(tracing::field::display),
        client.address = client.map(tracing::field::display),
        "a login failed"
    );
}

#[derive(Clone)]
struct Known(Caller);

/// The caller's name, for handlers that write.
pub(crate) struct CallerName(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for CallerName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match parts.extensions.get::<Known>() {
            Some(Known(caller)) => Ok(Self(caller.name.clone())),
            // Not behind `check`: refused rather than let in unnamed.
            None => Err(Problem::unauthorized(HOW).into()),
        }
    }
}

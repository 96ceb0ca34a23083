//! Extractors: what a handler takes from a request, checked before the handler runs.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use http::request::Parts;
use http::{StatusCode, header};
use lambda_http::Context;
use lambda_http::request::RequestContext;
use serde_json::Value;
use shared::appointment;
use shared::deadline::Deadline;
use shared::problem::Problem;
use uuid::Uuid;

use crate::response::ApiError;

/// The largest body that is read.
const MOST_BYTES: usize = 64 * 1024;
/// Said of a body that is larger.
pub(crate) const TOO_LARGE: &str = "The body is larger than 64 KiB.";
/// More query parameters than any request has use for.
const MOST_PARAMETERS: usize = 32;
/// Kept back at the end of an invocation, to answer in.
const ANSWER_MARGIN: Duration = Duration::from_millis(500);
/// No request takes longer, whatever the invocation allows.
const LONGEST: Duration = Duration::from_secs(28);
/// A patient waits on the line: long enough for a sleeping database to wake, and no longer.
const ON_THE_LINE: Duration = Duration::from_secs(10);

/// The invocation's id, the time by which it must be answered, and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct RequestInfo {
    pub(crate) id: String,
    pub(crate) deadline: Deadline,
    /// As the function URL saw it: headers would say what a stranger likes.
    pub(crate) client: Option<IpAddr>,
}

impl RequestInfo {
    /// The time by which someone who waits on the line must have an answer.
    pub(crate) fn soon(&self) -> Deadline {
        self.deadline.at_most(ON_THE_LINE)
    }

    /// As Lambda gave them.
    pub(crate) fn of(request: &Request) -> Self {
        let client = client_address(request);
        let Some(context) = request.extensions().get::<Context>() else {
            return Self {
                id: Uuid::now_v7().to_string(),
                deadline: Deadline::after(LONGEST),
                client,
            };
        };
        let left = context
            .deadline()
            .duration_since(std::time::SystemTime::now())
            .unwrap_or(LONGEST);
        let deadline = Deadline::after(left.saturating_sub(ANSWER_MARGIN)).at_most(LONGEST);
        Self {
            id: context.request_id.clone(),
            deadline,
            client,
        }
    }
}

fn client_address(request: &Request) -> Option<IpAddr> {
    match request.extensions().get::<RequestContext>()? {
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref()?.parse().ok(),
        _ => None,
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestInfo {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // Put there by `headers::finish`, in front of every route.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Problem::internal().into())
    }
}

/// The query's parameters, decoded, in their order.
pub(crate) struct Parameters(pub(crate) Vec<(String, String)>);

impl Parameters {
    /// Takes out a parameter that stands beside those a reader knows.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(place).1)
    }

    /// Refuses whatever is left.
    pub(crate) fn none_left(self) -> Result<(), ApiError> {
        shared::input::Reader::of_query(self.0)
            .finish(Some(()))
            .map_err(ApiError::from)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let axum::extract::Query(pairs): axum::extract::Query<Vec<(String, String)>> =
            axum::extract::Query::try_from_uri(&parts.uri).map_err(|_| {
                let detail = format!("The query of {} characters cannot be decoded.", query.len());
                Problem::new(StatusCode::BAD_REQUEST, "malformed_query", detail)
            })?;
        if pairs.len() > MOST_PARAMETERS {
            let detail = format!("The query has more than {MOST_PARAMETERS} parameters.");
            return Err(Problem::new(StatusCode::BAD_REQUEST, "too_many_parameters", detail).into());
        }
        Ok(Self(pairs))
    }
}

/// The appointment that the path names.
pub(crate) struct AppointmentId(pub(crate) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for AppointmentId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        path.ok()
            .and_then(|Path(text)| appointment::request::id(&text))
            .map(Self)
            .ok_or_else(|| Problem::not_found("appointment").into())
    }
}

/// The versions that `If-Match` names; `None` where any will do.
pub(crate) struct IfMatch(pub(crate) Option<Vec<i64>>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let values: Vec<_> = parts.headers.get_all(header::IF_MATCH).iter().collect();
        if values.is_empty() {
            return Ok(Self(None));
        }
        let mut versions = Vec::new();
        for value in values {
            for tag in value.to_str().unwrap_or_default().split(',').map(str::trim) {
                if tag == "*" {
                    return Ok(Self(None));
                }
                // What is no tag of ours, a weak one or "01" included, matches no version.
                let text = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                let version = text.and_then(|text| text.parse::<i64>().ok());
                versions.extend(version.filter(|version| text == Some(version.to_string().as_str())));
            }
        }
        Ok(Self(Some(versions)))
    }
}

/// A JSON body; an empty one is `{}` where nothing has to be said.
pub(crate) struct JsonBody(pub(crate) Value);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
        let bytes = to_bytes(request.into_body(), MOST_BYTES)
            .await
            .map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", TOO_LARGE))?;
        if bytes.is_empty() {
            return Ok(Self(Value::Object(serde_json::Map::new())));
        }
        if !content_type.is_some_and(|value| value.to_str().is_ok_and(is_json)) {
            let detail = "The body must be sent as application/json.";
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                detail,
            )
            .into());
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|fault| {
            // The place only: serde's own words may quote the body.
            let detail = format!(
                "The body is not JSON: line {}, column {}.",
                fault.line(),
                fault.column()
            );
            Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail).into()
        })
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_several_names() {
        for (content_type, good) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("text/json", false),
            ("text/plain", false),
            ("", false),
        ] {
            assert_eq!(is_json(content_type), good, "{content_type}");
        }
    }
}

//! What an error looks like outside: RFC 9457 `application/problem+json`.
//!
//! Use the named constructors. A problem tells the caller what to do; why it happened goes to the log, at the place
//! that makes the problem. Nothing of SQL, of a stack, of a secret or of a patient may get into `detail`.

use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::input::Fault;

/// An error for the caller. `code` is stable: programs may decide by it.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    detail: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    /// What another system gave as its reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip)]
    header: Option<(header::HeaderName, HeaderValue)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem of this status, under a stable code.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            // Nobody has to look a problem up: its code and detail say all.
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: detail.into(),
            code,
            errors: Vec::new(),
            reason: None,
            header: None,
        }
    }

    fn with_header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    /// 422: well-formed but not acceptable; every fault is named.
    pub fn invalid(errors: Vec<Fault>) -> Self {
        let detail = match errors.as_slice() {
            [Fault { pointer, detail }] => format!("{pointer} {detail}").trim_start().to_owned(),
            faults => format!("{} fields are not acceptable, see errors.", faults.len()),
        };
        Self {
            errors,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", detail)
        }
    }

    /// 422 for one field.
    pub fn invalid_field(name: &str, detail: &str) -> Self {
        Self::invalid(vec![Fault::of(name, detail)])
    }

    /// 401: no caller is known by what was sent.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).with_header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"appointment-sync\""),
        )
    }

    /// 403: the caller is known and may not do this.
    pub fn missing_scope(scope: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "missing_scope",
            format!("This needs the scope {scope}."),
        )
    }

    /// 404: no such thing.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("There is no such {what}."),
        )
    }

    /// 503: something that we need does not answer; the same request may succeed soon.
    pub fn unavailable(code: &'static str, detail: &'static str, retry_after_seconds: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(retry_after_seconds)
    }

    /// Adds the reason that another system gave: an identifier.
    #[must_use]
    pub fn with_reason(self, reason: &str) -> Self {
        Self {
            reason: Some(reason.to_owned()),
            ..self
        }
    }

    /// Says when the same request may succeed.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// 500: our fault. The log says more.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Something went wrong on our side.",
        )
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The response with its headers.
    pub fn into_response<B: From<String>>(self) -> Response<B> {
        // Strings and numbers always serialise.
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = Response::new(B::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some((name, value)) = self.header {
            headers.insert(name, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_where_and_when_again() {
        let response: Response<String> = Problem::invalid_field("starts_at", "is required").into_response();
        assert_eq!(response.status(), 422);
        assert_eq!(
            response.body(),
            "{\"type\":\"about:blank\",\"title\":\"Unprocessable Entity\",\"status\":422,\
             \"detail\":\"/starts_at is required\",\"code\":\"validation_failed\",\
             \"errors\":[{\"pointer\":\"/starts_at\",\"detail\":\"is required\"}]}"
        );
        let response: Response<String> =
            Problem::unavailable("database_unavailable", "Try again.", 2).into_response();
        assert_eq!(response.headers()["retry-after"], "2");
    }
}

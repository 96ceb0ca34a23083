//! The response that a function URL makes of what a function answered.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, Response, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// An answer in payload format 2.0.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    cookies: Vec<String>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// The response, unless the invocation failed or its answer is none.
pub(super) async fn read(invoked: reqwest::Response) -> Option<Response<Bytes>> {
    // A failed run has this header on Lambda, a 500 from cargo-lambda.
    let failed = !invoked.status().is_success() || invoked.headers().contains_key("x-amz-function-error");
    let answer = serde_json::from_slice(&invoked.bytes().await.ok()?).ok()?;
    if failed { None } else { respond(answer) }
}

fn respond(answer: Answer) -> Option<Response<Bytes>> {
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded {
        STANDARD.decode(body).ok()?
    } else {
        body.into_bytes()
    };
    let mut response = Response::builder()
        .status(answer.status_code)
        .body(Bytes::from(body))
        .ok()?;
    let headers = response.headers_mut();
    for (name, value) in answer.headers {
        let name: HeaderName = name.parse().ok()?;
        // How the body goes over this connection is for the server to say.
        if ![
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
            header::CONNECTION,
        ]
        .contains(&name)
        {
            headers.insert(name, HeaderValue::try_from(value).ok()?);
        }
    }
    for cookie in answer.cookies {
        headers.append(header::SET_COOKIE, HeaderValue::try_from(cookie).ok()?);
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn response(answer: Value) -> Option<Response<Bytes>> {
        respond(serde_json::from_value(answer).unwrap())
    }

    #[test]
    fn an_answer_becomes_its_response() {
        let response = response(json!({
            "statusCode": 201, "headers": {"X-Odd": "a", "content-length": "99"}, "multiValueHeaders": {},
            "cookies": ["a=1", "b=2"], "body": "/wA=", "isBase64Encoded": true
        }));
        let (parts, body) = response.unwrap().into_parts();
        assert_eq!(parts.status, 201);
        assert_eq!(parts.headers["x-odd"], "a");
        assert!(!parts.headers.contains_key("content-length"));
        let cookies: Vec<_> = parts.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!(body, &b"\xff\x00"[..]);
    }

    #[test]
    fn what_cannot_be_sent_is_no_answer() {
        for bad in [
            json!({"statusCode": 20}),
            json!({"statusCode": 200, "headers": {"a b": "c"}}),
            json!({"statusCode": 200, "headers": {"a": "b\nc"}}),
            json!({"statusCode": 200, "body": "?", "isBase64Encoded": true}),
        ] {
            assert!(response(bad.clone()).is_none(), "{bad}");
        }
    }
}

//! The event that a function URL makes of a request: payload format 2.0.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

/// Content types whose bodies are handed over as they are. All others come in base64, forms and bodies without a type
/// included, as seen with API Gateway, which makes the same events.
const TEXT: [&str; 3] = ["application/json", "application/xml", "application/javascript"];

/// The longest event that Lambda takes: 6 MiB and a little.
pub(super) const MOST_BYTES: usize = 6_291_556;

/// What an event tells that the request itself does not.
pub(super) struct Arrival<'a> {
    pub(super) function: &'a str,
    /// The path on the function's own host.
    pub(super) path: &'a str,
    pub(super) id: Uuid,
    pub(super) peer: IpAddr,
    pub(super) at: DateTime<Utc>,
}

/// The event as JSON.
pub(super) fn of(arrival: &Arrival<'_>, request: &Parts, body: &[u8]) -> String {
    let Arrival {
        function,
        path,
        id,
        peer,
        at,
    } = arrival;
    let query = request.uri.query().unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(arrival, &request.headers),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": function,
            "domainName": format!("{function}.lambda-url.us-east-1.on.aws"),
            "domainPrefix": function,
            "http": {
                "method": request.method.as_str(),
                "path": path,
                "protocol": format!("{:?}", request.version),
                "sourceIp": peer,
                "userAgent": request.headers.get(header::USER_AGENT).map(text).unwrap_or_default(),
            },
            "requestId": id,
            "routeKey": "$default",
            "stage": "$default",
            "time": at.format("%d/%b/%Y:%H:%M:%S %z").to_string(),
            "timeEpoch": at.timestamp_millis(),
        },
        "isBase64Encoded": false,
    });
    if !query.is_empty() {
        event["queryStringParameters"] = json!(parameters(query));
    }
    let cookies = cookies(&request.headers);
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !body.is_empty() {
        let (body, in_base64) = encoded(request.headers.get(header::CONTENT_TYPE), body);
        event["body"] = body.into();
        event["isBase64Encoded"] = in_base64.into();
    }
    event.to_string()
}

/// Repeated ones are joined; names are in lower case already. Cookies stand elsewhere.
fn headers(arrival: &Arrival<'_>, sent: &HeaderMap) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in sent.iter().filter(|(name, _)| *name != header::COOKIE) {
        join(&mut headers, name.as_str(), &text(value));
    }
    let trace = arrival.id.simple().to_string();
    for (name, value) in [
        ("x-forwarded-for", arrival.peer.to_string()),
        ("x-forwarded-port", "443".to_owned()),
        ("x-forwarded-proto", "https".to_owned()),
        (
            "x-amzn-trace-id",
            format!("Root=1-{:08x}-{}", arrival.at.timestamp(), &trace[..24]),
        ),
    ] {
        headers.insert(name.to_owned(), value);
    }
    headers
}

fn parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        join(&mut parameters, &name, &value);
    }
    parameters
}

fn join(map: &mut BTreeMap<String, String>, name: &str, value: &str) {
    map.entry(name.to_owned())
        .and_modify(|values| {
            values.push(',');
            values.push_str(value);
        })
        .or_insert_with(|| value.to_owned());
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(header::COOKIE).iter().map(text);
    lines
        .flat_map(|line| {
            line.split(';')
                .map(|cookie| cookie.trim().to_owned())
                .collect::<Vec<_>>()
        })
        .filter(|cookie| !cookie.is_empty())
        .collect()
}

/// A header as text. What is not UTF-8 is ISO-8859-1, in which every byte is a character.
fn text(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    }
}

/// The body, and whether it had to be put in base64.
fn encoded(content_type: Option<&HeaderValue>, body: &[u8]) -> (String, bool) {
    let kind = content_type.map(text).unwrap_or_default().to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_text = kind.starts_with("text/") || TEXT.contains(&kind);
    match std::str::from_utf8(body) {
        Ok(text) if is_text => (text.to_owned(), false),
        _ => (STANDARD.encode(body), true),
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use axum::http::Request;
    use serde_json::Value;

    use super::*;

    fn event(request: axum::http::request::Builder, body: &[u8]) -> Value {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let arrival = Arrival {
            function: "appointments-api",
            path: parts.uri.path(),
            id: Uuid::nil(),
            peer: IpAddr::from([127, 0, 0, 1]),
            at: "2026-12-01T03:00:00Z".parse().unwrap(),
        };
        serde_json::from_str(&of(&arrival, &parts, body)).unwrap()
    }

    /// The payloads of `events/` that function URLs make.
    fn deployed() -> Vec<(PathBuf, Value)> {
        let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
        let mut payloads = Vec::new();
        for function in ["appointments-api", "calendar-webhook"] {
            for file in std::fs::read_dir(events.join(function)).unwrap() {
                let file = file.unwrap().path();
                let payload = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
                payloads.push((file, payload));
            }
        }
        payloads
    }

    /// What the caller sent whose request became this event.
    fn request_of(event: &Value) -> (axum::http::request::Builder, Vec<u8>) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let body = text(&event["body"]);
        let body = match event["isBase64Encoded"].as_bool() {
            Some(true) => STANDARD.decode(body).unwrap(),
            _ => body.into_bytes(),
        };
        let path = text(&event["rawPath"]);
        let uri = match text(&event["rawQueryString"]) {
            query if query.is_empty() => path,
            query => format!("{path}?{query}"),
        };
        let method = text(&event["requestContext"]["http"]["method"]);
        let mut request = Request::builder().method(method.as_str()).uri(uri);
        for (name, value) in event["headers"].as_object().unwrap() {
            request = request.header(name, text(value));
        }
        (request, body)
    }

    /// Takes out of an event where and when it was asked, and by whom.
    fn stripped(mut event: Value) -> Value {
        for (part, names) in [
            ("headers", &["x-amzn-trace-id", "x-forwarded-for"][..]),
            (
                "requestContext",
                &["apiId", "domainName", "domainPrefix", "requestId"],
            ),
        ] {
            let part = event[part].as_object_mut().unwrap();
            assert!(names.iter().all(|name| part.remove(*name).is_some()));
        }
        let http = event["requestContext"]["http"].as_object_mut().unwrap();
        assert!(http.remove("sourceIp").is_some());
        event
    }

    #[test]
    fn an_event_looks_like_the_one_that_a_deployed_function_gets() {
        for (file, deployed) in deployed() {
            let (request, body) = request_of(&deployed);
            let ours = event(request, &body);
            assert_eq!(stripped(ours), stripped(deployed), "{}", file.display());
        }
    }

    #[test]
    fn a_deployed_functions_event_agrees_with_itself() {
        for (file, event) in deployed() {
            let (file, context, headers) = (file.display(), &event["requestContext"], &event["headers"]);
            assert_eq!(headers["host"], context["domainName"], "{file}");
            let domain = context["domainName"].as_str().unwrap();
            assert_eq!(
                domain.split('.').next(),
                context["domainPrefix"].as_str(),
                "{file}"
            );
            assert_eq!(context["apiId"], context["domainPrefix"], "{file}");
            assert_eq!(headers["x-forwarded-for"], context["http"]["sourceIp"], "{file}");
            let length = request_of(&event).1.len().to_string();
            let said = headers
                .get("content-length")
                .map_or("0", |said| said.as_str().unwrap());
            assert_eq!(said, length, "{file}");
        }
    }

    #[test]
    fn repeated_headers_and_parameters_are_joined_and_cookies_stand_alone() {
        let request = Request::get("/a%20b?x=1&y=%C3%A9&x=2")
            .header("X-Odd", "a")
            .header("x-odd", "b")
            .header("cookie", "a=1; b=2")
            .header("cookie", "c=3");
        let event = event(request, b"");
        assert_eq!(event["rawPath"], "/a%20b");
        assert_eq!(event["rawQueryString"], "x=1&y=%C3%A9&x=2");
        assert_eq!(event["queryStringParameters"], json!({"x": "1,2", "y": "é"}));
        assert_eq!(event["headers"]["x-odd"], "a,b");
        assert_eq!(event["headers"]["cookie"], Value::Null);
        assert_eq!(event["cookies"], json!(["a=1", "b=2", "c=3"]));
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&Value::Null, &json!(false))
        );
    }

    #[test]
    fn a_header_that_is_no_utf_8_is_latin_1() {
        let odd = HeaderValue::from_bytes(b"caf\xe9").unwrap();
        let event = event(Request::get("/").header("x-odd", odd), b"");
        assert_eq!(event["headers"]["x-odd"], "café");
    }

    #[test]
    fn a_body_that_is_no_text_comes_in_base64() {
        let body = |content_type: Option<&str>, body: &[u8]| {
            let mut request = Request::post("/");
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            let event = event(request, body);
            (
                event["body"].as_str().unwrap().to_owned(),
                event["isBase64Encoded"] == true,
            )
        };
        for text in [
            "text/plain",
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/xml",
        ] {
            assert_eq!(body(Some(text), b"{}"), ("{}".to_owned(), false), "{text}");
        }
        let others = [
            None,
            Some("application/x-www-form-urlencoded"),
            Some("application/problem+json"),
            Some("image/png"),
        ];
        for other in others {
            assert_eq!(body(other, b"{}"), ("e30=".to_owned(), true), "{other:?}");
        }
        assert_eq!(
            body(Some("application/json"), b"\xff\xfe"),
            ("//4=".to_owned(), true)
        );
    }
}

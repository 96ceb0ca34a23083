//! Requests as a function URL hands them to a function.

use bytes::Bytes;
use serde_json::{Value, json};

/// What callers show; `world` gives its hash to the API.
pub(crate) const KEY: &str = "a-key-for-measuring-0123456789abcdef";

/// A request, ready to be made an event of.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    method: &'static str,
    path: String,
    query: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl Request {
    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: &str, body: &Value) -> Self {
        Self::new("POST", target).with_body(body)
    }

    pub(crate) fn patch(target: &str, body: &Value) -> Self {
        Self::new("PATCH", target).with_body(body)
    }

    /// A notification of Google's, which bears no body and no key of ours.
    pub(crate) fn notification(headers: Vec<(&'static str, String)>) -> Self {
        Self {
            method: "POST",
            path: "/calendar/webhook".to_owned(),
            query: String::new(),
            headers,
            body: None,
        }
    }

    fn new(method: &'static str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: vec![("authorization", format!("Bearer {KEY}"))],
            body: None,
        }
    }

    fn with_body(mut self, body: &Value) -> Self {
        self.headers.push(("content-type", "application/json".to_owned()));
        self.body = Some(body.to_string());
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Payload 2.0, as AWS documents it.
    pub(crate) fn event(&self) -> Bytes {
        let headers: serde_json::Map<_, _> = self
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
            .chain([("host".to_owned(), "abcdefghij.lambda-url.us-east-1.on.aws".into())])
            .collect();
        let mut event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": self.path, "rawQueryString": self.query,
            "headers": headers,
            "requestContext": {
                "accountId": "anonymous", "apiId": "abcdefghij",
                "domainName": "abcdefghij.lambda-url.us-east-1.on.aws", "domainPrefix": "abcdefghij",
                "http": {"method": self.method, "path": self.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                    "userAgent": "bench"},
                "requestId": "0190f0c2-0000-7000-8000-0000000000aa", "routeKey": "$default", "stage": "$default",
                "time": "28/Nov/2026:09:00:00 +0000", "timeEpoch": 1_795_856_400_000_u64
            },
            "isBase64Encoded": false
        });
        if let Some(body) = &self.body {
            event["body"] = body.as_str().into();
        }
        event.to_string().into()
    }
}

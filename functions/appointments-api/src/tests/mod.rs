//! The API as its callers see it: the whole router, a real PostgreSQL, the Google stand-in; no Lambda around it.

mod access;
mod appointments;
mod availability;
mod calendar;
mod cors;
mod failed_logins;
mod held;
mod history;
mod idempotency;
mod limits;
mod malformed;
mod openapi;
mod template;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use local::google::StandIn;
use local::postgres::TestDatabase;
use serde_json::{Value, json};
use shared::database::{Database, DatabaseUrl};
use shared::deadline::Deadline;
use shared::settings::Environment;
use tower::ServiceExt;

use crate::app::App;
use crate::openapi::generator::conformance::assert_described;
use crate::routes::router;

/// SHA-256 of `open sesame`.
const HASH: &str = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb";
/// SHA-256 of `booking only`.
const BOOKING_HASH: &str = "129c14aa548d15b7ba19e42ce80f771dae4eb3c5fcadafcd24775ac31950b099";

/// A clinic's API.
struct Api {
    router: Router,
    google: StandIn,
    database: Arc<TestDatabase>,
}

/// An answer, read.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
    /// The body as it was sent.
    text: String,
}

impl Api {
    async fn open() -> Self {
        Self::with(&[]).await
    }

    /// With further settings, which win over the usual ones.
    async fn with(settings: &[(&str, &str)]) -> Self {
        Self::over(Arc::new(TestDatabase::create().await), settings).await
    }

    /// Another process over the same tables.
    async fn beside(&self, settings: &[(&str, &str)]) -> Self {
        Self::over(Arc::clone(&self.database), settings).await
    }

    async fn over(database: Arc<TestDatabase>, settings: &[(&str, &str)]) -> Self {
        let google = StandIn::start().await.unwrap();
        let (url, api, account) = (database.url(), google.base_url(), google.service_account_json());
        let keys = format!("frontend:appointments+calendar:{HASH},booking-only:appointments:{BOOKING_HASH}");
        let mut environment = settings.to_vec();
        environment.extend([
            ("DATABASE_URL", url.as_str()),
            ("GOOGLE_CALENDAR_ID", "clinic@example.com,dr.ali@example.com"),
            ("GOOGLE_CALENDAR_API_URL", &api),
            ("GOOGLE_SERVICE_ACCOUNT_JSON", &account),
            ("API_KEYS", &keys),
            ("ALLOWED_ORIGINS", "https://app.example.com"),
            ("WEBHOOK_SECRET", "a-secret-of-some-length"),
        ]);
        google.add_calendar("dr.ali@example.com", chrono_tz::Asia::Karachi);
        let app = App::from(&Environment::of(&environment)).unwrap();
        Self {
            router: router(Arc::new(app)),
            google,
            database,
        }
    }

    async fn send_raw(&self, request: Request<Body>) -> Response {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let missing = shared::headers::unguarded(response.headers());
        assert!(missing.is_empty(), "an answer without {missing:?}");
        response
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.send_raw(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert_described(&method, &path, parts.status, &parts.headers, &text);
        let is_page = text.starts_with("<!doctype");
        let body = if text.is_empty() || is_page {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap()
        };
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
            text,
        }
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_with(method, path, body, &[]).await
    }

    async fn call_with(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, "Bearer open sesame");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(body)).await
    }

    /// A POST under an idempotency key.
    async fn post_once(&self, key: &str, path: &str, body: Value) -> Answer {
        self.call_with("POST", path, Some(body), &[("idempotency-key", key)])
            .await
    }

    /// Runs a statement of the test's own, as another process would.
    async fn sql(&self, statement: &str) {
        self.tables()
            .read(soon(), async |client| client.batch_execute(statement).await)
            .await
            .unwrap();
    }

    /// The tables, by a connection of their own.
    fn tables(&self) -> Database {
        Database::new(DatabaseUrl::parse(&self.database.url()).unwrap())
    }

    /// Books half an hour and gives the appointment.
    async fn book(&self, starts_at: &str) -> Value {
        let answer = self.post("/appointments", booking(starts_at)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body
    }
}

impl Answer {
    /// Asserts that this is a problem with this code, well-formed.
    #[track_caller]
    fn is_problem(&self, status: u16, code: &str) -> &Self {
        assert_eq!(
            (self.status.as_u16(), self.body["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.body
        );
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(self.body["status"], status);
        for member in ["type", "title", "detail"] {
            assert!(self.body[member].is_string(), "{member}: {}", self.body);
        }
        assert!(self.headers.contains_key("x-request-id"));
        self
    }

    /// The pointers of a 422, in their order.
    fn pointers(&self) -> Vec<&str> {
        self.body["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| fault["pointer"].as_str().unwrap())
            .collect()
    }
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

fn booking(starts_at: &str) -> Value {
    json!({
        "patient_name": "A. Khan", "patient_phone": "+92 300 1234567", "reason": "Check-up", "starts_at": starts_at
    })
}

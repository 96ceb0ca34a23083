//! How much a request may be: sizes, numbers, windows, and the time that the database may take.

use std::sync::Arc;

use axum::body::Body;
use futures_util::stream;
use http::{Request, header};
use local::postgres::TestDatabase;
use serde_json::{Value, json};
use shared::database::{Database, DatabaseUrl};
use tokio::sync::Notify;

use super::{Answer, Api, booking, soon};

const MOST_BYTES: usize = 64 * 1024;

/// A booking that takes so many bytes: JSON may be followed by space.
fn booking_of(bytes: usize) -> String {
    let body = booking("2027-03-01T09:00:00Z").to_string();
    let space = " ".repeat(bytes - body.len());
    body + &space
}

fn post() -> http::request::Builder {
    Request::post("/appointments")
        .header(header::AUTHORIZATION, "Bearer open sesame")
        .header(header::CONTENT_TYPE, "application/json")
}

/// In pieces, and without a word about the length.
async fn chunked(api: &Api, body: &str) -> Answer {
    let pieces = body.as_bytes().chunks(1000);
    let pieces: Vec<_> = pieces
        .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
        .collect();
    let body = Body::from_stream(stream::iter(pieces));
    api.send(post().body(body).unwrap()).await
}

/// As a function URL hands over what it does not take for text.
async fn in_base64(api: &Api, body: &str) -> Answer {
    use base64::Engine;
    let event = include_str!("../../../../events/appointments-api/book.json");
    let mut event: Value = serde_json::from_str(event).unwrap();
    event["headers"]["authorization"] = json!("Bearer open sesame");
    event["body"] = json!(base64::engine::general_purpose::STANDARD.encode(body));
    event["isBase64Encoded"] = json!(true);
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    api.send(request.map(Body::new)).await
}

#[tokio::test]
async fn a_body_of_64_kib_is_read_and_one_byte_more_is_not_however_it_comes() {
    let (good, bad) = (booking_of(MOST_BYTES), booking_of(MOST_BYTES + 1));
    for way in ["plain", "chunked", "base64"] {
        let api = Api::open().await;
        let send = async |body: &str| match way {
            "plain" => api.send(post().body(Body::from(body.to_owned())).unwrap()).await,
            "chunked" => chunked(&api, body).await,
            _ => in_base64(&api, body).await,
        };
        send(&bad).await.is_problem(413, "body_too_large");
        let answer = send(&good).await;
        assert_eq!(answer.status, 201, "{way}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_window_of_more_than_92_days_is_refused_and_an_open_one_is_not() {
    let api = Api::open().await;
    let (from, longest, longer) = (
        "from=2026-12-01T00:00:00Z",
        "to=2027-03-03T00:00:00Z",
        "to=2027-03-03T00:00:01Z",
    );
    for path in ["/appointments", "/availability", "/calendar/events"] {
        let answer = api.get(&format!("{path}?{from}&{longest}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let answer = api.get(&format!("{path}?{from}&{longer}")).await;
        assert_eq!(
            answer.is_problem(422, "validation_failed").pointers(),
            ["/to"],
            "{path}"
        );
    }
    for path in ["/appointments", "/calendar/events"] {
        for window in [from, "to=2100-12-31T00:00:00Z"] {
            assert_eq!(
                api.get(&format!("{path}?{window}")).await.status,
                200,
                "{path}?{window}"
            );
        }
    }
}

#[tokio::test]
async fn every_parameter_refuses_control_characters_and_times_out_of_reach() {
    let api = Api::open().await;
    let booked = api.book("2027-03-01T09:00:00Z").await;
    let history = format!("/appointments/{}/history", booked["id"].as_str().unwrap());
    let routes: [(&str, &[&str]); 4] = [
        (
            "/appointments",
            &["from", "to", "status", "patient_phone", "limit", "cursor"],
        ),
        (
            "/availability",
            &["from", "to", "duration_minutes", "step_minutes", "calendar_id"],
        ),
        (
            "/calendar/events",
            &["from", "to", "limit", "page_token", "calendar_id"],
        ),
        (&history, &["before"]),
    ];
    for (path, names) in routes {
        for name in names {
            let mut values = vec!["%00", "1%1B", "a%0Ab", "a%C2%85b"];
            if ["from", "to"].contains(name) {
                values.extend([
                    "1969-12-31T23:59:59Z",
                    "2101-01-01T00:00:00Z",
                    "2027-02-29T00:00:00Z",
                ]);
            }
            for value in values {
                let answer = api.get(&format!("{path}?{name}={value}")).await;
                let pointers = answer.is_problem(422, "validation_failed").pointers();
                let expected = format!("/{name}");
                assert!(
                    pointers.contains(&expected.as_str()),
                    "{path}?{name}={value}: {pointers:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_database_that_is_too_busy_is_503_with_nothing_changed() {
    let database = Arc::new(TestDatabase::create().await);
    let other = Database::new(DatabaseUrl::parse(&database.url()).unwrap());
    let limit = format!(
        "alter role clinic in database {} set lock_timeout = '100ms'",
        database.name()
    );
    other
        .read(soon(), async |client| client.batch_execute(&limit).await)
        .await
        .unwrap();
    let api = Api::over(database, &[]).await;

    let (held, over) = (Notify::new(), Notify::new());
    let holding = other.transaction(soon(), async |transaction| {
        transaction
            .batch_execute("lock table appointment_history")
            .await?;
        held.notify_one();
        over.notified().await;
        Ok(())
    });
    let asking = async {
        held.notified().await;
        let answer = api.post("/appointments", booking("2027-03-01T09:00:00Z")).await;
        answer.is_problem(503, "database_busy");
        assert!(answer.headers.contains_key(header::RETRY_AFTER));
        over.notify_one();
    };
    let (held, ()) = tokio::join!(holding, asking);
    held.unwrap();

    let list = api.get("/appointments").await;
    assert_eq!(list.body["items"], json!([]));
    api.book("2027-03-01T09:00:00Z").await;
}

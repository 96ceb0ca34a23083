//! What callers and people may say, and where: in every field, in what is refused, in paths, parameters and headers, with
//! everything logged that can be. The end of the stack searches what was written.

use local::postgres::TestDatabase;
use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{Stack, until};

/// Stands in all that is said here.
const MARK: &str = "Zulaikha-Öz";
const PASSWORD: &str = "hunter2-and-more";

#[tokio::test]
async fn nothing_that_is_said_in_confidence_gets_out() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::empty().await;
    let url = database
        .url()
        .replacen("clinic@", &format!("clinic:{PASSWORD}@"), 1);
    assert!(url.contains(PASSWORD), "{}", database.url());
    let settings = [("RUST_LOG", "trace"), ("DATABASE_URL", url.as_str())];
    let stack = Stack::start_with(&folder, &settings).await;
    stack.keep_private(MARK);
    stack.keep_private(PASSWORD);

    callers_say_it(&stack).await;
    strangers_say_it(&stack).await;
    people_say_it(&stack).await;
    google_says_it(&stack).await;

    let log = |file: &str| std::fs::read_to_string(folder.path().join("log").join(file)).unwrap();
    for (file, word) in [
        ("functions.log", "request answered"),
        ("functions.log", "a login failed"),
        ("functions.log", "\"pushed\""),
        ("functions.log", "\"pulled\""),
        ("problems.log", "validation_failed"),
        ("problems.log", "slot_taken"),
        ("bus.log", "AppointmentChanged"),
        ("bus.log", "CalendarChanged"),
    ] {
        assert!(
            log(file).contains(word),
            "{file} was to be searched, and has no {word}"
        );
    }
    stack.end().await;
}

/// A text of each field that a booking takes.
fn full_booking() -> Value {
    json!({
        "patient_name": format!("{MARK} \"Zuza\" O'Neill"),
        "patient_phone": "+92 333 7654321",
        "patient_email": "zulaikha-oez@example.com",
        "title": format!("Title of {MARK}"),
        "reason": format!("Reason of {MARK}"),
        "notes": format!("Notes of {MARK}\n<b>on</b> two lines"),
        "location": format!("House of {MARK}"),
        "starts_at": "2031-01-06T10:00:00+05:00",
    })
}

async fn callers_say_it(stack: &Stack) {
    let booking = full_booking();
    let (status, booked) = stack.api(Method::POST, "/appointments", Some(&booking)).await;
    assert_eq!(status, 201, "{booked}");
    let path = format!("/appointments/{}", booked["id"].as_str().unwrap());
    // The slot is taken now.
    let (status, _) = stack.api(Method::POST, "/appointments", Some(&booking)).await;
    assert_eq!(status, 409);
    stack
        .client()
        .get(stack.url("/appointments"))
        .bearer_auth(&stack.key)
        .query(&[("patient_phone", "0333 7654321")])
        .send()
        .await
        .unwrap();
    let (_, history) = stack.get(&format!("{path}/history")).await;
    assert!(history.to_string().contains(MARK));

    // Refused, in each field: what is too long, what has a control character, what is of another kind.
    let later = |field: &str, value: Value| {
        let mut body = full_booking();
        body["starts_at"] = json!("2031-01-06T15:00:00+05:00");
        body[field] = value;
        body
    };
    let texts = full_booking();
    for (field, text) in texts.as_object().unwrap() {
        let text = text.as_str().unwrap();
        for bad in [
            json!(format!("{MARK} {text}").repeat(500)),
            json!(format!("{MARK}\u{7}{text}")),
            json!({ "said": text }),
            json!([MARK, text]),
        ] {
            let (status, answer) = stack
                .api(Method::POST, "/appointments", Some(&later(field, bad.clone())))
                .await;
            assert_eq!(status, 422, "{answer}");
            let (status, answer) = stack
                .api(Method::PATCH, &path, Some(&json!({ field.as_str(): bad })))
                .await;
            assert_eq!(status, 422, "{answer}");
        }
    }
    let reason = json!({"reason": format!("{MARK} is ill")});
    let (status, answer) = stack
        .api(Method::POST, &format!("{path}/cancel"), Some(&reason))
        .await;
    assert_eq!(status, 200, "{answer}");
}

async fn strangers_say_it(stack: &Stack) {
    let said = in_url(MARK);
    let send = async |method: Method, path: &str, headers: &[(&str, &str)], body: String| {
        let mut request = stack.client().request(method, stack.url(path)).body(body);
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.bearer_auth(&stack.key);
        }
        for (name, value) in headers {
            request = request.header(*name, value.as_bytes());
        }
        request.send().await.unwrap().status().as_u16()
    };
    let json = ("content-type", "application/json");
    for (body, status) in [
        (format!("{{\"patient_name\": \"{MARK}\""), 400),
        (format!("\"{MARK}\""), 422),
        (format!("{{\"patient_name\": \"{}\"}}", MARK.repeat(6000)), 413),
    ] {
        assert_eq!(send(Method::POST, "/appointments", &[json], body).await, status);
    }
    let plain = [("content-type", "text/plain")];
    assert_eq!(
        send(Method::POST, "/appointments", &plain, MARK.into()).await,
        415
    );
    for (path, status) in [
        (format!("/appointments/{said}"), 404),
        (format!("/{said}"), 404),
        (format!("/appointments?patient_phone={said}"), 422),
        (
            format!("/appointments?from={said}&to={said}&cursor={said}&limit={said}&status={said}"),
            422,
        ),
        (format!("/availability?from={said}&calendar_id={said}"), 422),
        (format!("/calendar/status?calendar_id={said}"), 422),
    ] {
        assert_eq!(
            send(Method::GET, &path, &[], String::new()).await,
            status,
            "{path}"
        );
    }
    let bearer = format!("Bearer {MARK}");
    let basic = format!("Basic {MARK}");
    for (header, status) in [
        (("authorization", bearer.as_str()), 401),
        (("authorization", basic.as_str()), 401),
        // {"alg":"none"}, and a name.
        (
            (
                "authorization",
                "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJadWxhaWtoYS3DlnoifQ.",
            ),
            401,
        ),
        (("origin", MARK), 200),
        (("user-agent", MARK), 200),
        (("x-request-id", MARK), 200),
        (("x-forwarded-for", MARK), 200),
        (("cookie", MARK), 200),
    ] {
        assert_eq!(
            send(Method::GET, "/appointments", &[header], String::new()).await,
            status,
            "{header:?}"
        );
    }
    let key = ("idempotency-key", MARK);
    send(
        Method::POST,
        "/appointments",
        &[json, key],
        full_booking().to_string(),
    )
    .await;
    let version = ("if-match", MARK);
    let path = format!("/appointments/{}", uuid::Uuid::now_v7());
    send(Method::PATCH, &path, &[json, version], "{}".into()).await;
    for header in [
        "x-goog-channel-id",
        "x-goog-channel-token",
        "x-goog-resource-state",
    ] {
        send(Method::POST, "/calendar/webhook", &[(header, MARK)], MARK.into()).await;
    }
}

async fn people_say_it(stack: &Stack) {
    let own = json!({
        "summary": format!("Visit of {MARK}"), "description": format!("About {MARK}"),
        "location": format!("Home of {MARK}"),
        "start": {"dateTime": "2031-01-07T10:00:00+05:00"}, "end": {"dateTime": "2031-01-07T11:00:00+05:00"},
    });
    stack.person(Method::POST, "", &own).await;
    let booked = stack
        .book_and_see("clinic@example.com", "2031-01-08T10:00:00+05:00")
        .await;
    let edit = json!({"summary": format!("Moved for {MARK}"), "description": format!("{MARK} called")});
    stack.google(Method::PATCH, &booked.event, &edit).await;
    stack
        .until_appointment(&booked, "the edit", |now| now["title"] == edit["summary"])
        .await;
    // A booking into a person's own time is refused, and says by what.
    let mut into = full_booking();
    into["starts_at"] = json!("2031-01-07T10:30:00+05:00");
    until("the person's own event is known", async || {
        let (status, _) = stack.api(Method::POST, "/appointments", Some(&into)).await;
        assert!([201, 409].contains(&status), "{status}");
        (status == 409).then_some(())
    })
    .await;
}

/// Google refuses an event, and its words, even the reason, quote what it was sent.
async fn google_says_it(stack: &Stack) {
    for status in [400, 500] {
        let refusal = json!({"refuse": {"status": status, "reason": MARK}});
        let fault = json!({"operation": "events.insert", "when": "before", "answer": refusal, "times": 3});
        stack.google(Method::POST, "/faults", &fault).await;
        let mut body = full_booking();
        body["starts_at"] = json!(format!("2031-01-09T{}:00:00+05:00", 10 + status / 100));
        let (answered, booked) = stack.api(Method::POST, "/appointments", Some(&body)).await;
        assert_eq!(answered, 201, "{booked}");
        let path = format!("/appointments/{}", booked["id"].as_str().unwrap());
        until("Google has refused", async || {
            let (_, now) = stack.get(&path).await;
            let tried = now["calendar_sync"]["state"] == "failed"
                || now["calendar_sync"]["last_error"] != Value::Null;
            (tried || now["calendar_sync"]["state"] == "synced").then_some(())
        })
        .await;
        stack.google(Method::DELETE, "/faults", &Value::Null).await;
    }
    let (_, status) = stack.get("/calendar/status").await;
    assert!(!status.to_string().contains(MARK), "{status}");
    stack.api(Method::POST, "/calendar/full-sync", None).await;
    assert!(stack.invoke("watch-renewer").await);
}

fn in_url(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

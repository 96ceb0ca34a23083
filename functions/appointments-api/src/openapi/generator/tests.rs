//! The document is what the code says, and what it says is true.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared::appointment::request;
use shared::input::Fault;

use super::conformance::faults;
use super::{document, page, schema, tools};

/// Each generated file and what it should hold.
fn files() -> Vec<(PathBuf, String)> {
    let document = document();
    let json = format!("{document:#}\n");
    let page = page::page(&document);
    let tag = |text: &str| format!("\"{}\"", hex::encode(&Sha256::digest(text)[..16]));
    let policy = page::policy(&STANDARD.encode(Sha256::digest(page::STYLE)));
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("openapi");
    let docs = docs();
    vec![
        (folder.join("openapi.json.tag"), tag(&json)),
        (folder.join("openapi.json"), json),
        (folder.join("docs.html.tag"), tag(&page)),
        (folder.join("docs.html.policy"), policy),
        (folder.join("docs.html"), page),
        (
            docs.join("voice-agent-tools.json"),
            format!("{:#}\n", tools::definitions(&document)),
        ),
        (
            docs.join("voice-agent-requests.json"),
            format!("{:#}\n", tools::requests(&document)),
        ),
    ]
}

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

#[test]
fn the_files_are_what_the_code_says() {
    for (path, expected) in files() {
        if std::env::var_os("WRITE_OPENAPI").is_some() {
            std::fs::write(&path, &expected).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let first = written
            .lines()
            .zip(expected.lines())
            .find(|(written, expected)| written != expected);
        assert!(
            written == expected,
            "{} is not what the code says, `make openapi` writes it: {first:?}",
            path.display()
        );
    }
}

/// What the code reads a body by.
type Read = fn(Value) -> Result<(), Vec<Fault>>;

/// The bodies that have readers of their own, by name, and what is enough for each.
fn readers() -> [(&'static str, Value, Read); 4] {
    fn now() -> DateTime<Utc> {
        "1960-01-01T00:00:00Z".parse().unwrap()
    }
    let start = "2031-01-06T09:00:00Z";
    [
        (
            "Booking",
            json!({"patient_name": "A. Khan", "starts_at": start}),
            |body| request::booking(body, now()).map(drop),
        ),
        ("AppointmentPatch", json!({}), |body| {
            request::patch(body).map(drop)
        }),
        ("Rescheduling", json!({"starts_at": start}), |body| {
            request::reschedule(body).map(drop)
        }),
        ("Cancellation", json!({}), |body| request::cancel(body).map(drop)),
    ]
}

/// Values at and beyond every bound that a member may have.
fn values(member: &Value) -> Vec<Value> {
    let longest = usize::try_from(member["maxLength"].as_u64().unwrap_or(10)).unwrap();
    let mut values = vec![
        json!(null),
        json!(true),
        json!(false),
        json!(1.5),
        json!([]),
        json!({}),
        json!(1e300),
    ];
    values.extend([0, 1, 30, 1440, 1441, -1].map(Value::from));
    values.push(json!(30.0));
    for text in [
        "",
        " ",
        "\u{a0}",
        "x",
        " x ",
        "30",
        "\n",
        "a\nb",
        "a\r\nb",
        "a\rb",
        "a\tb",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "x\n",
        "+92 300 1234567",
        " (021) 555-0100 ",
        "(-)",
        "12",
        "123",
        "1-2/3.4",
        "123x",
        "\u{a0}123",
        "12345678901234567890",
        "123456789012345678901",
        "a@example.com",
        " a@example.com ",
        "a@b",
        "@b",
        "a@",
        "a@b@c",
        "a b@c",
        "a@b\u{a0}",
        "2031-01-06T09:00:00+05:00",
        "2031-01-06T09:00:00.5Z",
        "1970-01-01T00:00:00+05:00",
        "2100-12-31T23:59:59-12:00",
        "1969-12-31T23:59:59-05:00",
        "2101-01-01T00:00:00+05:00",
        "2031-01-06T09:00:00",
        "2031-02-30T09:00:00Z",
        "soon",
        "scheduled",
        "completed",
        "no_show",
        "cancelled",
        "pending",
    ] {
        values.push(json!(text));
    }
    for length in [longest, longest + 1] {
        values.push(json!("x".repeat(length)));
        values.push(json!("é".repeat(length)));
        values.push(json!(format!("{}@b", "x".repeat(length - 2))));
        values.push(json!(format!("123{}", " ".repeat(length - 3))));
    }
    values
}

#[test]
fn a_body_is_read_just_when_it_fits_its_schema() {
    let document = document();
    for (name, enough, read) in readers() {
        let agree = |body: &Value| {
            let refused = read(body.clone()).err();
            // Of more than one member at once: what the schema says in words.
            let about_both = |fault: &Fault| fault.detail.contains("after starts_at");
            if refused
                .as_ref()
                .is_some_and(|faults| faults.iter().all(about_both))
            {
                return;
            }
            let misfit = faults(name, &schema::named(name), body);
            assert_eq!(
                refused.is_none(),
                misfit.is_empty(),
                "{name} {body}: {refused:?} {misfit:?}"
            );
        };
        agree(&enough);
        let described = &document["components"]["schemas"][name];
        for (member, described) in described["properties"].as_object().unwrap() {
            for value in values(described) {
                let mut body = enough.clone();
                body[member] = value;
                agree(&body);
            }
        }
        for member in enough.as_object().unwrap().keys() {
            let mut body = enough.clone();
            body.as_object_mut().unwrap().remove(member);
            agree(&body);
        }
        let mut body = enough.clone();
        body["surprise"] = json!(null);
        agree(&body);
        [json!([]), json!(null), json!("x")].iter().for_each(agree);
    }
}

#[test]
fn every_example_of_a_body_is_read() {
    let document = document();
    for (name, _, read) in readers() {
        let mut examples = 0;
        each_media(&document, &mut |media| {
            if media["schema"] == schema::named(name) {
                for example in media["examples"].as_object().unwrap().values() {
                    read(example["value"].clone()).unwrap();
                    examples += 1;
                }
            }
        });
        assert!(examples > 0, "{name} has no example");
    }
}

#[test]
fn every_example_fits_its_schema() {
    let mut seen = 0;
    each_media(&document(), &mut |media| {
        let named = media["examples"]
            .as_object()
            .into_iter()
            .flat_map(|named| named.values());
        for example in named.map(|named| &named["value"]).chain(media.get("example")) {
            let place = format!("example {}", media["schema"]);
            assert_eq!(
                faults(&place, &media["schema"], example),
                Vec::<String>::new(),
                "{example}"
            );
            seen += 1;
        }
    });
    assert!(seen > 30, "only {seen} examples");
}

/// Looks at every body of a request or an answer.
fn each_media(value: &Value, look: &mut impl FnMut(&Value)) {
    for (name, inner) in value.as_object().into_iter().flatten() {
        if name == "content" {
            inner.as_object().unwrap().values().for_each(&mut *look);
        } else {
            each_media(inner, look);
        }
    }
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = document();
    let methods = document["paths"].as_object().unwrap().values();
    let mut names: Vec<_> = methods
        .flat_map(|methods| methods.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), all), (crate::routes::table().len(), all));
}

#[test]
fn every_code_that_is_described_is_one_that_the_code_uses() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut source = String::new();
    for file in [
        "shared/src/problem.rs",
        "response.rs",
        "request.rs",
        "access.rs",
        "headers.rs",
        "routes.rs",
        "idempotency.rs",
        "appointments/mod.rs",
        "appointments/change.rs",
    ] {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
        let path = if here.exists() { here } else { folder.join(file) };
        source.push_str(&std::fs::read_to_string(path).unwrap());
    }
    for (code, _) in super::problems::MEANINGS {
        assert!(
            source.contains(&format!("\"{code}\"")),
            "nothing answers with {code}"
        );
    }
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    let page = page::page(&document());
    for forbidden in [
        "<script", "<link", "<img", "<iframe", "style=", " src=", "url(", "@import", "onclick",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    for reference in page.split("href=\"").skip(1) {
        let target = reference.split('"').next().unwrap();
        match target.strip_prefix('#') {
            Some(id) => assert!(page.contains(&format!("id=\"{id}\"")), "{target} is nowhere"),
            None => assert_eq!(target, "openapi.json"),
        }
    }
}

#[test]
fn the_voice_agents_page_has_words_for_every_problem_that_its_requests_may_meet() {
    let page = std::fs::read_to_string(docs().join("voice-agent.md")).unwrap();
    let document = document();
    for (tool, request) in tools::requests(&document).as_object().unwrap() {
        assert!(page.contains(&format!("`{tool}`")), "{tool}");
        let path = request["path"]
            .as_str()
            .unwrap()
            .replace("{appointment_id}", "{id}");
        let method = request["method"].as_str().unwrap().to_lowercase();
        for answer in document["paths"][path][method]["responses"]
            .as_object()
            .unwrap()
            .values()
        {
            let answer = match answer["$ref"].as_str() {
                Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
                None => answer,
            };
            let codes = &answer["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["code"]
                ["enum"];
            for code in codes.as_array().into_iter().flatten() {
                assert!(page.contains(&format!("`{}`", code.as_str().unwrap())), "{code}");
            }
        }
    }
}

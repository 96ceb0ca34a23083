//! What docs/privacy.md says is never logged, published or shown in a problem: whatever patients and people gave to a stack,
//! and its secrets. Each stack's logs, bus entries and problems, all of them files in its log folder, are searched for it.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::stack::{Stack, until};

/// The fields of an appointment that are a patient's.
const FIELDS: [&str; 8] = [
    "patient_name",
    "patient_phone",
    "patient_email",
    "title",
    "reason",
    "notes",
    "location",
    "cancellation_reason",
];

/// The Google stand-in tells what it was asked, and is no part of ours.
const NOT_OURS: &str = "google.log";

/// Texts that must not be found.
#[derive(Default)]
pub(crate) struct Private {
    texts: BTreeSet<String>,
}

impl Private {
    /// Each line of `text`, unless it is so short or plain that it would be found by chance.
    pub(crate) fn add(&mut self, text: &str) {
        for line in text.lines().map(str::trim) {
            let different: BTreeSet<char> = line.chars().collect();
            if line.chars().count() >= 6 && different.len() >= 4 {
                self.texts.insert(line.to_owned());
            }
        }
    }

    /// What a request says of a patient.
    pub(crate) fn add_patient(&mut self, body: &Value) {
        for text in FIELDS.iter().filter_map(|field| body[field].as_str()) {
            self.add(text);
        }
    }

    /// What the database and the calendars hold by now.
    pub(crate) async fn add_stored(&mut self, stack: &Stack) {
        // It may be starting again after a test has killed it.
        let (texts, calendars) = until("the stored texts", async || stored(stack).await.ok()).await;
        for text in texts {
            self.add(&text);
        }
        for calendar in calendars {
            let events = until("the calendars' events", async || stack.events_of(&calendar).await).await;
            for event in events {
                let said = ["summary", "description", "location"].map(|field| event[field].as_str());
                let guests = event["attendees"].as_array().into_iter().flatten();
                let said = said
                    .into_iter()
                    .chain(guests.map(|guest| guest["email"].as_str()));
                // The calendar's own address is an id, which is logged.
                for text in said.flatten().filter(|text| *text != calendar) {
                    self.add(text);
                }
            }
        }
    }

    /// The secrets of `make run` in its folder, and those that everybody has.
    pub(crate) fn add_secrets(&mut self, folder: &Path, key: &str) {
        let secrets = std::fs::read_to_string(folder.join("secrets.json")).unwrap();
        let secrets: Value = serde_json::from_str(&secrets).unwrap();
        assert_eq!(secrets["api_key"], key);
        for secret in secrets.as_object().unwrap().values() {
            self.add(secret.as_str().unwrap());
        }
        // Google's access tokens begin so, and private keys.
        for beginning in ["ya29.", "BEGIN PRIVATE KEY", "BEGIN RSA PRIVATE KEY"] {
            self.texts.insert(beginning.to_owned());
        }
    }

    /// The text that `line` has in it, in whatever form.
    fn found_in<'a>(&'a self, line: &str) -> Option<&'a str> {
        let lower = line.to_lowercase();
        let found = |text: &&String| {
            readable(text)
                .iter()
                .any(|form| lower.contains(&form.to_lowercase()))
                || in_base64(text).iter().any(|form| line.contains(form))
        };
        self.texts.iter().find(found).map(String::as_str)
    }
}

/// Every patient's text that was ever stored, and every calendar.
async fn stored(stack: &Stack) -> Result<(Vec<String>, Vec<String>), tokio_postgres::Error> {
    let db = stack.try_database().await?;
    let columns = FIELDS.join(", ");
    let now = format!("select text from appointments, unnest(array[{columns}]) text where text is not null");
    let before = "select side.value #>> '{}'
        from appointment_history, jsonb_each(fields) field, jsonb_each(field.value) side
        where field.key = any($1) and jsonb_typeof(side.value) = 'string'";
    let mut rows = db.query(&now, &[]).await?;
    rows.extend(db.query(before, &[&FIELDS.as_slice()]).await?);
    let calendars = db.query("select id from calendars", &[]).await?;
    let first = |rows: Vec<tokio_postgres::Row>| rows.iter().map(|row| row.get(0)).collect();
    Ok((first(rows), first(calendars)))
}

/// Searches every file of a log folder but those that are not ours.
pub(crate) fn search(folder: &Path, private: &Private) {
    let mut lines = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.ends_with(NOT_OURS) {
            continue;
        }
        let text = std::fs::read(&path).unwrap();
        for line in String::from_utf8_lossy(&text).lines() {
            lines += 1;
            if let Some(text) = private.found_in(line) {
                panic!("{} says '{text}': {line}", path.display());
            }
        }
    }
    assert!(lines > 0, "nothing was logged");
}

/// A text as logs may show it: as it is, in JSON, in JSON within JSON, as Rust's `{:?}`, in a URL, in a form.
fn readable(text: &str) -> Vec<String> {
    let json = |text: &str| serde_json::to_string(text).unwrap().trim_matches('"').to_owned();
    let ascii = |text: &str| -> String {
        let units = text.encode_utf16();
        let escaped = units.map(|unit| match u8::try_from(unit) {
            Ok(byte @ b' '..=b'~') => char::from(byte).to_string(),
            _ => format!("\\u{unit:04x}"),
        });
        escaped.collect()
    };
    let url = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut forms = vec![
        text.to_owned(),
        json(text),
        json(&json(text)),
        ascii(&json(text)),
        text.escape_debug().to_string(),
        text.escape_default().to_string(),
        form_urlencoded::byte_serialize(text.as_bytes()).collect(),
        // Few escape all that may be escaped.
        url.replace("%20", "+"),
        url.replace("%2E", ".").replace("%2D", "-"),
        url,
    ];
    forms.sort();
    forms.dedup();
    forms
}

/// What is the same of a text's base64 wherever in an encoded whole it stands.
fn in_base64(text: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(text.as_bytes());
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&bytes);
            // The first characters depend on what stands before, the last one on what follows.
            let first = (before * 8).div_ceil(6);
            let end = encoded.len() - usize::from(bytes.len() % 3 > 0);
            forms.push(encoded[first..end].to_owned());
        }
    }
    forms
}

#[test]
fn every_form_of_a_leak_is_found() {
    let mut private = Private::default();
    let text = "Zoë \"Z\" O'Brien+1 & Söhne";
    private.add(text);
    let planted = [
        text.to_owned(),
        text.to_uppercase(),
        serde_json::json!({ "message": text }).to_string(),
        serde_json::json!({ "body": serde_json::json!({ "name": text }).to_string() }).to_string(),
        r#"{"name": "Zo\u00eb \"Z\" O'Brien+1 & S\u00f6hne"}"#.to_owned(),
        format!("{text:?}"),
        "?name=Zo%C3%AB%20%22Z%22%20O%27Brien%2B1%20%26%20S%C3%B6hne".to_owned(),
        "?name=zo%c3%ab+%22z%22+o%27brien%2b1+%26+s%c3%b6hne".to_owned(),
    ];
    for line in &planted {
        assert_eq!(private.found_in(line), Some(text), "{line}");
    }
    for before in ["", "a", "ab", "abc"] {
        for after in ["", "x", "xy"] {
            for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                let line = engine.encode(format!("{before}{text}{after}"));
                assert_eq!(private.found_in(&line), Some(text), "'{before}' '{after}'");
            }
        }
    }
    assert_eq!(private.found_in("Zoë was here, and so was Söhne & Co."), None);
}

#[test]
fn a_leak_in_any_file_fails_the_test() {
    let folder = tempfile::tempdir().unwrap();
    let mut private = Private::default();
    private.add_patient(
        &serde_json::json!({"patient_name": "A. Khan", "starts_at": "2030-01-07T09:00:00+05:00"}),
    );
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
    let leaks = || std::panic::catch_unwind(|| search(folder.path(), &private)).is_err();
    assert!(leaks(), "an empty folder was not written by a stack");
    write(
        "functions.log",
        "{\"starts_at\": \"2030-01-07T09:00:00+05:00\"}\n",
    );
    write("google.log", "A. Khan\n");
    assert!(!leaks());
    write("bus.log", "one line\n{\"detail\": \"A. Khan\"}\n");
    assert!(leaks());
}

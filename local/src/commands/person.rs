//! `local person ...`: what a person does in Google Calendar, done in the stand-in.

use std::process::ExitCode;

use reqwest::Method;
use serde_json::{Value, json};

/// What `local person` alone answers.
const USAGE: &str = "\
usage: local person ACTION, on the first calendar of GOOGLE_CALENDAR_ID
  list                          the events, deleted ones included
  add START END TITLE           an event of one's own
  move EVENT START              to another time, as long as before
  retitle EVENT TITLE
  notes EVENT TEXT              what stands in the description
  delete EVENT
  restore EVENT                 from the bin
START and END look like 2026-12-01T09:00:00+05:00";

/// Does one thing and prints the event as it is then.
pub(super) async fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let answer = match words.as_slice() {
        ["list"] => {
            let listing = ask(Method::GET, "", None).await?;
            listing["events"].as_array().into_iter().flatten().for_each(show);
            return Ok(ExitCode::SUCCESS);
        }
        ["add", start, end, title] => {
            let event = json!({"summary": title, "start": {"dateTime": start}, "end": {"dateTime": end}});
            ask(Method::POST, "", Some(event)).await?
        }
        ["move", event, start] => {
            ask(
                Method::POST,
                &format!("/{event}/move"),
                Some(json!({"start": start})),
            )
            .await?
        }
        ["retitle", event, title] => {
            ask(
                Method::PATCH,
                &format!("/{event}"),
                Some(json!({"summary": title})),
            )
            .await?
        }
        ["notes", event, text] => {
            ask(
                Method::PATCH,
                &format!("/{event}"),
                Some(json!({"description": text})),
            )
            .await?
        }
        ["delete", event] => ask(Method::DELETE, &format!("/{event}"), None).await?,
        ["restore", event] => ask(Method::POST, &format!("/{event}/restore"), None).await?,
        _ => return Err(USAGE.to_owned()),
    };
    if !answer.is_null() {
        show(&answer);
    }
    Ok(ExitCode::SUCCESS)
}

/// One call of the stand-in's admin interface, on the events of the calendar.
async fn ask(method: Method, path: &str, body: Option<Value>) -> Result<Value, String> {
    let port = std::env::var("LOCAL_GOOGLE_PORT").unwrap_or_else(|_| "9010".to_owned());
    let calendars = std::env::var("GOOGLE_CALENDAR_ID").unwrap_or_else(|_| "clinic@example.com".to_owned());
    let calendar = calendars.split(',').next().unwrap_or_default().trim();
    let url = format!("http://127.0.0.1:{port}/admin/calendars/{calendar}/events{path}");
    let mut request = reqwest::Client::new().request(method, url);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let unreachable = |_| format!("no Google stand-in answers on port {port}: start it with `make run`");
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let answer: Value = response.json().await.unwrap_or_default();
    if status.is_success() {
        return Ok(answer);
    }
    let message = answer["error"]["message"].as_str().unwrap_or("no reason given");
    Err(format!("the stand-in refuses ({}): {message}", status.as_u16()))
}

/// An event in one line: id, status, start, end, title.
fn show(event: &Value) {
    let time = |name: &str| {
        let time = &event[name];
        time["dateTime"]
            .as_str()
            .or_else(|| time["date"].as_str())
            .unwrap_or("-")
            .to_owned()
    };
    let text = |name: &str| event[name].as_str().unwrap_or("-");
    super::tell(&format!(
        "{}  {:9}  {}  {}  {}",
        text("id"),
        text("status"),
        time("start"),
        time("end"),
        text("summary")
    ));
}

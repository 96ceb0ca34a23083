//! `GET /calendar/events`: what Google shows, ours and people's own.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::appointment::request::{DEFAULT_LIMIT, LIMITS};
use shared::google::{Continuation, Error, Event, EventStatus, EventsQuery, ListedEvent};
use shared::input::{Reader, time};
use shared::problem::Problem;
use shared::sync::{When, links};
use uuid::Uuid;

use super::one_calendar;
use crate::app::App;
use crate::appointments::rfc_3339;
use crate::request::{Parameters, RequestInfo};
use crate::response::{ApiError, ok};

/// The longest page token that is passed on, in bytes.
pub(crate) const LONGEST_TOKEN: usize = 2048;
const NOT_A_PAGE_TOKEN: &str = "must be a next_page_token of this list";

#[derive(Serialize)]
struct Page {
    items: Vec<Item>,
    next_page_token: Option<String>,
}

#[derive(Serialize)]
struct Item {
    id: String,
    title: Option<String>,
    starts_at: String,
    ends_at: String,
    all_day: bool,
    status: &'static str,
    html_link: Option<String>,
    appointment_id: Option<Uuid>,
}

/// One page of the events that overlap a window, by default from now on.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    info: RequestInfo,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    let calendar_id = one_calendar(&app, &mut parameters)?;
    let window = Window::read(parameters)?;
    let query = EventsQuery::Window {
        from: window.from,
        to: window.to,
        limit: window.limit,
    };
    let page = app
        .google
        .list_events(calendar_id, query, window.page_token.as_deref(), info.soon())
        .await
        .map_err(|error| refused(error, window.page_token.is_some()))?;
    let events: Vec<Event> = page
        .events
        .read()?
        .into_iter()
        .filter_map(|item| match item {
            ListedEvent::Live(event) => Some(*event),
            ListedEvent::Cancelled(_) | ListedEvent::Unreadable { .. } => None,
        })
        .collect();
    let ids: Vec<_> = events.iter().map(|event| event.id.as_str()).collect();
    let links = app
        .db
        .read(info.deadline, async |client| {
            links::appointments_of(client, calendar_id, &ids).await
        })
        .await?;
    let next_page_token = match page.next {
        Continuation::Page(token) => Some(token),
        Continuation::End { .. } => None,
    };
    let items = events
        .into_iter()
        .map(|event| item(&app, event, &links))
        .collect();
    Ok(ok(&Page {
        items,
        next_page_token,
    }))
}

/// Everything else in the query is ours: what Google calls a bad request is the caller's page token.
fn refused(error: Error, paged: bool) -> ApiError {
    match error {
        Error::Refused(refusal) if paged && refusal.status == 400 => {
            Problem::invalid_field("page_token", NOT_A_PAGE_TOKEN).into()
        }
        error => error.into(),
    }
}

struct Window {
    from: DateTime<Utc>,
    to: Option<DateTime<Utc>>,
    limit: u16,
    page_token: Option<String>,
}

impl Window {
    fn read(Parameters(parameters): Parameters) -> Result<Self, ApiError> {
        let mut reader = Reader::of_query(parameters);
        let from = reader.read("from", time).into_value();
        let to = reader.read("to", time).into_value();
        reader.check_window(from, to);
        let limit = reader.whole_number("limit", LIMITS).into_value();
        let page_token = reader
            .read("page_token", |value| {
                let token = value
                    .as_str()
                    .filter(|token| (1..=LONGEST_TOKEN).contains(&token.len()))
                    .filter(|token| !token.contains(char::is_control));
                token.map(str::to_owned).ok_or_else(|| NOT_A_PAGE_TOKEN.into())
            })
            .into_value();
        let upcoming = from.is_none().then(Utc::now);
        if upcoming.zip(to).is_some_and(|(now, to)| to <= now) {
            reader.fault("to", "must be after from, which is now if not given");
        }
        Ok(reader.finish(from.or(upcoming).map(|from| Self {
            from,
            to,
            // It is no more than 200.
            limit: u16::try_from(limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(u16::MAX),
            page_token,
        }))?)
    }
}

fn item(app: &App, event: Event, links: &HashMap<String, Uuid>) -> Item {
    let zone = app.clinic.time_zone;
    let when = When::of(&event, zone);
    let (from, until) = when.instants();
    Item {
        starts_at: rfc_3339(from, zone),
        ends_at: rfc_3339(until, zone),
        all_day: matches!(when, When::AllDay { .. }),
        status: match event.status {
            EventStatus::Confirmed => "confirmed",
            EventStatus::Tentative => "tentative",
        },
        appointment_id: links.get(&event.id).copied(),
        title: event.summary,
        html_link: event.html_link,
        id: event.id,
    }
}

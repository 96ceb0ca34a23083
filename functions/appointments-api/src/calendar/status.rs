//! `GET /calendar/status`: whether Google takes part, and what waits.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use shared::google::Error;
use shared::sync::status::{self, CalendarRecord};
use shared::watch::queries::{Channel, Watched, watched};

use super::auto_sync::{AutoSync, is_running, utc};
use super::one_calendar;
use crate::app::App;
use crate::request::{Parameters, RequestInfo};
use crate::response::{ApiError, ok};

/// How long Google may take to say that it is there.
const GOOGLE_WITHIN: Duration = Duration::from_secs(3);

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the contract's word")]
struct Status<'a> {
    status: &'static str,
    reason: Option<&'static str>,
    calendar_id: &'a str,
    timezone: &'static str,
    auto_sync: AutoSync,
    last_sync_age_seconds: Option<u64>,
    watch: WatchStatus,
    watch_problem: Option<&'static str>,
    pending: i64,
    failed: i64,
    conflicts: i64,
    mass_cancel_held: bool,
    cooldown_until: Option<String>,
}

#[derive(Serialize)]
struct WatchStatus {
    active: bool,
    expires_at: Option<String>,
    last_notification_at: Option<String>,
}

impl WatchStatus {
    fn of(watched: &Watched) -> Self {
        let channel = watched.channel.as_ref();
        Self {
            active: channel.is_some_and(|channel| channel.expires_at > watched.now),
            expires_at: channel.map(|channel| utc(channel.expires_at)),
            last_notification_at: watched.last_notification_at.map(utc),
        }
    }
}

/// Why changes are found by polling alone.
fn watch_problem(watched: &Watched) -> Option<&'static str> {
    if watched.push_refused_at.is_some() {
        // Google has no notifications for this calendar.
        return Some("push_refused");
    }
    // It tells nothing although there are changes; the renewer replaces it.
    let silent = watched.channel.as_ref().is_some_and(Channel::is_silent);
    silent.then_some("silent")
}

/// Asks Google, the rule and the database, all at once.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    info: RequestInfo,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    let calendar_id = one_calendar(&app, &mut parameters)?;
    parameters.none_left()?;
    let read = app.db.read(info.soon(), async |client| {
        let record = status::read(client, calendar_id).await?;
        Ok((record, watched(client, calendar_id).await?))
    });
    let google = app
        .google
        .get_calendar(calendar_id, info.deadline.at_most(GOOGLE_WITHIN));
    let (read, google, running) = tokio::join!(read, google, is_running(&app));
    let (record, watched): (CalendarRecord, Watched) = read?;
    let reason = google.err().map(|error| reason(&error));
    Ok(ok(&Status {
        status: if reason.is_none() {
            "available"
        } else {
            "unavailable"
        },
        reason,
        calendar_id,
        timezone: app.clinic.time_zone.name(),
        auto_sync: AutoSync::of(&app, &record, running),
        last_sync_age_seconds: record.last_sync_age.map(|age| age.as_secs()),
        watch: WatchStatus::of(&watched),
        watch_problem: watch_problem(&watched),
        pending: record.pending,
        failed: record.failed,
        conflicts: record.conflicts,
        mass_cancel_held: record.mass_cancel_held,
        cooldown_until: record.cooldown_until.map(utc),
    }))
}

fn reason(error: &Error) -> &'static str {
    match error {
        Error::CredentialsMissing => "credentials_missing",
        Error::CredentialsInvalid(_) => "credentials_invalid",
        Error::Unshared | Error::Gone(_) | Error::Refused(_) => "calendar_not_shared",
        Error::Retry { .. }
        | Error::RetryAfter { .. }
        | Error::QuotaExceeded { .. }
        | Error::Unreachable { .. }
        | Error::TokenDead
        | Error::PreconditionFailed
        | Error::AlreadyExists => "google_unreachable",
    }
}

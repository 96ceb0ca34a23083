//! `local google --port PORT --state FILE`: the Google stand-in as a process of its own.

use std::process::ExitCode;

use super::arguments::{port, value};
use crate::google::{self, Options};

/// Serves until a signal ends it; each change is on disk by then.
pub(super) async fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let options = Options {
        port: port(arguments, "--port")?,
        state_file: value(arguments, "--state").map(Into::into),
        calendars: calendars()?,
    };
    super::log_to_stderr();
    google::serve(options).await.map_err(|error| error.to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// Those that the functions are told of, in the clinic's time zone.
fn calendars() -> Result<Vec<(String, chrono_tz::Tz)>, String> {
    let zone = std::env::var("CLINIC_TIME_ZONE").unwrap_or_else(|_| "Asia/Karachi".to_owned());
    let zone = zone
        .parse()
        .map_err(|_| "CLINIC_TIME_ZONE should be an IANA time zone".to_owned())?;
    let ids = std::env::var("GOOGLE_CALENDAR_ID").unwrap_or_default();
    let ids = ids.split(',').map(str::trim).filter(|id| !id.is_empty());
    Ok(ids.map(|id| (id.to_owned(), zone)).collect())
}

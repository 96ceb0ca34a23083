//! `/calendar`: how things stand, and what operators start by hand.

pub(crate) mod auto_sync;
pub(crate) mod events;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod watch;

use shared::problem::Problem;

use crate::app::App;
use crate::request::Parameters;
use crate::response::ApiError;

/// The calendar that `?calendar_id=` names, or the default one.
fn one_calendar<'a>(app: &'a App, parameters: &mut Parameters) -> Result<&'a str, ApiError> {
    let asked = parameters.take("calendar_id");
    app.clinic
        .calendar(asked.as_deref())
        .ok_or_else(|| not_configured(asked.is_some()).into())
}

/// The calendar that `?calendar_id=` names, or all of them.
fn calendars<'a>(app: &'a App, parameters: &mut Parameters) -> Result<Vec<&'a str>, ApiError> {
    match parameters.take("calendar_id") {
        None => Ok(app.clinic.calendars.iter().map(String::as_str).collect()),
        Some(asked) => match app.clinic.calendar(Some(&asked)) {
            Some(calendar) => Ok(vec![calendar]),
            None => Err(not_configured(true).into()),
        },
    }
}

/// Said of a calendar that was asked for, or that must be, since there is no default one.
pub(crate) fn not_configured(asked: bool) -> Problem {
    let fault = if asked {
        "is not a configured calendar"
    } else {
        "is needed: GOOGLE_CALENDAR_ID is not set"
    };
    Problem::invalid_field("calendar_id", fault)
}

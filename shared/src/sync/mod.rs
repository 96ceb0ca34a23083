//! Sync: making Google show what the database says, and the database know what people did in Google.
//!
//! State, not messages. What Google should show stands in the database; [`push`](Sync::push) makes it true, again and
//! again, from wherever an earlier run stopped. [`pull`](Sync::pull) reads what changed in Google since the last one and
//! works it into the appointments, all in one transaction. The 5-minute run, the bus and the manual endpoints run this
//! same code.
//!
//! - `content`, `description`, `markup`, `when`: what an event and its appointment say to each other; pure.
//! - `merge`, `plan`, `listing`, [`reconcile`]: the rules; pure.
//! - [`adoption`]: events that an older deployment made; pure.
//! - `busy`: when people's own events keep a calendar busy; pure.
//! - `push`, `pull`: the two ways; I/O and order, no rules.
//! - `cooldown`: leaving a calendar alone when Google asks for that.
//! - `turns`: the calls that a run has reserved; pure.
//! - `queries`: the SQL.

pub(crate) mod adoption;
mod busy;
mod content;
mod cooldown;
mod description;
mod listing;
mod markup;
mod merge;
mod plan;
mod pull;
mod push;
mod queries;
pub mod reconcile;
mod turns;
mod when;

use std::time::Duration;

use chrono_tz::Tz;

pub use pull::{Patience, Pulled};
pub use push::Counts as Pushed;
pub use queries::lease::Occasion;
pub use queries::{links, status};
pub use when::When;

use crate::bus::Announce;
use crate::database::{Database, DatabaseError};
use crate::google;

/// Time kept back from Google at the end of a run, to store what came of its calls.
const STORE_MARGIN: Duration = Duration::from_secs(3);

/// One process's means of syncing.
#[derive(Clone, Copy)]
pub struct Sync<'a> {
    /// Where the truth is.
    pub db: &'a Database,
    /// Where people look.
    pub google: &'a google::Client,
    /// Who is told of people's changes.
    pub bus: &'a dyn Announce,
    /// The zone of all-day events.
    pub clinic_zone: Tz,
}

/// Why a run over a calendar ended early. What was done before is kept; the rest is done by a later run.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The database did not take part.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Google did not take part.
    #[error(transparent)]
    Google(#[from] google::Error),
    /// Google asked for a pause, or all the calls that it takes are made for now, and this run cannot wait for so long.
    #[error("Google Calendar is left alone for another {} s", after.as_secs())]
    CoolingDown {
        /// What is left of it.
        after: Duration,
    },
    /// Another run has the calendar.
    #[error("another sync of this calendar is running")]
    InProgress,
    /// The invocation's time ran out, or this run was frozen for so long that another one took over.
    #[error("time ran out")]
    OutOfTime,
}

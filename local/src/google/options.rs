//! How a stand-in is started, and why it may not start.

use std::io;
use std::path::PathBuf;

use chrono_tz::Tz;
use openssl::error::ErrorStack;

/// How a stand-in runs.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// On 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// What survives a restart; nothing does without it.
    pub state_file: Option<PathBuf>,
    /// Calendars that it has at least, shared with the service account; [`DEFAULT_CALENDAR`](super::DEFAULT_CALENDAR) when empty.
    pub calendars: Vec<(String, Tz)>,
}

/// Why a stand-in does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, or not allowed.
    #[error("the Google stand-in cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The one asked for.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// The state file is there and cannot be read.
    #[error("the state of the Google stand-in in {path} cannot be read: {source}")]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// No key could be made for the service account.
    #[error("no key for the service account: {0}")]
    Key(#[from] ErrorStack),
    /// The client that sends notifications could not be made.
    #[error("no HTTP client for notifications: {0}")]
    Client(#[from] reqwest::Error),
}

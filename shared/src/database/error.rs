//! What can come of a statement instead of a result, and of a connection instead of a statement.
//!
//! No error shows what PostgreSQL said about data: its messages and details quote values.

use std::borrow::Cow;
use std::error::Error as _;
use std::io;

use tokio_postgres::error::{DbError, Severity, SqlState};

/// Why a statement has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// The database was not there, or not in time. Trying again later may help; a write may have been committed.
    #[error("the database is unavailable: {0}")]
    Unavailable(Unavailable),
    /// The database is there and will not have us until somebody changes `DATABASE_URL` or the server.
    #[error("DATABASE_URL does not work: {0}")]
    Misconfigured(Cow<'static, str>),
    /// A constraint of the tables refused the rows.
    #[error("the constraint {name} was violated")]
    Constraint {
        /// The constraint's name in the migrations.
        name: String,
    },
    /// Any other refusal, which is a fault of the program or of the tables.
    #[error("a statement failed with SQLSTATE {code}: {message}")]
    Statement {
        /// The five characters.
        code: String,
        /// PostgreSQL's message where it cannot quote data, else a general one.
        message: String,
    },
    /// The work of a transaction asked for this itself: what it wrote is undone.
    #[error("the transaction was rolled back")]
    RolledBack,
    /// A row that is not what the program expects.
    #[error("a row was not understood: {0}")]
    Row(String),
}

/// How the database is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Nobody listens at its address, or the address is not known.
    #[error("it cannot be reached")]
    Unreachable,
    /// It is starting, waking up or shutting down.
    #[error("it is starting or stopping")]
    Starting,
    /// It has more connections than it can take.
    #[error("it has too many connections")]
    Crowded,
    /// No answer before the deadline.
    #[error("it did not answer in time")]
    Slow,
    /// The connection broke, and so did its replacement.
    #[error("the connection broke")]
    Broken,
    /// Other transactions stood in the way each time; nothing was done.
    #[error("other transactions stand in the way")]
    Contended,
    /// It worked on a statement for as long as it may, and undid it.
    #[error("it gave a statement up that took too long")]
    Overworked,
}

impl DatabaseError {
    /// The name of the violated constraint, if that is what happened.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Constraint { name } => Some(name),
            _ => None,
        }
    }
}

impl From<Unavailable> for DatabaseError {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

/// What a failed statement means for the next step.
#[derive(Debug)]
pub(super) enum Fault {
    /// The connection is gone; whether the statement was run is not known.
    Lost,
    /// Nothing was done because of other transactions; the same again may work.
    Contended,
    /// The same, after waiting for them for as long as a statement may.
    LockedOut,
    /// It will not work.
    Final(DatabaseError),
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(fault) = error.as_db_error() else {
            return if error.is_closed()
                || source::<io::Error>(&error).is_some()
                || is(&error, "unexpected message")
            {
                Self::Lost
            } else {
                Self::Final(DatabaseError::Row(error.to_string()))
            };
        };
        let code = fault.code();
        if ends_session(fault) {
            Self::Lost
        } else if [
            &SqlState::T_R_SERIALIZATION_FAILURE,
            &SqlState::T_R_DEADLOCK_DETECTED,
        ]
        .contains(&code)
        {
            Self::Contended
        } else if code == &SqlState::LOCK_NOT_AVAILABLE {
            Self::LockedOut
        } else if code == &SqlState::QUERY_CANCELED {
            Self::Final(Unavailable::Overworked.into())
        } else {
            Self::Final(statement(fault))
        }
    }
}

/// The work of a transaction sees faults as errors, and hands them back by `?`.
impl From<tokio_postgres::Error> for DatabaseError {
    fn from(error: tokio_postgres::Error) -> Self {
        match Fault::from(error) {
            Fault::Lost => Unavailable::Broken.into(),
            Fault::Contended | Fault::LockedOut => Unavailable::Contended.into(),
            Fault::Final(error) => error,
        }
    }
}

impl From<DatabaseError> for Fault {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Unavailable(Unavailable::Broken) => Self::Lost,
            DatabaseError::Unavailable(Unavailable::Contended) => Self::Contended,
            error => Self::Final(error),
        }
    }
}

fn statement(fault: &DbError) -> DatabaseError {
    let code = fault.code().code();
    if let (true, Some(name)) = (code.starts_with("23"), fault.constraint()) {
        let name = name.to_owned();
        return DatabaseError::Constraint { name };
    }
    // Class 42 is about the statement's text and class 0A about features: neither can quote a parameter's value.
    let about_statement = ["42", "0A"].iter().any(|class| code.starts_with(class));
    let message = if about_statement {
        fault.message()
    } else {
        "see the server's log"
    };
    DatabaseError::Statement {
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

/// Whether the server or a pooler in front of it ended the session with this.
fn ends_session(fault: &DbError) -> bool {
    let fatal = matches!(fault.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
    fatal || fault.code().code().starts_with("08")
}

/// Why a connection could not be opened.
#[derive(Debug)]
pub(super) enum NoConnection {
    /// For now: worth waiting.
    Passing(Unavailable),
    /// Until somebody changes a setting.
    Final(DatabaseError),
}

impl NoConnection {
    pub(super) fn of(error: &tokio_postgres::Error) -> Self {
        if let Some(fault) = error.as_db_error() {
            return refusal(fault);
        }
        if is(error, "TLS") {
            return handshake(error);
        }
        if is(error, "authentication") || is(error, "invalid configuration") {
            let words = "the server asks for a way of authentication that it does not allow";
            return Self::misconfigured(words);
        }
        Self::Passing(match source::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => Unavailable::Slow,
            Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => Unavailable::Starting,
            _ => Unavailable::Unreachable,
        })
    }

    fn misconfigured(words: impl Into<Cow<'static, str>>) -> Self {
        Self::Final(DatabaseError::Misconfigured(words.into()))
    }
}

/// What the server, or a pooler in front of it, says instead of letting us in.
fn refusal(fault: &DbError) -> NoConnection {
    let code = fault.code().code();
    match code {
        "3D000" => NoConnection::misconfigured("there is no database of this name"),
        _ if code.starts_with("28") => {
            NoConnection::misconfigured("the user or the password is not accepted")
        }
        "42501" => NoConnection::misconfigured("the user may not connect to this database"),
        _ if code.starts_with("53") => NoConnection::Passing(Unavailable::Crowded),
        // 57P03 and its kin; poolers and Neon's proxy use 08 and XX for a server that they cannot reach yet.
        _ if ["57", "08", "58", "XX"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            NoConnection::Passing(Unavailable::Starting)
        }
        _ => NoConnection::misconfigured(format!("the server refuses with SQLSTATE {code}")),
    }
}

/// A failed handshake is for good when the two cannot agree, and passing when the connection broke off.
fn handshake(error: &tokio_postgres::Error) -> NoConnection {
    let words = error.source().map(ToString::to_string).unwrap_or_default();
    if words.contains("does not support TLS") {
        return NoConnection::misconfigured("the server does not offer TLS");
    }
    if words.contains("no hostname") {
        return NoConnection::misconfigured("TLS needs a host name, not only `hostaddr`");
    }
    if words.contains("certificate verify failed") {
        // OpenSSL puts its verdict last and in parentheses: "(hostname mismatch)".
        let verdict = words
            .rsplit_once('(')
            .map_or("", |(_, verdict)| verdict.trim_end_matches(')'));
        return NoConnection::misconfigured(format!("the server's certificate is not trusted ({verdict})"));
    }
    NoConnection::Passing(Unavailable::Unreachable)
}

/// tokio-postgres does not show the kind of its errors, but each kind has its words.
fn is(error: &tokio_postgres::Error, words: &str) -> bool {
    error.to_string().contains(words)
}

fn source<T: std::error::Error + 'static>(error: &tokio_postgres::Error) -> Option<&T> {
    error.source()?.downcast_ref()
}

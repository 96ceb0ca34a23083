//! The connection to PostgreSQL: one for each process, opened when first needed, opened again when it died.
//!
//! A Lambda process answers one event at a time and is frozen in between, so a pool would only hold idle connections.
//! [`Database`] lends its connection to a closure, and with that settles three things for every statement:
//!
//! - **Waiting.** A database that is waking up, or a connection that broke, is waited for until the caller's [`Deadline`].
//! - **Repeating.** What can safely be run again is: a read always, a write after asking whether it was committed after
//!   all. The closures may therefore run more than once.
//! - **Order.** Statements share the connection, a transaction has it alone. A statement of one flow can thus never slip
//!   into the transaction of another.
//!
//! Statements go through `query_typed`, `execute_typed` and `query_typed_raw`: one round trip, nothing prepared, and safe
//! behind a pooler that gives each transaction another server session. Nothing here depends on session state.

mod connect;
mod connection;
mod error;
mod limits;
mod meaning;
mod migrate;
mod parameters;
mod runs;
mod session;
mod tls;
mod url;
mod work;

pub use error::{DatabaseError, Unavailable};
pub use migrate::{MigrateError, migrate};
pub use session::Database;
pub use url::{DatabaseUrl, DatabaseUrlError};
pub use work::{InTransaction, Outcome, Spawnable, Statements};

#[cfg(doc)]
use crate::deadline::Deadline;

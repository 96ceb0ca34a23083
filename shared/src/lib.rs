//! What the four functions have in common: appointments, Google Calendar, and the sync between them.
//!
//! Dependencies run one way. `appointment::request`, `availability` and `import` but for their queries,
//! `sync::{content, merge, reconcile}`, `input` and `wall_clock` are pure; SQL stands only in modules named `queries`; HTTP to Google only in `google`, to a
//! token's issuer in `auth::issuer`.

pub mod appointment;
pub mod auth;
pub mod availability;
pub mod aws;
pub mod backoff;
pub mod bus;
pub mod database;
pub mod deadline;
pub mod google;
pub mod headers;
pub mod import;
pub mod input;
mod private;
pub mod problem;
pub mod settings;
pub mod sync;
pub mod telemetry;
pub mod wall_clock;
pub mod watch;
mod web;

//! Library.

pub mod backoff;
pub mod database;
pub mod deadline;
pub mod google;

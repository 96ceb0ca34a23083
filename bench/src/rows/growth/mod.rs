//! What becomes of time and memory when there are more appointments and more calendars.
//!
//! All but one part is measured in one database of a million appointments: it is also where the plans are looked at.

mod api;
mod calendars;
mod caller;
mod exercise;
mod log;
mod million;
mod plans;
mod pull;

use std::time::Instant;

use crate::Failure;
use crate::table::Row;
use crate::world::World;

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let mut rows = calendars::measure().await?;
    let large = World::open().await?;
    let began = Instant::now();
    million::fill(&large).await?;
    told("a million appointments were made", began);
    let began = Instant::now();
    rows.extend(api::measure(&large).await?);
    told("requests at 100 and 100,000 were asked", began);
    let began = Instant::now();
    rows.extend(pull::measure(&large).await?);
    told("first pulls were made", began);
    let began = Instant::now();
    rows.extend(plans::measure(&large).await?);
    told("plans were looked at", began);
    Ok(rows)
}

/// The parts of a budget of time.
#[expect(clippy::print_stderr, reason = "it talks to a person")]
fn told(what: &str, since: Instant) {
    eprintln!("bench: {what} in {:.1} s", since.elapsed().as_secs_f64());
}

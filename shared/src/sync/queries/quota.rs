//! Reserving calls to Google, by a statement that is sent anyway where there is one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, GenericClient, Row};

use crate::google::{self, Quota};
use crate::sync::turns::Grant;

/// How a reservation is judged that is asked for now: the last parameters of `reserve_google_calls`.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    /// Who has made the uncounted ones.
    google: &'a google::Client,
    /// Calls made without a reservation since they were last counted.
    uncounted: i32,
    /// Whether the database has counted them.
    counted: AtomicBool,
    most: i32,
    span: f64,
    spans: i32,
    /// What is granted is begun before this.
    until: Instant,
}

impl<'a> Judge<'a> {
    /// By the quota of `google`, of which there may be `most` calls in a window.
    pub(crate) fn of(google: &'a google::Client, most: u32) -> Self {
        let quota = google.quota();
        let whole = |number| i32::try_from(number).unwrap_or(i32::MAX);
        Self {
            google,
            uncounted: whole(google.take_uncounted()),
            counted: AtomicBool::new(false),
            most: whole(most),
            span: quota.span().as_secs_f64(),
            spans: whole(Quota::spans()),
            until: Instant::now() + quota.fresh(),
        }
    }

    /// Before anything was granted.
    pub(super) fn nothing(&self) -> Grant {
        Grant {
            calls: 0,
            until: self.until,
            free_in: None,
        }
    }

    /// In the order of the function's parameters.
    pub(super) fn parameters(&self) -> [(&(dyn ToSql + Sync), Type); 4] {
        [
            (&self.uncounted, Type::INT4),
            (&self.most, Type::INT4),
            (&self.span, Type::FLOAT8),
            (&self.spans, Type::INT4),
        ]
    }
}

impl Drop for Judge<'_> {
    /// What no statement has counted is left to the next one: a lease that is not taken reserves nothing.
    fn drop(&mut self) {
        if !self.counted.load(Ordering::Relaxed) {
            self.google.add_uncounted(self.uncounted.unsigned_abs());
        }
    }
}

/// Reads what the function has answered.
pub(super) fn read_grant(row: &Row, judge: &Judge<'_>) -> Result<Grant, Error> {
    judge.counted.store(true, Ordering::Relaxed);
    let (granted, free_in): (i32, Option<f64>) = (row.try_get("granted")?, row.try_get("free_in")?);
    Ok(Grant {
        calls: u32::try_from(granted).unwrap_or_default(),
        until: judge.until,
        free_in: free_in.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()),
    })
}

/// Reserves one call.
pub(crate) async fn reserve_one(client: &impl GenericClient, judge: &Judge<'_>) -> Result<Grant, Error> {
    const RESERVE: &str = "select * from reserve_google_calls(1, $1, $2, $3, $4)";
    let row = client.query_typed_one(RESERVE, &judge.parameters()).await?;
    read_grant(&row, judge)
}

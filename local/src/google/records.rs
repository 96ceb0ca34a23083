//! What was asked of the stand-in, for tests to look at.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// The log keeps this many requests, the latest ones.
const LONGEST_LOG: usize = 10_000;

/// One request to the Calendar API or the token endpoint.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RequestRecord {
    /// The call of the document, such as `events.insert`; `token` for the token endpoint; empty when it is none.
    pub operation: String,
    /// Method, path and query.
    pub request: String,
    /// The calendar that the path names.
    pub calendar: Option<String>,
    /// The event that the path names.
    pub event: Option<String>,
    /// The `If-Match` header.
    pub if_match: Option<String>,
    /// The JSON sent.
    pub body: Option<Value>,
    /// The status answered; `None` when the connection was closed, or hangs still.
    pub status: Option<u16>,
    /// When it came, by this machine's clock.
    pub at: DateTime<Utc>,
}

#[derive(Default)]
pub(super) struct Records {
    requests: VecDeque<RequestRecord>,
    /// How many requests have left the log.
    forgotten: usize,
    pub(super) violations: Vec<String>,
    pub(super) unconditional_writes: Vec<RequestRecord>,
    counts: BTreeMap<String, usize>,
}

/// Where a request stands in the log.
pub(super) struct RecordId(usize);

impl Records {
    pub(super) fn open(&mut self, mut record: RequestRecord) -> RecordId {
        record.at = Utc::now();
        *self.counts.entry(record.operation.clone()).or_default() += 1;
        if self.requests.len() == LONGEST_LOG {
            self.requests.pop_front();
            self.forgotten += 1;
        }
        self.requests.push_back(record);
        RecordId(self.forgotten + self.requests.len() - 1)
    }

    pub(super) fn close(&mut self, id: &RecordId, status: u16) {
        // The record may have left the log by now.
        let record =
            id.0.checked_sub(self.forgotten)
                .and_then(|index| self.requests.get_mut(index));
        if let Some(record) = record {
            record.status = Some(status);
        }
    }

    pub(super) fn requests(&self) -> Vec<RequestRecord> {
        self.requests.iter().cloned().collect()
    }

    pub(super) fn counts(&self) -> &BTreeMap<String, usize> {
        &self.counts
    }

    /// Empties the log; violations stay.
    pub(super) fn clear(&mut self) {
        self.forgotten += self.requests.len();
        self.requests.clear();
        self.counts.clear();
        self.unconditional_writes.clear();
    }
}

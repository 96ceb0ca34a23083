//! `GET /appointments/{id}/history`.

use crate::input::{Fault, Reader};

/// Reads its parameters: the version before which the changes are asked for.
pub fn history(query: impl IntoIterator<Item = (String, String)>) -> Result<Option<i64>, Vec<Fault>> {
    let mut reader = Reader::of_query(query);
    let before = reader.whole_number("before", 1..=i64::MAX);
    reader.finish(Some(before.into_value()))
}

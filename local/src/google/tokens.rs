//! What the tokens of a listing say, and when they are refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::sha::sha256;
use serde::{Deserialize, Serialize};

use super::discovery::Call;
use super::refusal::Refusal;
use super::world::Calendar;

/// What a sync token refuses beside it, as it would hide changes.
const REFUSED_WITH_SYNC_TOKEN: [&str; 8] = [
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMax",
    "timeMin",
    "updatedMin",
];
/// Of these, the ones that may narrow a first listing that ends in a sync token.
const ALLOWED_AT_FIRST: [&str; 2] = ["timeMax", "timeMin"];
/// Parameters of any call, which say how to answer and not what.
const STANDARD: [&str; 7] = [
    "alt",
    "fields",
    "key",
    "oauth_token",
    "prettyPrint",
    "quotaUser",
    "userIp",
];

/// The place of an event in a listing.
pub(super) type SortKey = (i64, String);

/// What a `syncToken` says.
#[derive(Serialize, Deserialize)]
pub(super) struct SyncToken {
    calendar: String,
    generation: u32,
    /// The number of the latest change that the holder has seen.
    seen: u64,
    /// The query that the token continues.
    query: String,
}

/// What a `pageToken` says.
#[derive(Serialize, Deserialize)]
pub(super) struct PageToken {
    generation: u32,
    query: String,
    /// The number of the latest change when the first page was made: the sync token at the end starts there, so that
    /// what is deleted between two pages is not missed.
    pub(super) started: u64,
    /// The last event shown; none before the first page.
    pub(super) after: Option<SortKey>,
    /// The page before this one was an empty one on purpose.
    pub(super) paused: bool,
}

impl SyncToken {
    /// The token at the end of a listing; a listing that was narrowed has none, nor (in the stand-in) has one of
    /// single occurrences.
    pub(super) fn ending(call: &Call, calendar: &Calendar, seen: u64) -> Option<String> {
        let narrowing = |name: &&str| !ALLOWED_AT_FIRST.contains(name) && call.parameter(name).is_some();
        if call.flag("singleEvents") || REFUSED_WITH_SYNC_TOKEN.iter().any(narrowing) {
            return None;
        }
        let (generation, query) = (calendar.token_generation, sync_query(call));
        Some(encode(&Self {
            calendar: calendar.id.clone(),
            generation,
            seen,
            query,
        }))
    }

    /// The number of the latest change that the holder of the call's sync token has seen.
    pub(super) fn seen(call: &Call, calendar: &Calendar) -> Result<Option<u64>, Refusal> {
        let Some(token) = call.parameter("syncToken") else {
            return Ok(None);
        };
        if let Some(name) = REFUSED_WITH_SYNC_TOKEN
            .into_iter()
            .find(|name| call.parameter(name).is_some())
        {
            let message = format!("Sync token cannot be used with the parameter {name}.");
            return Err(Refusal::invalid_parameter(name, message));
        }
        if call.parameter("showDeleted") == Some("false") {
            let message = "Sync token cannot be used with showDeleted=false.";
            return Err(Refusal::invalid_parameter("showDeleted", message));
        }
        let invalid = |message: &str| Refusal::invalid(message).at("parameter", "syncToken");
        let token: Option<Self> = decode(token);
        let token = token.filter(|token| token.calendar == calendar.id);
        let token = token.ok_or_else(|| invalid("Invalid sync token value."))?;
        if token.generation != calendar.token_generation {
            return Err(Refusal::full_sync_required());
        }
        if token.query != sync_query(call) {
            return Err(invalid(
                "The sync token belongs to a listing with other parameters.",
            ));
        }
        Ok(Some(token.seen))
    }
}

impl PageToken {
    /// Where a listing without a page token begins: `changes` is the number of the latest change.
    pub(super) fn first(call: &Call, calendar: &Calendar, changes: u64) -> Self {
        let (generation, query) = (calendar.token_generation, page_query(call));
        Self {
            generation,
            query,
            started: changes,
            after: None,
            paused: false,
        }
    }

    /// The page token of a call.
    pub(super) fn of(call: &Call, calendar: &Calendar) -> Result<Option<Self>, Refusal> {
        let Some(token) = call.parameter("pageToken") else {
            return Ok(None);
        };
        let invalid = || Refusal::invalid("Invalid page token value.").at("parameter", "pageToken");
        let token: Self = decode(token).ok_or_else(invalid)?;
        if token.generation != calendar.token_generation && call.parameter("syncToken").is_some() {
            return Err(Refusal::full_sync_required());
        }
        if token.query == page_query(call) {
            Ok(Some(token))
        } else {
            Err(invalid())
        }
    }

    pub(super) fn encode(&self) -> String {
        encode(self)
    }
}

fn page_query(call: &Call) -> String {
    fingerprint(call, &["pageToken"])
}

fn sync_query(call: &Call) -> String {
    let mut left_out = vec!["pageToken", "syncToken"];
    left_out.extend(REFUSED_WITH_SYNC_TOKEN);
    fingerprint(call, &left_out)
}

fn fingerprint(call: &Call, left_out: &[&str]) -> String {
    let counts = |name: &str| !left_out.contains(&name) && !STANDARD.contains(&name);
    let query: Vec<_> = call
        .all_parameters()
        .iter()
        .filter(|(name, _)| counts(name))
        .collect();
    URL_SAFE_NO_PAD.encode(&sha256(format!("{query:?}").as_bytes())[..9])
}

fn encode(token: &impl Serialize) -> String {
    // Plain structs of numbers and text always become JSON.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(token).unwrap_or_default())
}

fn decode<T: for<'de> Deserialize<'de>>(token: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

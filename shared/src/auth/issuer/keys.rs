//! The issuer's keys: fetched when first needed, kept, and asked for again when they are old or one is missing.
//!
//! Tokens are shown by strangers, too. So what a token says can make us ask the issuer once a minute at most.

use std::time::{Duration, SystemTime};

use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::Url;
use tokio::sync::{Mutex, OnceCell};

use super::fetch::{self, Unfetched};
use crate::auth::token::KeyWanted;
use crate::deadline::Deadline;
use crate::web;

/// Keys are asked for again after so long: a key that the issuer has withdrawn must not be good for ever.
const FRESH: Duration = Duration::from_hours(1);

/// While the issuer does not answer, its last keys are good for so long.
const TRUSTED: Duration = Duration::from_hours(24);

/// Between two questions to the issuer while we have keys of it.
const PAUSE: Duration = Duration::from_mins(1);

/// And while we have none, so that nobody with a token can come in.
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(5);

/// How long the issuer may take, both its answers together.
const FETCH_LIMIT: Duration = Duration::from_secs(5);

/// One of the issuer's keys. It is for one algorithm, whatever a token says.
#[derive(Debug, Clone)]
pub(in crate::auth) struct Key {
    pub(in crate::auth) id: String,
    pub(in crate::auth) algorithm: Algorithm,
    pub(in crate::auth) verifying: DecodingKey,
}

/// Why there is no key.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::auth) enum NoKey {
    /// The issuer has no such key.
    Unknown,
    /// The issuer has not said: it does not answer.
    Unreachable {
        /// When it is asked again.
        retry_after: Duration,
    },
}

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct Keys {
    issuer: String,
    configuration: Url,
    http: OnceCell<reqwest::Client>,
    /// Locked while keys are fetched, so that callers who need one at the same time share one fetch.
    held: Mutex<Held>,
}

impl Keys {
    pub(super) fn new(issuer: String, configuration: Url) -> Self {
        Self {
            issuer,
            configuration,
            http: OnceCell::new(),
            held: Mutex::default(),
        }
    }

    /// The key that a token is signed with.
    pub(super) async fn get(
        &self,
        wanted: &KeyWanted,
        now: SystemTime,
        deadline: Deadline,
    ) -> Result<Key, NoKey> {
        let too_late = |_| NoKey::Unreachable {
            retry_after: PAUSE_WITHOUT_KEYS,
        };
        let mut held = deadline.bound(self.held.lock()).await.map_err(too_late)?;
        if held.should_ask(wanted, now) {
            // A caller who goes away meanwhile leaves a question without an answer.
            held.asked = Some(Asked {
                at: now,
                answered: false,
            });
            let limit = deadline.at_most(FETCH_LIMIT);
            match limit.bound(self.fetch()).await.unwrap_or(Err(Unfetched::TooLate)) {
                Ok(keys) => held.take(keys, now),
                Err(reason) => tracing::warn!(%reason, "the keys of the token issuer could not be fetched"),
            }
        }
        held.key(wanted, now)
    }

    async fn fetch(&self) -> Result<Vec<Key>, Unfetched> {
        let client = self.http.get_or_try_init(async || web::client());
        let http = client.await.map_err(|_| Unfetched::NoAnswer)?;
        fetch::keys(http, &self.issuer, &self.configuration).await
    }
}

/// What is known of the issuer's keys.
#[derive(Debug, Default)]
struct Held {
    keys: Vec<Key>,
    /// When they came.
    since: Option<SystemTime>,
    /// The last question.
    asked: Option<Asked>,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    at: SystemTime,
    answered: bool,
}

impl Held {
    fn should_ask(&self, wanted: &KeyWanted, now: SystemTime) -> bool {
        let suffices = self.younger_than(FRESH, now) && self.find(wanted).is_some();
        !suffices && self.wait(now).is_zero()
    }

    fn take(&mut self, keys: Vec<Key>, now: SystemTime) {
        *self = Self {
            keys,
            since: Some(now),
            asked: Some(Asked {
                at: now,
                answered: true,
            }),
        };
    }

    fn key(&self, wanted: &KeyWanted, now: SystemTime) -> Result<Key, NoKey> {
        let trusted = self.younger_than(TRUSTED, now);
        if let Some(key) = self.find(wanted).filter(|_| trusted) {
            return Ok(key.clone());
        }
        if trusted && self.asked.is_some_and(|asked| asked.answered) {
            return Err(NoKey::Unknown);
        }
        // The token may be signed with a key that we could not learn of.
        Err(NoKey::Unreachable {
            retry_after: self.wait(now),
        })
    }

    fn find(&self, wanted: &KeyWanted) -> Option<&Key> {
        let is_wanted = |key: &&Key| key.id == wanted.id && key.algorithm == wanted.algorithm;
        self.keys.iter().find(is_wanted)
    }

    fn younger_than(&self, age: Duration, now: SystemTime) -> bool {
        self.since.is_some_and(|since| elapsed(since, now) < age)
    }

    /// How long the issuer is not to be asked yet.
    fn wait(&self, now: SystemTime) -> Duration {
        let pause = if self.younger_than(TRUSTED, now) {
            PAUSE
        } else {
            PAUSE_WITHOUT_KEYS
        };
        let since_asked = self.asked.map(|asked| elapsed(asked.at, now));
        since_asked.map_or(Duration::ZERO, |elapsed| pause.saturating_sub(elapsed))
    }
}

/// By the wall clock: a process that was frozen for an hour must notice. A clock that was set back has not moved.
fn elapsed(since: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(since).unwrap_or_default()
}

#[cfg(test)]
mod tests;

//! Watch channels: Google's word that something in a calendar changed.
//!
//! A channel cannot be renewed, only replaced: the new one is live before the old one is stopped, so there is always one.
//! It is stored before Google is asked, since its first notification may come before Google's answer. Notifications are
//! hints; with all of them lost the 5-minute run still finds everything.

pub mod notification;
pub mod queries;
mod token;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use uuid::Uuid;

use crate::database::{Database, DatabaseError};
use crate::deadline::Deadline;
use crate::google::{self, NewChannel};
use queries::Channel;

pub use token::verify;

/// What is asked for. Google may grant less; only the `expiration` in its answer counts.
const LIFETIME: Duration = Duration::from_hours(168);
/// A channel is replaced at the latest this long before its end: two hourly runs may fail meanwhile.
const LATEST_REPLACEMENT: TimeDelta = TimeDelta::hours(3);

/// What opens, replaces and stops channels.
#[derive(Debug, Clone, Copy)]
pub struct Watch<'a> {
    /// Where channels are recorded.
    pub db: &'a Database,
    /// Where they are opened.
    pub google: &'a google::Client,
    /// `WEBHOOK_SECRET`; the first one keys new tokens.
    pub secrets: &'a [SecretString],
}

/// Why a channel could not be opened or looked up.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The database did not take part.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Google did not take part.
    #[error(transparent)]
    Google(#[from] google::Error),
}

/// A channel that Google has granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its id, chosen by us.
    pub channel_id: String,
    /// Google's name of what is watched.
    pub resource_id: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

impl Watch<'_> {
    /// Opens a channel for a calendar, then stops those that it replaces.
    pub async fn open(
        &self,
        calendar_id: &str,
        address: &str,
        deadline: Deadline,
    ) -> Result<Opened, WatchError> {
        let channel_id = Uuid::new_v4().to_string();
        self.db
            .read(deadline, async |client| {
                queries::opening(client, &channel_id, calendar_id, address).await
            })
            .await?;
        let token = token::sign(self.secrets, &channel_id);
        let new = NewChannel {
            id: &channel_id,
            address,
            token: &token,
            lifetime: LIFETIME,
        };
        let granted = match self.google.watch_events(calendar_id, &new, deadline).await {
            Ok(granted) => granted,
            Err(error) => {
                // Where the answer was lost the channel may live: its notifications will name it, and it is stopped.
                self.db
                    .read(deadline, async |client| {
                        queries::stopped(client, &channel_id).await
                    })
                    .await?;
                return Err(error.into());
            }
        };
        self.db
            .read(deadline, async |client| {
                queries::live(client, &channel_id, &granted.resource_id, granted.expiration).await
            })
            .await?;
        tracing::info!(
            calendar.id = calendar_id, channel.id = channel_id, channel.expires_at = %granted.expiration,
            "a watch channel is live"
        );
        self.stop_replaced(deadline).await?;
        Ok(Opened {
            channel_id,
            resource_id: granted.resource_id,
            expires_at: granted.expiration,
        })
    }

    /// Stops every channel of a calendar. With none, nothing happens.
    pub async fn close(&self, calendar_id: &str, deadline: Deadline) -> Result<(), WatchError> {
        self.db
            .read(deadline, async |client| {
                queries::stopping_all(client, calendar_id).await
            })
            .await?;
        self.stop_replaced(deadline).await
    }

    /// Tells Google to end the channels that are no longer wanted. What fails is tried again at the next occasion, until
    /// the channel's own end.
    pub async fn stop_replaced(&self, deadline: Deadline) -> Result<(), WatchError> {
        let unwanted = self
            .db
            .read(deadline, async |client| queries::to_stop(client).await)
            .await?;
        for (channel_id, resource_id) in unwanted {
            match self
                .google
                .stop_channel(&channel_id, &resource_id, deadline)
                .await
            {
                // Gone: it has ended by itself.
                Ok(()) | Err(google::Error::Gone(_) | google::Error::Refused(_)) => {
                    self.db
                        .read(deadline, async |client| {
                            queries::stopped(client, &channel_id).await
                        })
                        .await?;
                }
                Err(error) => {
                    tracing::warn!(channel.id = channel_id, %error, "a watch channel could not be stopped yet");
                }
            }
        }
        Ok(())
    }

    /// Sees to it that a calendar has a channel to `webhook_url` (or to where its last one went) with life left in it.
    pub async fn keep_alive(
        &self,
        calendar_id: &str,
        webhook_url: Option<&str>,
        deadline: Deadline,
    ) -> Result<(), WatchError> {
        let newest = self
            .db
            .read(deadline, async |client| {
                queries::newest_live(client, calendar_id).await
            })
            .await?;
        let Some(address) = webhook_url.or(newest.as_ref().map(|channel| channel.address.as_str())) else {
            return Ok(());
        };
        if newest
            .as_ref()
            .is_none_or(|channel| is_due(channel, address, Utc::now()))
        {
            self.open(calendar_id, address, deadline).await?;
        }
        Ok(())
    }
}

/// Whether a channel must be replaced now: little life left, or the wrong address.
fn is_due(channel: &Channel, address: &str, now: DateTime<Utc>) -> bool {
    let a_fifth = (channel.expires_at - channel.created_at) / 5;
    channel.address != address || channel.expires_at - now < a_fifth.max(LATEST_REPLACEMENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_replaced_with_a_fifth_of_its_life_left() {
        let created_at: DateTime<Utc> = "2026-11-01T00:00:00Z".parse().unwrap();
        let channel = |hours| Channel {
            address: "https://hook.example.com/".into(),
            created_at,
            expires_at: created_at + TimeDelta::hours(hours),
            last_notification_at: None,
        };
        let due = |lifetime, age| {
            is_due(
                &channel(lifetime),
                "https://hook.example.com/",
                created_at + TimeDelta::hours(age),
            )
        };
        assert!(!due(168, 134));
        assert!(due(168, 135));
        assert!(!due(10, 7));
        assert!(due(10, 8));
        assert!(is_due(&channel(168), "https://other.example.com/", created_at));
    }
}

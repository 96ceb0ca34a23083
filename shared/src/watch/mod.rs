//! Watch channels: Google's word that something in a calendar changed.
//!
//! A channel cannot be renewed, only replaced: the new one is live before the old one is stopped, so there is always one.
//! It is stored before Google is asked, since its first notification may come before Google's answer. Notifications are
//! hints; with all of them lost the 5-minute run still finds everything.

mod due;
pub mod notification;
pub mod queries;
mod token;

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use uuid::Uuid;

use crate::database::{Database, DatabaseError};
use crate::deadline::Deadline;
use crate::google::{self, Error, NewChannel};
use due::{Wish, due};
use queries::{channels, watched};

pub use token::Secrets;

/// What is asked for. Google may grant less; only the `expiration` in its answer counts.
const LIFETIME: Duration = Duration::from_hours(168);
/// Time kept back from Google, to record what came of its call.
const STORE_MARGIN: Duration = Duration::from_secs(3);
/// How long stopping one channel may take: it is tidying up.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// Channels stopped at once.
const STOPS_AT_ONCE: usize = 8;

/// What opens, replaces and stops channels.
#[derive(Debug, Clone, Copy)]
pub struct Watch<'a> {
    /// Where channels are recorded.
    pub db: &'a Database,
    /// Where they are opened.
    pub google: &'a google::Client,
}

/// Why a channel could not be opened or looked up.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The database did not take part.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Google did not take part.
    #[error(transparent)]
    Google(#[from] Error),
    /// While the channel was being opened somebody stopped the calendar's channels.
    #[error("the calendar's watch channels were stopped meanwhile")]
    Stopped,
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
        secrets: &Secrets,
        deadline: Deadline,
    ) -> Result<Opened, WatchError> {
        let channel_id = Uuid::new_v4().to_string();
        let token_key = secrets.key_name();
        self.db
            .read(deadline, async |client| {
                channels::opening(client, &channel_id, calendar_id, address, &token_key).await
            })
            .await?;
        let new = NewChannel {
            id: &channel_id,
            address,
            token: &secrets.sign(&channel_id),
            lifetime: LIFETIME,
        };
        let until = deadline.leaving(STORE_MARGIN);
        let granted = match self.google.watch_events(calendar_id, &new, until).await {
            Ok(granted) => granted,
            Err(error) => {
                self.give_up(&channel_id, &error, deadline).await;
                return Err(error.into());
            }
        };
        let live = self
            .db
            .read(deadline, async |client| {
                channels::granted(client, &channel_id, &granted.resource_id, granted.expiration).await
            })
            .await?;
        if live {
            tracing::info!(
                calendar.id = calendar_id, channel.id = channel_id, channel.expires_at = %granted.expiration,
                "a watch channel is live"
            );
        }
        // The caller has what it asked for, whatever comes of the old ones.
        if let Err(error) = self.stop_unwanted(Some(calendar_id), deadline).await {
            tracing::warn!(calendar.id = calendar_id, %error, "old watch channels are not stopped yet");
        }
        if !live {
            return Err(WatchError::Stopped);
        }
        Ok(Opened {
            channel_id,
            resource_id: granted.resource_id,
            expires_at: granted.expiration,
        })
    }

    /// Records that a channel was not granted. If even that fails, the channel is given up as one whose opener died.
    async fn give_up(&self, channel_id: &str, error: &Error, deadline: Deadline) {
        let recorded = self
            .db
            .read(deadline, async |client| {
                channels::not_granted(client, channel_id, error.refuses_push()).await
            })
            .await;
        if let Err(error) = recorded {
            tracing::warn!(channel.id = channel_id, %error, "a watch channel was not granted, which is not recorded");
        }
    }

    /// Stops every channel of a calendar. With none, nothing happens.
    pub async fn close(&self, calendar_id: &str, deadline: Deadline) -> Result<(), DatabaseError> {
        self.db
            .read(deadline, async |client| {
                channels::stopping_all(client, calendar_id).await
            })
            .await?;
        self.stop_unwanted(Some(calendar_id), deadline).await
    }

    /// Tells Google to end the channels that are no longer wanted, of one calendar or of all. What fails is tried again at
    /// the next occasion, until the channel's own end.
    pub async fn stop_unwanted(
        &self,
        calendar_id: Option<&str>,
        deadline: Deadline,
    ) -> Result<(), DatabaseError> {
        let unwanted = self
            .db
            .read(deadline, async |client| {
                channels::to_stop(client, calendar_id).await
            })
            .await?;
        stream::iter(unwanted)
            .for_each_concurrent(STOPS_AT_ONCE, async |(channel_id, resource_id)| {
                if let Err(error) = self.stop(&channel_id, &resource_id, deadline).await {
                    tracing::warn!(channel.id = channel_id, %error, "a watch channel could not be stopped yet");
                }
            })
            .await;
        Ok(())
    }

    async fn stop(&self, channel_id: &str, resource_id: &str, deadline: Deadline) -> Result<(), WatchError> {
        let until = deadline.leaving(STORE_MARGIN).at_most(STOP_WITHIN);
        self.google.stop_channel(channel_id, resource_id, until).await?;
        let stopped = self.db.read(deadline, async |client| {
            channels::stopped(client, channel_id).await
        });
        Ok(stopped.await?)
    }

    /// Sees to it that a calendar has a channel with life left in it: to `webhook_url`, or to where its last one went.
    /// Without either, nothing happens, nor where Google refuses to notify.
    pub async fn keep_alive(
        &self,
        calendar_id: &str,
        webhook_url: Option<&str>,
        secrets: &Secrets,
        deadline: Deadline,
    ) -> Result<(), WatchError> {
        let watched = self
            .db
            .read(deadline, async |client| watched(client, calendar_id).await)
            .await?;
        let wish = Wish {
            webhook_url,
            token_key: &secrets.key_name(),
        };
        if let Some(due) = due(&watched, wish) {
            tracing::info!(
                calendar.id = calendar_id,
                "opening a watch channel: {}",
                due.because
            );
            match self.open(calendar_id, due.address, secrets, deadline).await {
                Err(WatchError::Google(error)) if error.refuses_push() => {
                    tracing::warn!(
                        calendar.id = calendar_id,
                        "Google does not notify of this calendar: it is polled"
                    );
                }
                opened => drop(opened?),
            }
        }
        if let Some(url) = webhook_url.filter(|url| watched.webhook_url.as_deref() != Some(*url)) {
            self.db
                .read(deadline, async |client| {
                    channels::remember_webhook_url(client, calendar_id, url).await
                })
                .await?;
        }
        Ok(())
    }

    /// Gives up channels whose opener died, all live ones of a calendar but the newest, and those of calendars other than
    /// `calendar_ids`; [`stop_unwanted`](Self::stop_unwanted) then stops them. Forgets what ended long ago.
    pub async fn tidy(&self, calendar_ids: &[String], deadline: Deadline) -> Result<(), DatabaseError> {
        self.db
            .read(deadline, async |client| {
                channels::tidy(client, calendar_ids).await
            })
            .await
    }
}

//! Leaving a calendar alone for as long as Google asked, in both ways.

use std::time::Duration;

use super::queries::cooldown;
use super::{STORE_MARGIN, Sync, SyncError};
use crate::deadline::Deadline;
use crate::google::Error;

/// A used-up quota comes back with a new day or minute; asking more often only uses up the next one.
const QUOTA_PAUSE: Duration = Duration::from_mins(15);

impl Sync<'_> {
    /// Lets no run ask anything of a calendar until Google is ready for more, if this error asks for that.
    pub(super) async fn cool_down(&self, calendar_id: &str, error: &Error) -> Result<(), SyncError> {
        let pause = match error {
            Error::RetryAfter { after, .. } if error.concerns_whole_calendar() => *after,
            Error::QuotaExceeded { .. } => QUOTA_PAUSE,
            _ => return Ok(()),
        };
        self.db
            .read(Deadline::after(STORE_MARGIN), async |client| {
                cooldown::cool_down(client, calendar_id, pause).await
            })
            .await?;
        Ok(())
    }
}

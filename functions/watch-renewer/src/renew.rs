//! One invocation: all calendars side by side; one that fails does not stop the rest.

use std::time::{Duration, SystemTime};

use futures_util::{StreamExt, stream};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use shared::database::Database;
use shared::deadline::Deadline;
use shared::google;
use shared::settings::{Clinic, Environment, Rotating, SettingError};
use shared::telemetry::metrics;
use shared::watch::{Secrets, Watch};
use tracing::Instrument;

/// Kept back at the end of an invocation, to answer in.
const ANSWER_MARGIN: Duration = Duration::from_secs(1);
/// Kept back for stopping what is no longer wanted.
const STOPPING: Duration = Duration::from_secs(10);
/// Calendars seen to at once: one that hangs holds up few others.
const AT_ONCE: usize = 16;

/// One process's means.
pub(crate) struct Renewer {
    db: Database,
    google: google::Client,
    clinic: Clinic,
    secrets: Rotating<Secrets>,
    webhook_url: Option<String>,
}

impl Renewer {
    /// Reads the settings; nothing is connected to yet.
    pub(crate) fn from(environment: &Environment<'_>) -> Result<Self, SettingError> {
        let google = environment.google()?;
        Ok(Self {
            db: Database::new(environment.database()?),
            google: google::Client::new(google.api, google.account),
            clinic: environment.clinic()?,
            secrets: environment.webhook_secrets()?,
            webhook_url: environment.webhook_url()?,
        })
    }

    /// Renews what is due. Fails if a calendar's channel could not be kept, after all have been tried.
    pub(crate) async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        let span = tracing::info_span!("run", request.id = event.context.request_id);
        let left = event
            .context
            .deadline()
            .duration_since(SystemTime::now())
            .unwrap_or_default();
        let renewed = self
            .renew(Deadline::after(left.saturating_sub(ANSWER_MARGIN)))
            .instrument(span)
            .await;
        metrics::flush();
        renewed
    }

    async fn renew(&self, deadline: Deadline) -> Result<Value, Error> {
        let watch = Watch {
            db: &self.db,
            google: &self.google,
        };
        let calendars = &self.clinic.calendars;
        watch.tidy(calendars, deadline).await?;
        let until = deadline.leaving(STOPPING);
        let secrets = self.secrets.fresh(deadline).await;
        let kept = stream::iter(calendars)
            .map(async |calendar_id| {
                let kept = watch.keep_alive(calendar_id, self.webhook_url.as_deref(), &secrets, until);
                let kept = kept.await;
                if let Err(error) = &kept {
                    tracing::error!(calendar.id = calendar_id, %error, "a calendar has no fresh watch channel");
                }
                kept
            })
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        watch.stop_unwanted(None, deadline).await?;
        match kept.into_iter().find_map(Result::err) {
            Some(error) => Err(error.into()),
            None => Ok(json!({"calendars": calendars.len()})),
        }
    }
}

#[cfg(test)]
mod tests {
    use local::template::{Template, settings_read};

    use super::*;

    #[test]
    fn the_template_gives_the_settings_that_are_read() {
        let (read, examples) = settings_read("WatchRenewer", |lookup| {
            Renewer::from(&Environment::by(lookup)).unwrap();
        })
        .unwrap();
        assert_eq!(read, Template::transformed().unwrap().settings("WatchRenewer"));
        assert_eq!(read, examples, "events/env.example.json");
    }
}

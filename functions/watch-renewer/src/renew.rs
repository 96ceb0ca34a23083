//! One invocation: each calendar in turn; one that fails does not stop the rest.

use std::time::{Duration, SystemTime};

use lambda_runtime::{Error, LambdaEvent};
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::database::Database;
use shared::deadline::Deadline;
use shared::google;
use shared::settings::{Clinic, Environment, SettingError};
use shared::watch::Watch;
use tracing::Instrument;

/// Kept back at the end of an invocation, to answer in.
const ANSWER_MARGIN: Duration = Duration::from_secs(1);
/// A calendar's share of the time: one that hangs leaves some for the next.
const PER_CALENDAR: Duration = Duration::from_secs(15);

/// One process's means.
pub(crate) struct Renewer {
    db: Database,
    google: google::Client,
    clinic: Clinic,
    secrets: Vec<SecretString>,
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
        self.renew(Deadline::after(left.saturating_sub(ANSWER_MARGIN)))
            .instrument(span)
            .await
    }

    async fn renew(&self, deadline: Deadline) -> Result<Value, Error> {
        let watch = Watch {
            db: &self.db,
            google: &self.google,
            secrets: &self.secrets,
        };
        let mut last_fault = None;
        for calendar_id in &self.clinic.calendars {
            let until = deadline.at_most(PER_CALENDAR);
            if let Err(error) = watch
                .keep_alive(calendar_id, self.webhook_url.as_deref(), until)
                .await
            {
                tracing::warn!(calendar.id = calendar_id, %error, "a calendar has no fresh watch channel");
                last_fault = Some(error);
            }
        }
        watch.stop_replaced(deadline).await?;
        match last_fault {
            Some(error) => Err(error.into()),
            None => Ok(json!({"calendars": self.clinic.calendars.len()})),
        }
    }
}

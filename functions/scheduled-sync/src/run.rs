//! One invocation: which calendars, in which order, within which time.

use std::time::{Duration, SystemTime};

use lambda_runtime::{Context, Error, LambdaEvent};
use serde_json::{Value, json};
use shared::bus::Bus;
use shared::database::Database;
use shared::deadline::Deadline;
use shared::google;
use shared::settings::{Clinic, Environment, SettingError};
use shared::sync::{Occasion, Patience, Pulled, Pushed, Sync, SyncError};
use shared::watch::Watch;
use tracing::Instrument;

use crate::trigger::Trigger;

/// Kept back at the end of an invocation, to answer in.
const ANSWER_MARGIN: Duration = Duration::from_secs(1);

/// One process's means.
pub(crate) struct Worker {
    db: Database,
    google: google::Client,
    bus: Bus,
    clinic: Clinic,
}

impl Worker {
    /// Reads the settings; nothing is connected to yet.
    pub(crate) fn from(environment: &Environment<'_>) -> Result<Self, SettingError> {
        let google = environment.google()?;
        Ok(Self {
            db: Database::new(environment.database()?),
            google: google::Client::new(google.api, google.account),
            bus: Bus::new(environment.bus()),
            clinic: environment.clinic()?,
        })
    }

    /// Does what the event asks. Fails only if nothing could be done for any calendar, so that Lambda tries again.
    pub(crate) async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        let span = tracing::info_span!("run", request.id = event.context.request_id);
        let deadline = deadline(&event.context);
        self.run(&Trigger::of(&event.payload), deadline)
            .instrument(span)
            .await
    }

    async fn run(&self, trigger: &Trigger, deadline: Deadline) -> Result<Value, Error> {
        let calendars: Vec<&str> = match trigger {
            Trigger::Nothing => Vec::new(),
            Trigger::Everything => self.clinic.calendars.iter().map(String::as_str).collect(),
            Trigger::CalendarChanged { calendar_id } | Trigger::AppointmentChanged { calendar_id } => {
                self.clinic.calendar(Some(calendar_id)).into_iter().collect()
            }
        };
        let mut failed = Vec::new();
        for calendar_id in &calendars {
            if let Err(error) = self.sync(trigger, calendar_id, deadline).await {
                // One calendar's trouble is not another's: the rest goes on.
                tracing::warn!(calendar.id = calendar_id, %error, "a sync did not end well, the next run goes on");
                failed.push(error);
            }
        }
        if matches!(trigger, Trigger::Everything) {
            let watch = Watch {
                db: &self.db,
                google: &self.google,
            };
            if let Err(error) = watch.stop_unwanted(None, deadline).await {
                tracing::warn!(%error, "watch channels that are not wanted any more are not stopped yet");
            }
        }
        match failed.pop() {
            Some(error) if failed.len() + 1 == calendars.len() => Err(error.into()),
            _ => Ok(json!({"calendars": calendars.len(), "failed": failed.len()})),
        }
    }

    async fn sync(&self, trigger: &Trigger, calendar_id: &str, deadline: Deadline) -> Result<(), SyncError> {
        let sync = Sync {
            db: &self.db,
            google: &self.google,
            bus: &self.bus,
            clinic_zone: self.clinic.time_zone,
        };
        // Each way goes on by itself: a push that did not end well is no reason not to pull.
        let pushed = match trigger {
            Trigger::Everything | Trigger::AppointmentChanged { .. } => {
                push(&sync, calendar_id, deadline).await
            }
            Trigger::CalendarChanged { .. } | Trigger::Nothing => Ok(()),
        };
        let occasion = match trigger {
            Trigger::Everything => Some(Occasion::Always),
            Trigger::CalendarChanged { .. } => Some(Occasion::Notified),
            Trigger::AppointmentChanged { .. } | Trigger::Nothing => None,
        };
        if let Some(occasion) = occasion
            && let Some(pulled) = pull(&sync, calendar_id, occasion, deadline).await?
        {
            tracing::info!(calendar.id = calendar_id, pulled = %json!(pulled), "pulled");
            // A merge may leave something of ours to be written.
            push(&sync, calendar_id, deadline).await?;
        }
        pushed
    }
}

async fn pull(
    sync: &Sync<'_>,
    calendar_id: &str,
    occasion: Occasion,
    deadline: Deadline,
) -> Result<Option<Pulled>, SyncError> {
    match sync
        .pull(calendar_id, occasion, Patience::Leave, false, deadline)
        .await
    {
        // Not a failure: Lambda would only ask again too soon.
        Err(error @ SyncError::CoolingDown { .. }) => {
            tracing::info!(calendar.id = calendar_id, %error, "not pulled for now");
            Ok(None)
        }
        pulled => pulled,
    }
}

async fn push(sync: &Sync<'_>, calendar_id: &str, deadline: Deadline) -> Result<(), SyncError> {
    let pushed = sync.push(calendar_id, deadline).await?;
    if pushed != Pushed::default() {
        tracing::info!(calendar.id = calendar_id, pushed = %json!(pushed), "pushed");
    }
    Ok(())
}

fn deadline(context: &Context) -> Deadline {
    let left = context
        .deadline()
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    Deadline::after(left.saturating_sub(ANSWER_MARGIN))
}

//! One invocation: which calendars, which ways, within which time.

use std::time::{Duration, SystemTime};

use futures_util::{StreamExt, future, stream};
use lambda_runtime::{Context, Error, LambdaEvent};
use serde_json::{Value, json};
use shared::appointment::queries::idempotency;
use shared::bus::Bus;
use shared::database::{Database, DatabaseError};
use shared::deadline::Deadline;
use shared::google;
use shared::settings::{Clinic, Environment, SettingError};
use shared::sync::{Occasion, Patience, Pulled, Pushed, Sync, SyncError, status};
use shared::telemetry::metrics;
use shared::watch::Watch;
use tracing::Instrument;

use crate::trigger::Trigger;

/// Kept back at the end of an invocation, to answer in.
const ANSWER_MARGIN: Duration = Duration::from_secs(1);
/// How long the 5-minute run waits for a calendar that another run has: what changed after that one asked Google is found
/// by this one or by nobody. The lease of a run that died lapses sooner.
const PATIENCE: Duration = Duration::from_secs(50);
/// How long a run that the bus woke waits where Google takes no more calls: each booking wakes one, and an account has only
/// so many instances, of which callers need some. The 5-minute run, of which there is one, waits as long as it may.
const PATIENCE_FOR_CALLS: Duration = Duration::from_secs(5);
/// Calendars seen to at once: one that hangs holds up few others, and so many listings fit into memory.
const AT_ONCE: usize = 4;

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
        let done = self
            .run(&Trigger::of(&event.payload), deadline)
            .instrument(span)
            .await;
        metrics::flush();
        done
    }

    async fn run(&self, trigger: &Trigger, deadline: Deadline) -> Result<Value, Error> {
        let calendars: Vec<String> = match trigger {
            Trigger::Nothing => Vec::new(),
            Trigger::Everything => self.in_turn(deadline).await?,
            Trigger::CalendarChanged { calendar_id } | Trigger::AppointmentChanged { calendar_id } => {
                let calendar = self.clinic.calendar(Some(calendar_id));
                calendar.map(str::to_owned).into_iter().collect()
            }
        };
        let mut failed: Vec<SyncError> = stream::iter(&calendars)
            .map(async |calendar_id| {
                let synced = self.sync(trigger, calendar_id, deadline).await;
                if let Err(error) = &synced {
                    // One calendar's trouble is not another's: the rest goes on.
                    tracing::warn!(calendar.id = calendar_id, %error, "a sync did not end well, the next run goes on");
                }
                // So that no run over many calendars notes more than one flush can write.
                metrics::flush();
                synced.err()
            })
            .buffer_unordered(AT_ONCE)
            .filter_map(future::ready)
            .collect()
            .await;
        if matches!(trigger, Trigger::Everything) {
            self.tidy_up(deadline).await;
        }
        match failed.pop() {
            Some(error) if failed.len() + 1 == calendars.len() => Err(error.into()),
            _ => Ok(json!({"calendars": calendars.len(), "failed": failed.len()})),
        }
    }

    /// The calendars in the order in which a run sees to them.
    pub(crate) async fn in_turn(&self, deadline: Deadline) -> Result<Vec<String>, DatabaseError> {
        let calendars = &self.clinic.calendars;
        self.db
            .read(deadline, async |client| status::in_turn(client, calendars).await)
            .await
    }

    /// What no calendar waits for: each is tried again by the next run.
    async fn tidy_up(&self, deadline: Deadline) {
        let watch = Watch {
            db: &self.db,
            google: &self.google,
        };
        if let Err(error) = watch.stop_unwanted(None, deadline).await {
            tracing::warn!(%error, "watch channels that are not wanted any more are not stopped yet");
        }
        if let Err(error) = idempotency::sweep(&self.db, deadline).await {
            tracing::warn!(%error, "idempotency keys past their time are not deleted yet");
        }
        if let Err(error) = self.measure(deadline).await {
            tracing::warn!(%error, "how the calendars do could not be measured");
        }
    }

    async fn measure(&self, deadline: Deadline) -> Result<(), DatabaseError> {
        let calendars = &self.clinic.calendars;
        let signs = self
            .db
            .read(deadline, async |client| {
                status::vital_signs(client, calendars).await
            })
            .await?;
        metrics::SYNC_AGE.took(signs.oldest_sync);
        metrics::EVENTS_PENDING.note(signs.pending);
        metrics::EVENTS_PARKED.note(signs.parked);
        if let Some(life) = signs.channel_life {
            metrics::CHANNEL_LIFE_LEFT.took(life);
        }
        Ok(())
    }

    async fn sync(&self, trigger: &Trigger, calendar_id: &str, deadline: Deadline) -> Result<(), SyncError> {
        let sync = Sync {
            db: &self.db,
            google: &self.google,
            bus: &self.bus,
            clinic_zone: self.clinic.time_zone,
        };
        let pulled = match trigger {
            // Much to list, or long to wait for, is no reason not to write.
            Trigger::Everything => {
                let half = deadline.at_most(deadline.remaining() / 2);
                pull(
                    &sync,
                    calendar_id,
                    Occasion::Always,
                    Patience::Wait(PATIENCE),
                    half,
                )
                .await
            }
            Trigger::CalendarChanged { .. } => {
                pull(&sync, calendar_id, Occasion::Notified, Patience::Leave, deadline).await
            }
            Trigger::AppointmentChanged { .. } | Trigger::Nothing => Ok(None),
        };
        let due = match (trigger, &pulled) {
            // A pull tells; a merge may leave something of ours to be written, too.
            (_, Ok(Some(pulled))) => pulled.leaves_due,
            // Each way goes on by itself: a pull that did not end well is no reason not to push.
            (Trigger::Everything | Trigger::AppointmentChanged { .. }, _) => true,
            (Trigger::CalendarChanged { .. } | Trigger::Nothing, _) => false,
        };
        if let Ok(Some(pulled)) = &pulled {
            tracing::info!(calendar.id = calendar_id, pulled = %json!(pulled), "pulled");
        }
        let pushed = if due {
            let patience = match trigger {
                Trigger::Everything => deadline.remaining(),
                _ => PATIENCE_FOR_CALLS,
            };
            push(&sync, calendar_id, patience, deadline).await
        } else {
            Ok(())
        };
        pulled.and(pushed)
    }
}

async fn pull(
    sync: &Sync<'_>,
    calendar_id: &str,
    occasion: Occasion,
    patience: Patience,
    deadline: Deadline,
) -> Result<Option<Pulled>, SyncError> {
    match sync.pull(calendar_id, occasion, patience, false, deadline).await {
        // Not a failure: Lambda would only ask again too soon.
        Err(error @ SyncError::CoolingDown { .. }) => {
            tracing::info!(calendar.id = calendar_id, %error, "not pulled for now");
            Ok(None)
        }
        pulled => pulled,
    }
}

async fn push(
    sync: &Sync<'_>,
    calendar_id: &str,
    patience: Duration,
    deadline: Deadline,
) -> Result<(), SyncError> {
    let pushed = sync.push(calendar_id, patience, deadline).await?;
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

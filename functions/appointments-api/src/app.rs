//! What every handler may use.

use std::time::Duration;

use shared::auth::Callers;
use shared::availability::hours::WorkingHours;
use shared::bus::Bus;
use shared::database::Database;
use shared::deadline::Deadline;
use shared::google;
use shared::settings::{AutoSync, Clinic, Environment, Rotating, SettingError};
use shared::sync::Sync;
use shared::watch::{Secrets, Watch};

/// One process's means.
pub(crate) struct App {
    pub(crate) db: Database,
    pub(crate) google: google::Client,
    pub(crate) bus: Bus,
    pub(crate) clinic: Clinic,
    pub(crate) working_hours: WorkingHours,
    pub(crate) auto_sync: AutoSync,
    pub(crate) callers: Callers,
    pub(crate) allowed_origins: Vec<String>,
    /// Missing secrets concern only those who open a channel.
    pub(crate) webhook_secrets: Result<Rotating<Secrets>, SettingError>,
}

impl App {
    /// Reads the settings; nothing is connected to yet.
    pub(crate) fn from(environment: &Environment<'_>) -> Result<Self, SettingError> {
        let google = environment.google()?;
        Ok(Self {
            db: Database::new(environment.database()?),
            google: google::Client::new(google.api, google.account),
            bus: Bus::new(environment.bus_and_rule()),
            clinic: environment.clinic()?,
            working_hours: environment.working_hours()?,
            auto_sync: environment.auto_sync()?,
            callers: Callers::from(environment)?,
            allowed_origins: environment.allowed_origins()?,
            webhook_secrets: environment.webhook_secrets(),
        })
    }

    /// Opens the database and makes the bus's client ahead of the first request.
    pub(crate) async fn connect(&self) {
        self.bus.prepare();
        // The request that needs the database tries again and tells its caller.
        let _ = self.db.connect(Deadline::after(Duration::from_secs(8))).await;
    }

    /// The sync engine.
    pub(crate) fn sync(&self) -> Sync<'_> {
        Sync {
            db: &self.db,
            google: &self.google,
            bus: &self.bus,
            clinic_zone: self.clinic.time_zone,
        }
    }

    /// What opens and stops watch channels.
    pub(crate) fn watch(&self) -> Watch<'_> {
        Watch {
            db: &self.db,
            google: &self.google,
        }
    }
}

//! What functions find around them: a database, Google's stand-in, a bus.

use std::path::{Path, PathBuf};

use local::google::StandIn;
use local::postgres::TestDatabase;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::Failure;
use crate::bus::Bus;
use crate::instance::{Instance, Settings};
use crate::request::KEY;

/// The calendar of most rows.
pub(crate) const CALENDAR: &str = "clinic@example.com";
/// What keys channel tokens.
pub(crate) const WEBHOOK_SECRET: &str = "an-example-that-is-32-characters";

/// Where a row is measured, empty at first.
pub(crate) struct World {
    database: TestDatabase,
    pub(crate) google: StandIn,
    pub(crate) bus: Bus,
    folder: TempDir,
}

impl World {
    pub(crate) async fn open() -> Result<Self, Failure> {
        Ok(Self {
            database: TestDatabase::create().await,
            google: StandIn::start().await?,
            bus: Bus::start().await?,
            folder: tempfile::tempdir()?,
        })
    }

    /// The database's URL, without TLS.
    pub(crate) fn url(&self) -> String {
        self.database.url()
    }

    /// The same over TLS with a password, as Neon has it. [`World::settings`] names its authority.
    pub(crate) fn tls_url(&self) -> Result<String, Failure> {
        let server = std::env::var("TEST_DATABASE_TLS_URL")?;
        let (server, parameters) = server
            .split_once('?')
            .ok_or("the server's URL has no parameters")?;
        let (server, _) = server
            .rsplit_once('/')
            .ok_or("the server's URL names no database")?;
        Ok(format!("{server}/{}?{parameters}", self.database.name()))
    }

    /// A session of our own.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// What every function is given, with its database at `url`.
    pub(crate) fn settings(&self, url: &str) -> Result<Settings, Failure> {
        let key = hex::encode(Sha256::digest(KEY));
        let settings = [
            ("DATABASE_URL", url.to_owned()),
            ("SSL_CERT_FILE", self.roots()?.display().to_string()),
            ("GOOGLE_SERVICE_ACCOUNT_JSON", self.google.service_account_json()),
            ("GOOGLE_CALENDAR_API_URL", self.google.base_url()),
            ("GOOGLE_CALENDAR_ID", CALENDAR.to_owned()),
            ("CLINIC_TIME_ZONE", "Asia/Karachi".to_owned()),
            ("WORKING_HOURS", "mon-sun 00:00-24:00".to_owned()),
            ("API_KEYS", format!("bench:appointments+calendar:{key}")),
            ("WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
            (
                "WEBHOOK_URL",
                "https://hook.example.com/calendar/webhook".to_owned(),
            ),
            ("EVENT_BUS_NAME", "appointment-sync".to_owned()),
            ("AUTO_SYNC_RULE_NAME", "auto-sync".to_owned()),
            ("AUTO_SYNC_INTERVAL", "300".to_owned()),
            ("AUTO_SYNC_ENABLED", "true".to_owned()),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", self.bus.url().to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ];
        Ok(settings
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect())
    }

    /// An instance of a function whose database is at `url`.
    pub(crate) async fn start(&self, function: &str, url: &str) -> Result<Instance, Failure> {
        self.start_with(function, &self.settings(url)?).await
    }

    /// The same with settings changed.
    pub(crate) async fn start_with(&self, function: &str, settings: &Settings) -> Result<Instance, Failure> {
        Instance::start(function, settings, &self.folder.path().join("log")).await
    }

    /// As many root certificates as a function finds on Lambda, and the authority of our database's server: reading them is
    /// a part of connecting.
    fn roots(&self) -> Result<PathBuf, Failure> {
        let bundle = self.folder.path().join("roots.pem");
        if !bundle.exists() {
            let systems = [
                "/etc/ssl/certs/ca-certificates.crt",
                "/etc/pki/tls/certs/ca-bundle.crt",
                "/etc/ssl/cert.pem",
            ];
            let system = systems.iter().map(Path::new).find(|path| path.exists());
            let mut roots = system.map(std::fs::read).transpose()?.unwrap_or_default();
            roots.extend(std::fs::read(std::env::var("TEST_DATABASE_CA")?)?);
            std::fs::write(&bundle, roots)?;
        }
        Ok(bundle)
    }
}

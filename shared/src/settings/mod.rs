//! The environment, parsed once into types. An error names the setting and what it should look like, never its value.
//!
//! A function reads only the settings that it uses: each group below is read by its own constructor. Deployed, the secret
//! ones live in Secrets Manager.

mod rotating;
mod secret;

use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use secrecy::{ExposeSecret, SecretString};

use crate::auth::ApiKeys;
use crate::availability::hours::{HoursError, WorkingHours};
use crate::aws::Aws;
use crate::bus::BusSettings;
use crate::database::DatabaseUrl;
use crate::google::{ApiUrl, ServiceAccount};
use crate::watch::Secrets;
use secret::{Arn, MAY_BE_ARNS, Vault};

pub use rotating::Rotating;

/// A setting that is missing or malformed: one clear line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {fault}")]
pub struct SettingError {
    /// The setting.
    pub name: &'static str,
    /// What is wrong, and what it should look like.
    pub fault: String,
}

impl SettingError {
    /// An error of the setting `name`.
    pub fn new(name: &'static str, fault: impl Into<String>) -> Self {
        Self {
            name,
            fault: fault.into(),
        }
    }
}

type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Where settings come from: the process environment, or a fixed list in tests.
pub struct Environment<'a> {
    lookup: Box<Lookup<'a>>,
    aws: Aws,
    vault: Option<Arc<Vault>>,
}

impl<'a> Environment<'a> {
    /// The environment of this process, with the secrets that it names. Without any, nobody is asked.
    pub async fn of_process() -> Result<Self, SettingError> {
        // What is no UTF-8 stays malformed; as absent it would quietly have its default.
        let mut environment =
            Self::by(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()));
        let secrets = MAY_BE_ARNS
            .iter()
            .filter_map(|name| Some((*name, Arn::parse(&environment.raw(name)?)?)));
        let secrets: Vec<_> = secrets.collect();
        if !secrets.is_empty() {
            let vault = Vault::open(environment.aws.clone(), &secrets).await?;
            environment.vault = Some(Arc::new(vault));
        }
        Ok(environment)
    }

    /// A fixed environment.
    pub fn of(pairs: &'a [(&'a str, &'a str)]) -> Self {
        Self::by(|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    /// An environment that is looked up by `lookup`: a test sees what is asked for.
    pub fn by(lookup: impl Fn(&str) -> Option<String> + 'a) -> Self {
        Self {
            lookup: Box::new(lookup),
            aws: Aws::default(),
            vault: None,
        }
    }

    /// A setting, if it is set to more than blanks; as it was when the process started.
    pub fn get(&self, name: &'static str) -> Option<String> {
        let value = self.raw(name)?;
        match self.kept(&value) {
            Some((_, text)) => rotating::some(text.expose_secret()).map(str::to_owned),
            None => Some(value),
        }
    }

    /// What stands in the environment.
    fn raw(&self, name: &str) -> Option<String> {
        let value = (self.lookup)(name)?;
        rotating::some(&value).map(str::to_owned)
    }

    /// The secret that a value names, and what it says.
    fn kept(&self, value: &str) -> Option<(Arn, &SecretString)> {
        let arn = Arn::parse(value)?;
        let text = self.vault.as_ref()?.at_start(&arn)?;
        Some((arn, text))
    }

    /// A secret setting, which may live in Secrets Manager.
    fn secret<T>(
        &self,
        name: &'static str,
        parse: fn(Option<&str>) -> Result<T, SettingError>,
    ) -> Result<Rotating<T>, SettingError> {
        let value = self.raw(name).map(SecretString::from);
        let value = value.as_ref().map(ExposeSecret::expose_secret);
        if let Some((arn, text)) = value.and_then(|value| self.kept(value))
            && let Some(vault) = &self.vault
        {
            return Rotating::kept(Arc::clone(vault) as _, arn, text.clone(), parse);
        }
        parse(value).map(Rotating::from)
    }

    fn parsed<T>(
        &self,
        name: &'static str,
        shape: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, SettingError> {
        self.get(name)
            .map(|text| parse(&text).ok_or_else(|| SettingError::new(name, format!("should be {shape}"))))
            .transpose()
    }

    /// `DATABASE_URL`.
    pub fn database(&self) -> Result<Rotating<DatabaseUrl>, SettingError> {
        self.secret("DATABASE_URL", |text| {
            let shape = "the connection string that the Neon console shows";
            DatabaseUrl::parse(required("DATABASE_URL", text, shape)?)
                .map_err(|fault| SettingError::new("DATABASE_URL", fault.to_string()))
        })
    }

    /// `GOOGLE_CALENDAR_API_URL` and `GOOGLE_SERVICE_ACCOUNT_JSON`.
    pub fn google(&self) -> Result<GoogleSettings, SettingError> {
        let name = "GOOGLE_CALENDAR_API_URL";
        let text = self
            .get(name)
            .unwrap_or_else(|| "https://www.googleapis.com/calendar/v3".to_owned());
        let api = ApiUrl::parse(&text).map_err(|fault| SettingError::new(name, fault.to_string()))?;
        let account = self.secret("GOOGLE_SERVICE_ACCOUNT_JSON", |json| {
            json.map(ServiceAccount::parse)
                .transpose()
                .map_err(|fault| SettingError::new("GOOGLE_SERVICE_ACCOUNT_JSON", fault.to_string()))
        })?;
        Ok(GoogleSettings { api, account })
    }

    /// `API_KEYS`.
    pub fn api_keys(&self) -> Result<Rotating<ApiKeys>, SettingError> {
        self.secret("API_KEYS", |text| {
            text.map_or_else(|| Ok(ApiKeys::default()), ApiKeys::parse)
        })
    }

    /// `GOOGLE_CALENDAR_ID` and `CLINIC_TIME_ZONE`.
    pub fn clinic(&self) -> Result<Clinic, SettingError> {
        let shape = "calendar ids separated by commas, such as dr.khan@example.com,dr.ali@example.com";
        let calendars = self
            .parsed("GOOGLE_CALENDAR_ID", shape, calendar_ids)?
            .unwrap_or_default();
        let shape = "an IANA time zone, such as Asia/Karachi";
        let time_zone = self.parsed("CLINIC_TIME_ZONE", shape, |text| text.parse().ok())?;
        Ok(Clinic {
            calendars,
            time_zone: time_zone.unwrap_or(Tz::Asia__Karachi),
        })
    }

    /// `WORKING_HOURS`.
    pub fn working_hours(&self) -> Result<WorkingHours, SettingError> {
        let name = "WORKING_HOURS";
        self.get(name).map_or_else(
            || Ok(WorkingHours::default()),
            |text| {
                text.parse()
                    .map_err(|fault: HoursError| SettingError::new(name, fault.to_string()))
            },
        )
    }

    /// `EVENT_BUS_NAME`, for those who publish and leave the rule alone.
    pub fn bus(&self) -> BusSettings {
        BusSettings {
            aws: self.aws.clone(),
            bus_name: self.get("EVENT_BUS_NAME").unwrap_or_else(|| "default".to_owned()),
            rule_name: None,
        }
    }

    /// `EVENT_BUS_NAME` and `AUTO_SYNC_RULE_NAME`.
    pub fn bus_and_rule(&self) -> BusSettings {
        BusSettings {
            rule_name: self.get("AUTO_SYNC_RULE_NAME"),
            ..self.bus()
        }
    }

    /// `AUTO_SYNC_ENABLED` and `AUTO_SYNC_INTERVAL`.
    pub fn auto_sync(&self) -> Result<AutoSync, SettingError> {
        let enabled = self.parsed("AUTO_SYNC_ENABLED", "true or false", |text| {
            text.to_ascii_lowercase().parse().ok()
        })?;
        let shape = "seconds, a multiple of 60, such as 300";
        let interval = self.parsed("AUTO_SYNC_INTERVAL", shape, |text| {
            text.parse()
                .ok()
                .filter(|seconds| *seconds > 0 && seconds % 60 == 0)
        })?;
        Ok(AutoSync {
            enabled: enabled.unwrap_or(true),
            interval: Duration::from_secs(interval.unwrap_or(300)),
        })
    }

    /// `ALLOWED_ORIGINS`.
    pub fn allowed_origins(&self) -> Result<Vec<String>, SettingError> {
        let shape = "origins separated by commas, such as https://app.example.com; no wildcard, no path";
        Ok(self
            .parsed("ALLOWED_ORIGINS", shape, |text| list(text, is_origin))?
            .unwrap_or_default())
    }

    /// `WEBHOOK_URL`, where one is set.
    pub fn webhook_url(&self) -> Result<Option<String>, SettingError> {
        let shape = "the https address of the webhook (http on loopback)";
        self.parsed("WEBHOOK_URL", shape, |text| {
            is_safe_url(text).then(|| text.to_owned())
        })
    }

    /// `WEBHOOK_SECRET`: the current one first, then those still accepted.
    pub fn webhook_secrets(&self) -> Result<Rotating<Secrets>, SettingError> {
        self.secret("WEBHOOK_SECRET", |text| {
            let shape = "a random text of at least 16 characters, or two (new,old) during a rotation";
            list(required("WEBHOOK_SECRET", text, shape)?, |secret| {
                secret.len() >= 16
            })
            .and_then(|secrets| Secrets::new(secrets.into_iter().map(SecretString::from).collect()))
            .ok_or_else(|| SettingError::new("WEBHOOK_SECRET", format!("should be {shape}")))
        })
    }
}

fn required<'t>(name: &'static str, text: Option<&'t str>, shape: &str) -> Result<&'t str, SettingError> {
    text.ok_or_else(|| SettingError::new(name, format!("is not set; it should be {shape}")))
}

/// How Google is reached.
#[derive(Debug)]
pub struct GoogleSettings {
    /// Where.
    pub api: ApiUrl,
    /// As whom; nothing can be synced without.
    pub account: Rotating<Option<ServiceAccount>>,
}

/// The clinic's calendars and its zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clinic {
    /// The calendars in step with us; the first is the default.
    pub calendars: Vec<String>,
    /// The zone of new events and of all-day ones.
    pub time_zone: Tz,
}

impl Clinic {
    /// The calendar asked for, or the default one; `None` if it is not configured.
    pub fn calendar(&self, asked: Option<&str>) -> Option<&str> {
        match asked {
            Some(id) => self.calendars.iter().find(|calendar| *calendar == id),
            None => self.calendars.first(),
        }
        .map(String::as_str)
    }
}

/// How the 5-minute rule was deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutoSync {
    /// Whether it was to start enabled.
    pub enabled: bool,
    /// Its rate.
    pub interval: Duration,
}

fn calendar_ids(text: &str) -> Option<Vec<String>> {
    list(text, |id| {
        id.len() <= 300 && !id.contains(|c: char| c.is_whitespace() || c.is_control())
    })
}

/// A list of unlike, valid items; blanks around commas do not matter.
fn list(text: &str, valid: impl Fn(&str) -> bool) -> Option<Vec<String>> {
    let mut items: Vec<String> = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        if !valid(item) {
            return None;
        }
        if !items.iter().any(|known| known == item) {
            items.push(item.to_owned());
        }
    }
    (!items.is_empty()).then_some(items)
}

/// Whether this is an origin as browsers write it, in lower case and without a port that goes without saying: any other
/// would be equal to none of theirs.
fn is_origin(text: &str) -> bool {
    let as_browsers_write_it = |uri: &http::Uri| {
        let (scheme, usual_port) = match uri.scheme_str()? {
            "http" => ("http", 80),
            "https" => ("https", 443),
            _ => return None,
        };
        let host = uri.host()?.to_ascii_lowercase();
        let port = uri.port_u16().filter(|port| *port != usual_port);
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{scheme}://{host}{port}"))
    };
    let uri = text.parse().ok();
    !text.contains('*') && uri.as_ref().and_then(as_browsers_write_it).as_deref() == Some(text)
}

/// Whether what goes to this address, and comes from there, cannot be read or changed on its way: https, or http on
/// loopback.
pub fn is_safe_url(text: &str) -> bool {
    text.parse::<http::Uri>()
        .is_ok_and(|uri| match (uri.scheme_str(), uri.host()) {
            (Some("https"), Some(host)) => !host.is_empty(),
            (Some("http"), Some(host)) => is_loopback(host),
            _ => false,
        })
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_has_its_default() {
        let environment =
            Environment::of(&[("GOOGLE_CALENDAR_ID", "a@example.com, b@example.com,a@example.com")]);
        let clinic = environment.clinic().unwrap();
        assert_eq!(clinic.calendars, ["a@example.com", "b@example.com"]);
        assert_eq!(clinic.time_zone, Tz::Asia__Karachi);
        assert_eq!(clinic.calendar(None), Some("a@example.com"));
        assert_eq!(clinic.calendar(Some("c@example.com")), None);
        let auto_sync = environment.auto_sync().unwrap();
        assert_eq!(
            auto_sync,
            AutoSync {
                enabled: true,
                interval: Duration::from_mins(5)
            }
        );
        assert_eq!(environment.bus().bus_name, "default");
        assert_eq!(environment.working_hours(), Ok(WorkingHours::default()));
    }

    #[test]
    fn a_bad_setting_is_one_line_that_names_it_and_not_its_value() {
        let environment = Environment::of(&[
            ("CLINIC_TIME_ZONE", "Mars/Olympus"),
            ("AUTO_SYNC_INTERVAL", "90"),
            ("ALLOWED_ORIGINS", "https://app.example.com/path"),
            ("WEBHOOK_URL", "http://example.com/hook"),
            ("WEBHOOK_SECRET", "hunter2"),
            ("WORKING_HOURS", "mon-fri hunter2"),
        ]);
        let errors = [
            environment.clinic().unwrap_err(),
            environment.auto_sync().unwrap_err(),
            environment.allowed_origins().unwrap_err(),
            environment.webhook_url().unwrap_err(),
            environment.webhook_secrets().unwrap_err(),
            environment.working_hours().unwrap_err(),
            environment.database().unwrap_err(),
        ];
        let names = errors.each_ref().map(|error| error.name);
        assert_eq!(
            names,
            [
                "CLINIC_TIME_ZONE",
                "AUTO_SYNC_INTERVAL",
                "ALLOWED_ORIGINS",
                "WEBHOOK_URL",
                "WEBHOOK_SECRET",
                "WORKING_HOURS",
                "DATABASE_URL"
            ]
        );
        for error in errors {
            let line = error.to_string();
            assert!(
                !line.contains('\n') && !line.contains("hunter2") && !line.contains("Mars"),
                "{line}"
            );
        }
    }

    #[test]
    fn an_origin_is_one_only_as_browsers_write_it() {
        for (origin, good) in [
            ("https://app.example.com", true),
            ("http://127.0.0.1:3000", true),
            ("https://*.example.com", false),
            ("*", false),
            ("https://app.example.com/", false),
            ("https://App.example.com", false),
            ("https://app.example.com:443", false),
            ("http://app.example.com:443", true),
            ("https://app.example.com:", false),
            ("https://me@app.example.com", false),
            ("null", false),
            ("ftp://example.com", false),
        ] {
            assert_eq!(is_origin(origin), good, "{origin}");
        }
    }

    #[test]
    fn an_address_is_safe_by_https_or_on_loopback() {
        for (url, good) in [
            ("https://hook.example.com/calendar/webhook", true),
            ("http://127.0.0.1:9000/calendar/webhook", true),
            ("http://[::1]:9000/calendar/webhook", true),
            ("http://localhost/x", true),
            ("http://example.com/x", false),
            ("http://127.0.0.1.example.com/x", false),
            ("hook", false),
            ("", false),
        ] {
            assert_eq!(is_safe_url(url), good, "{url}");
        }
    }
}

//! The settings that the functions run with. What the person has set wins; the rest is ours.

use std::path::Path;
use std::process::Command;

use super::ports::Ports;
use super::secrets::Secrets;

/// Where a frontend under development is served from: the example of this repository, and what npm's tools choose.
pub(super) const FRONTENDS: &str = "http://127.0.0.1:3000,http://localhost:3000,http://localhost:5173";

/// Settings that the person has not set, and their local values.
#[derive(Debug, Clone)]
pub(super) struct Environment {
    defaults: Vec<(&'static str, String)>,
    own_database: bool,
    stand_in: bool,
}

impl Environment {
    pub(super) fn new(ports: Ports, secrets: &Secrets) -> Self {
        // Google's address and its key belong together: with one of them set, both are the person's.
        let stand_in = !is_set("GOOGLE_CALENDAR_API_URL") && !is_set("GOOGLE_SERVICE_ACCOUNT_JSON");
        let mut environment = Self {
            defaults: Vec::new(),
            own_database: !is_set("DATABASE_URL"),
            stand_in,
        };
        if stand_in {
            let api = format!("http://127.0.0.1:{}/calendar/v3", ports.google);
            environment.set("GOOGLE_CALENDAR_API_URL", &api);
        }
        environment.set("GOOGLE_CALENDAR_ID", "clinic@example.com");
        environment.set("CLINIC_TIME_ZONE", "Asia/Karachi");
        environment.set("WORKING_HOURS", "mon-fri 09:00-17:00");
        environment.set("ALLOWED_ORIGINS", FRONTENDS);
        environment.set("API_KEYS", &secrets.api_keys());
        environment.set("AUTO_SYNC_ENABLED", "true");
        environment.set("AUTO_SYNC_INTERVAL", "300");
        environment.set("AUTO_SYNC_RULE_NAME", "auto-sync");
        environment.set("EVENT_BUS_NAME", "appointment-sync");
        environment.set(
            "WEBHOOK_URL",
            &format!("http://127.0.0.1:{}/calendar/webhook", ports.api),
        );
        environment.set("WEBHOOK_SECRET", &secrets.webhook_secret);
        environment.set(
            "AWS_ENDPOINT_URL_EVENTBRIDGE",
            &format!("http://127.0.0.1:{}", ports.bus),
        );
        environment.set("AWS_REGION", "us-east-1");
        environment.set("AWS_ACCESS_KEY_ID", "local");
        environment.set("AWS_SECRET_ACCESS_KEY", "local");
        environment
    }

    /// Gives a setting its local value, unless the person has set it.
    pub(super) fn set(&mut self, name: &'static str, value: &str) {
        if !is_set(name) {
            self.defaults.push((name, value.to_owned()));
        }
    }

    pub(super) fn apply(&self, command: &mut Command) {
        command.envs(self.defaults.iter().map(|(name, value)| (name, value)));
    }

    /// Whether we run PostgreSQL ourselves.
    pub(super) fn own_database(&self) -> bool {
        self.own_database
    }

    /// Whether the Google stand-in takes Google's place.
    pub(super) fn stand_in(&self) -> bool {
        self.stand_in
    }

    /// What a newcomer needs next.
    pub(super) fn summary(&self, ports: Ports, secrets: &Secrets, folder: &Path) -> String {
        let mut lines = vec![
            "\nready".to_owned(),
            format!("  API              http://127.0.0.1:{}/", ports.api),
        ];
        if is_set("API_KEYS") {
            lines.push("  API key          yours, from API_KEYS".to_owned());
        } else {
            lines.push(format!("  API key          {}", secrets.api_key));
        }
        if self.stand_in {
            lines.push(format!("  Google Calendar  http://127.0.0.1:{}/", ports.google));
        } else {
            lines.push(
                "  Google Calendar  yours, from GOOGLE_CALENDAR_API_URL and GOOGLE_SERVICE_ACCOUNT_JSON"
                    .to_owned(),
            );
        }
        if self.own_database {
            lines.push(format!(
                "  PostgreSQL       {}",
                super::database::url(ports.postgres)
            ));
        } else {
            lines.push("  PostgreSQL       yours, from DATABASE_URL".to_owned());
        }
        lines.push(format!("  logs             {}", folder.join("log").display()));
        lines.push("Ctrl-C stops everything; what is stored stays.".to_owned());
        lines.join("\n")
    }
}

/// An empty value counts as none, as it does in the functions.
fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| !value.trim().is_empty())
}

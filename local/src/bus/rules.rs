//! The rules, equal to those in `template.yaml`, and which of them are enabled.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::event::{ACCOUNT, REGION};
use super::pattern::Pattern;
use super::{BusOptions, lock};

/// The bus that every account has; scheduled rules exist on this one only.
pub(super) const DEFAULT_BUS: &str = "default";

/// When a rule fires.
#[derive(Debug)]
pub(super) enum Trigger {
    /// At every event that the pattern matches.
    Pattern(Pattern),
    /// At this interval.
    Every(Duration),
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) bus: String,
    pub(super) trigger: Trigger,
    /// The function that it invokes.
    pub(super) target: &'static str,
}

/// The table of rules and their states.
#[derive(Debug)]
pub struct Rules {
    table: Vec<Rule>,
    states: Mutex<BTreeMap<String, State>>,
    file: Option<PathBuf>,
}

/// Whether a rule fires, and what the settings said when that was last decided by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    enabled: bool,
    deployed: bool,
}

impl Rules {
    pub(super) fn open(options: &BusOptions) -> io::Result<Self> {
        let table = table(options);
        let stored: BTreeMap<String, State> = match &options.state {
            Some(file) if file.exists() => serde_json::from_str(&fs::read_to_string(file)?)?,
            _ => BTreeMap::new(),
        };
        let initial = |rule: &Rule| {
            let deployed = rule.name != options.auto_sync_rule || options.auto_sync_enabled;
            // As with a deployment: start and stop hold until the setting itself changes.
            match stored.get(&rule.name) {
                Some(state) if state.deployed == deployed => *state,
                _ => State {
                    enabled: deployed,
                    deployed,
                },
            }
        };
        let states = table
            .iter()
            .map(|rule| (rule.name.clone(), initial(rule)))
            .collect();
        Ok(Self {
            table,
            states: Mutex::new(states),
            file: options.state.clone(),
        })
    }

    pub(super) fn all(&self) -> &[Rule] {
        &self.table
    }

    /// The rule of this name on this bus.
    pub(super) fn find(&self, bus: &str, name: &str) -> Option<&Rule> {
        self.table
            .iter()
            .find(|rule| rule.bus == bus && rule.name == name)
    }

    pub(super) fn has_bus(&self, bus: &str) -> bool {
        bus == DEFAULT_BUS || self.table.iter().any(|rule| rule.bus == bus)
    }

    pub(super) fn is_enabled(&self, rule: &Rule) -> bool {
        lock(&self.states)
            .get(&rule.name)
            .is_some_and(|state| state.enabled)
    }

    pub(super) fn set_enabled(&self, rule: &Rule, enabled: bool) -> io::Result<()> {
        let mut states = lock(&self.states);
        if let Some(state) = states.get_mut(&rule.name) {
            state.enabled = enabled;
        }
        self.save(&states)
    }

    fn save(&self, states: &BTreeMap<String, State>) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let draft = file.with_extension("new");
        fs::write(&draft, serde_json::to_vec_pretty(states)?)?;
        fs::rename(draft, file)
    }

    /// The enabled rules of `bus` that an event matches.
    pub(super) fn matching(&self, bus: &str, event: &Value) -> Vec<&Rule> {
        let matches = |rule: &&Rule| match &rule.trigger {
            Trigger::Pattern(pattern) => rule.bus == bus && pattern.matches(event) && self.is_enabled(rule),
            Trigger::Every(_) => false,
        };
        self.table.iter().filter(matches).collect()
    }
}

fn table(options: &BusOptions) -> Vec<Rule> {
    let on_bus = |name: &str, pattern: Value, target| Rule {
        name: name.to_owned(),
        bus: options.bus_name.clone(),
        trigger: Trigger::Pattern(Pattern::new(pattern)),
        target,
    };
    let every = |name: &str, interval, target| Rule {
        name: name.to_owned(),
        bus: DEFAULT_BUS.to_owned(),
        trigger: Trigger::Every(interval),
        target,
    };
    vec![
        on_bus(
            "calendar-changed",
            json!({"source": ["appointment-sync"], "detail-type": ["CalendarChanged"]}),
            "scheduled-sync",
        ),
        on_bus(
            "appointment-changed",
            json!({
                "source": ["appointment-sync"],
                "detail-type": ["AppointmentChanged"],
                "detail": {"origin": ["api"]}
            }),
            "scheduled-sync",
        ),
        every(
            &options.auto_sync_rule,
            options.auto_sync_interval,
            "scheduled-sync",
        ),
        every("renew-watches", Duration::from_hours(1), "watch-renewer"),
    ]
}

/// The name of a bus or rule as Amazon writes it in full.
pub(super) fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:events:{REGION}:{ACCOUNT}:{kind}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_rule_stays_stopped_until_the_setting_changes() {
        let folder = tempfile::tempdir().unwrap();
        let mut options = BusOptions::for_tests("http://127.0.0.1:1");
        options.state = Some(folder.path().join("rules.json"));

        let rules = Rules::open(&options).unwrap();
        let rule = rules.find("default", "auto-sync").unwrap();
        assert!(rules.is_enabled(rule));
        rules.set_enabled(rule, false).unwrap();

        let rules = Rules::open(&options).unwrap();
        assert!(!rules.is_enabled(rules.find("default", "auto-sync").unwrap()));

        options.auto_sync_enabled = false;
        drop(Rules::open(&options).unwrap());
        options.auto_sync_enabled = true;
        let rules = Rules::open(&options).unwrap();
        assert!(
            !rules.is_enabled(rules.find("default", "auto-sync").unwrap()),
            "nothing was deployed in between"
        );
    }

    #[test]
    fn events_of_google_origin_invoke_nobody() {
        let rules = Rules::open(&BusOptions::for_tests("http://127.0.0.1:1")).unwrap();
        let event = |origin: &str| {
            json!({
                "source": "appointment-sync", "detail-type": "AppointmentChanged", "detail": {"origin": origin}
            })
        };
        let names = |event: &Value| {
            rules
                .matching("appointment-sync", event)
                .iter()
                .map(|rule| rule.name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&event("api")), ["appointment-changed"]);
        assert!(names(&event("google_calendar")).is_empty());
    }

    #[test]
    fn patterns_are_those_of_the_template() {
        let template = crate::template::Template::transformed().unwrap();
        let patterns = |rule: &Rule| match &rule.trigger {
            Trigger::Pattern(pattern) => Some(serde_json::from_str::<Value>(&pattern.text()).unwrap()),
            Trigger::Every(_) => None,
        };
        let rules = Rules::open(&BusOptions::for_tests("http://127.0.0.1:1")).unwrap();
        let here: Vec<Value> = rules.all().iter().filter_map(patterns).collect();
        let there = ["ScheduledSyncCalendarChanged", "ScheduledSyncAppointmentChanged"];
        let there = there.map(|id| template.properties(id)["EventPattern"].clone());
        assert_eq!(here, there);
    }
}

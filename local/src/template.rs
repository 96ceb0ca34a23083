//! `template.yaml` after SAM's transform, for tests that hold the code and the deployment together.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, io};

use serde_json::{Map, Value};

/// The template as CloudFormation gets it.
#[derive(Debug)]
pub struct Template {
    parameters: Map<String, Value>,
    resources: Map<String, Value>,
}

/// Why there is no transformed template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// `make test` and `make lint` set it.
    #[error("PROJECT_PYTHON names no Python with aws-sam-cli: `make test` and `make lint` set it")]
    NoPython,
    /// Python could not be started, or a file not be read.
    #[error("{0}")]
    System(#[from] io::Error),
    /// SAM refuses the template; its words are on standard error.
    #[error("SAM does not transform the template: see above")]
    Refused,
    /// SAM's or our own file is not JSON of the form expected.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

impl Template {
    /// Transforms the project's template, with SAM's own code.
    pub fn transformed() -> Result<Self, TemplateError> {
        let python = std::env::var_os("PROJECT_PYTHON").ok_or(TemplateError::NoPython)?;
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output = Command::new(python)
            .arg(here.join("src/template/transform.py"))
            .arg(here.join("../template.yaml"))
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(TemplateError::Refused);
        }
        let mut template: Value = serde_json::from_slice(&output.stdout)?;
        Ok(Self {
            parameters: serde_json::from_value(template["Parameters"].take())?,
            resources: serde_json::from_value(template["Resources"].take())?,
        })
    }

    /// What is said of a parameter; null where there is none of this name.
    pub fn parameter(&self, name: &str) -> &Value {
        self.parameters.get(name).unwrap_or(&Value::Null)
    }

    /// The properties of a resource; null where there is none of this logical id.
    pub fn properties(&self, id: &str) -> &Value {
        self.resources
            .get(id)
            .map_or(&Value::Null, |resource| &resource["Properties"])
    }

    /// The logical ids and properties of all resources of one type, such as `AWS::Events::Rule`.
    pub fn of_type<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.resources
            .iter()
            .filter(move |(_, resource)| resource["Type"] == name)
            .map(|(id, resource)| (id.as_str(), &resource["Properties"]))
    }

    /// The names of the settings that a function is given, sorted.
    pub fn settings(&self, function: &str) -> Vec<String> {
        let variables = &self.properties(function)["Environment"]["Variables"];
        let names = variables.as_object().map(|variables| variables.keys().cloned());
        let mut names: Vec<String> = names.into_iter().flatten().collect();
        names.sort();
        names
    }
}

/// The names of the settings that a function asks for while `start` makes it from its examples in
/// `events/env.example.json`, and those of the examples; both sorted.
pub fn settings_read(
    function: &str,
    start: impl FnOnce(&dyn Fn(&str) -> Option<String>),
) -> Result<(Vec<String>, Vec<String>), TemplateError> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/env.example.json");
    let mut examples: Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    let examples: BTreeMap<String, String> = serde_json::from_value(examples[function].take())?;
    let read = RefCell::new(BTreeSet::new());
    start(&|name| {
        read.borrow_mut().insert(name.to_owned());
        examples.get(name).cloned()
    });
    let mut read = read.into_inner();
    // For tests alone: nothing deployed has another.
    read.remove("GOOGLE_CALENDAR_API_URL");
    Ok((read.into_iter().collect(), examples.into_keys().collect()))
}

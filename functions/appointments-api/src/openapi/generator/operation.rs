//! One operation of the document, and what follows from its parts: a body can be too large, an id unknown, and so on.

use serde_json::{Map, Value, json};

use super::problems::Problems;
use super::{parameters, schema};
use crate::access::Access;

/// What one route does, in the document's terms.
pub(super) struct Operation {
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    description: Option<String>,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Vec<(u16, Value)>,
    problems: Problems,
}

impl Operation {
    pub(super) fn new(id: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            tag,
            summary,
            description: None,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            problems: Problems::default(),
        }
    }

    /// More about it.
    pub(super) fn about(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    pub(super) fn parameters(mut self, parameters: impl IntoIterator<Item = Value>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// Its path names an appointment.
    pub(super) fn of_one(mut self) -> Self {
        self.problem(404, &["not_found"]);
        self.parameters([parameters::id()])
    }

    /// It is refused when the appointment has changed.
    pub(super) fn if_match(mut self) -> Self {
        self.problem(412, &["version_conflict"]);
        self.parameters([parameters::if_match()])
    }

    /// It may be sent again under a key.
    pub(super) fn once(mut self) -> Self {
        self.problem(400, &["malformed_idempotency_key"]);
        self.problem(409, &["idempotency_key_in_progress"]);
        self.problem(422, &["idempotency_key_reused"]);
        self.parameters([parameters::idempotency_key()])
    }

    /// It takes a body.
    pub(super) fn body(
        mut self,
        name: &str,
        content_types: &[&str],
        examples: Value,
        required: bool,
    ) -> Self {
        self.problem(400, &["malformed_json"]);
        self.problem(413, &["body_too_large"]);
        self.problem(415, &["unsupported_media_type"]);
        let mut media = json!({"schema": schema::named(name)});
        media["examples"] = examples;
        let content: Map<String, Value> = content_types
            .iter()
            .map(|content_type| ((*content_type).to_owned(), media.clone()))
            .collect();
        self.body = Some(json!({"required": required, "content": content}));
        self
    }

    /// It succeeds with this.
    pub(super) fn gives(mut self, status: u16, description: &str, name: &str, example: Value) -> Self {
        let mut media = json!({"schema": schema::named(name)});
        media["example"] = example;
        self.answers.push((status, plain(description)));
        self.holding("application/json", media)
    }

    /// It succeeds with nothing to say.
    pub(super) fn gives_nothing(mut self, status: u16, description: &str) -> Self {
        self.answers.push((status, plain(description)));
        self
    }

    /// What it gives has this body.
    pub(super) fn holding(mut self, content_type: &str, media: Value) -> Self {
        if let Some((_, answer)) = self.answers.last_mut() {
            answer["content"][content_type] = media;
        }
        self
    }

    /// Its success has these headers, too.
    pub(super) fn with_headers(mut self, names: &[&str]) -> Self {
        for (_, answer) in &mut self.answers {
            for name in names {
                answer["headers"][*name] = json!({"$ref": format!("#/components/headers/{name}")});
            }
        }
        self
    }

    /// What can be done next with what it gave.
    pub(super) fn leads_to(mut self, links: &Value) -> Self {
        for (_, answer) in &mut self.answers {
            answer["links"] = links.clone();
        }
        self
    }

    /// It asks Google.
    pub(super) fn asks_google(self) -> Self {
        self.fails(502, &["google_refused"])
            .fails(503, &["google_unreachable"])
    }

    pub(super) fn fails(mut self, status: u16, codes: &[&'static str]) -> Self {
        self.problem(status, codes);
        self
    }

    fn problem(&mut self, status: u16, codes: &[&'static str]) {
        self.problems.add(status, codes);
    }

    /// The operation, as who has `access` may use it.
    pub(super) fn into_value(mut self, access: Access) -> Value {
        let security = match access {
            Access::Open => json!([]),
            Access::Needs(scope) => {
                self.problem(400, &["malformed_query", "too_many_parameters"]);
                self.problem(401, &["unauthorized"]);
                self.problem(403, &["missing_scope"]);
                self.problem(422, &["validation_failed"]);
                self.problem(500, &["internal_error"]);
                self.problem(
                    503,
                    &[
                        "database_busy",
                        "database_unavailable",
                        "token_issuer_unreachable",
                    ],
                );
                json!([{"bearer": [scope.as_str()]}])
            }
        };
        let answers = self
            .answers
            .into_iter()
            .map(|(status, answer)| (status.to_string(), answer));
        let answers: Map<String, Value> = answers.chain(self.problems.answers()).collect();
        let mut operation = json!({
            "operationId": self.id, "tags": [self.tag], "summary": self.summary, "security": security,
        });
        if let Some(description) = self.description {
            operation["description"] = description.into();
        }
        if !self.parameters.is_empty() {
            operation["parameters"] = self.parameters.into();
        }
        if let Some(body) = self.body {
            operation["requestBody"] = body;
        }
        operation["responses"] = answers.into();
        operation
    }
}

/// An answer without a body.
fn plain(description: &str) -> Value {
    let headers = json!({"x-request-id": {"$ref": "#/components/headers/x-request-id"}});
    json!({"description": description, "headers": headers})
}

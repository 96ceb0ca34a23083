//! The voice agent's tools: five operations of the document in a caller's words, and the request that each becomes.
//!
//! An argument has the schema of the parameter or the member that it becomes, under a description of its own.

use serde_json::{Map, Value, json};

/// A tool, and what of its operation an agent may say.
struct Tool {
    name: &'static str,
    meaning: &'static str,
    method: &'static str,
    path: &'static str,
    arguments: Vec<Argument>,
}

struct Argument {
    name: &'static str,
    meaning: &'static str,
    /// Whether it must be given even where the API could do without.
    insisted: bool,
}

fn ask(name: &'static str, meaning: &'static str) -> Argument {
    Argument {
        name,
        meaning,
        insisted: false,
    }
}

fn insist(name: &'static str, meaning: &'static str) -> Argument {
    Argument {
        insisted: true,
        ..ask(name, meaning)
    }
}

fn id() -> Argument {
    ask(
        "appointment_id",
        "The id of the appointment, from book_appointment or find_appointments_by_phone.",
    )
}

fn version() -> Argument {
    insist(
        "version",
        "The version of the appointment that the caller was told about.",
    )
}

fn length() -> Argument {
    ask("duration_minutes", "How many minutes it takes.")
}

fn calendar() -> Argument {
    ask(
        "calendar_id",
        "Which doctor's calendar. Leave it out for the clinic's first one.",
    )
}

/// In the order of a call.
fn tools() -> [Tool; 5] {
    [find_slots(), book(), find_by_phone(), reschedule(), cancel()]
}

fn find_slots() -> Tool {
    Tool {
        name: "find_slots",
        meaning: "Finds free times. Use it before offering a time, and again when a time turns out to be taken.",
        method: "get",
        path: "/availability",
        arguments: vec![
            ask(
                "from",
                "Where to begin, with the clinic's offset, such as 2031-01-06T09:00:00+05:00.",
            ),
            ask(
                "to",
                "Where to end; at most 92 days later. A day or two is enough to offer something.",
            ),
            length(),
            calendar(),
        ],
    }
}

fn book() -> Tool {
    Tool {
        name: "book_appointment",
        meaning: "Books a time that find_slots gave, once the caller has agreed to it.",
        method: "post",
        path: "/appointments",
        arguments: vec![
            ask(
                "patient_name",
                "The patient's full name, as the caller spells it.",
            ),
            insist(
                "patient_phone",
                "The number to call back, such as the one that the caller is calling from.",
            ),
            ask(
                "starts_at",
                "The starts_at of the slot, exactly as find_slots gave it.",
            ),
            length(),
            ask("reason", "Why the patient comes, in a few words."),
            ask("notes", "Anything else that the clinic should know."),
            calendar(),
        ],
    }
}

fn find_by_phone() -> Tool {
    Tool {
        name: "find_appointments_by_phone",
        meaning: "Finds the appointments of whoever has this number. Use it before moving or cancelling anything.",
        method: "get",
        path: "/appointments",
        arguments: vec![
            insist(
                "patient_phone",
                "The number that was given at booking, with its country code or without.",
            ),
            insist(
                "from",
                "Only what ends after this: the present time, for what lies ahead.",
            ),
            ask("status", "Leave it at scheduled for what takes place."),
        ],
    }
}

fn reschedule() -> Tool {
    Tool {
        name: "reschedule_appointment",
        meaning: "Moves an appointment to a time that find_slots gave, once the caller has agreed to it.",
        method: "post",
        path: "/appointments/{id}/reschedule",
        arguments: vec![
            id(),
            version(),
            ask(
                "starts_at",
                "The starts_at of the new slot, exactly as find_slots gave it.",
            ),
            ask(
                "duration_minutes",
                "Leave it out, and it takes as long as before.",
            ),
        ],
    }
}

fn cancel() -> Tool {
    Tool {
        name: "cancel_appointment",
        meaning: "Cancels an appointment, once the caller has confirmed which one.",
        method: "post",
        path: "/appointments/{id}/cancel",
        arguments: vec![id(), version(), ask("reason", "Why, if the caller says so.")],
    }
}

/// The definitions, as function calling takes them.
pub(super) fn definitions(document: &Value) -> Value {
    let definitions = tools().into_iter().map(|tool| {
        let operation = Operation::of(document, &tool);
        let mut properties = Map::new();
        let mut required = Vec::new();
        for argument in &tool.arguments {
            let place = operation.place(argument.name);
            if place.required || argument.insisted {
                required.push(argument.name);
            }
            let mut schema = place.schema;
            schema["description"] = json!(argument.meaning);
            properties.insert(argument.name.to_owned(), schema);
        }
        json!({
            "type": "function", "name": tool.name, "description": tool.meaning,
            "parameters": {
                "type": "object", "properties": properties, "required": required, "additionalProperties": false
            }
        })
    });
    Value::Array(definitions.collect())
}

/// The request that each tool becomes: arguments stand in braces or are named by their place.
pub(super) fn requests(document: &Value) -> Value {
    let requests = tools().into_iter().map(|tool| {
        let operation = Operation::of(document, &tool);
        let path = tool.path.replace("{id}", "{appointment_id}");
        let mut request = json!({"method": tool.method.to_uppercase(), "path": path});
        for argument in &tool.arguments {
            match operation.place(argument.name).at {
                "path" => {}
                "header" => request["headers"]["If-Match"] = json!("\"{version}\""),
                place => match &mut request[place] {
                    Value::Array(names) => names.push(json!(argument.name)),
                    nothing => *nothing = json!([argument.name]),
                },
            }
        }
        if operation.parameter("Idempotency-Key").is_some() {
            request["headers"]["Idempotency-Key"] = json!("{call_id}");
        }
        (tool.name.to_owned(), request)
    });
    Value::Object(requests.collect())
}

/// A tool's operation in the document.
struct Operation<'a> {
    document: &'a Value,
    operation: &'a Value,
}

/// Where an argument goes.
struct Place {
    at: &'static str,
    schema: Value,
    required: bool,
}

impl<'a> Operation<'a> {
    fn of(document: &'a Value, tool: &Tool) -> Self {
        let operation = &document["paths"][tool.path][tool.method];
        assert!(operation.is_object(), "{} has no operation", tool.name);
        Self { document, operation }
    }

    fn parameter(&self, name: &str) -> Option<&'a Value> {
        let mut parameters = self.operation["parameters"].as_array()?.iter();
        parameters.find(|parameter| parameter["name"] == name)
    }

    fn place(&self, name: &str) -> Place {
        // Words that are clearer in a conversation than the API's own.
        match name {
            "appointment_id" => return self.of_parameter("path", "id"),
            "version" => {
                let version = &self.document["components"]["schemas"]["Appointment"]["properties"]["version"];
                return Place {
                    schema: version.clone(),
                    ..self.of_parameter("header", "If-Match")
                };
            }
            _ => {}
        }
        if self.parameter(name).is_some() {
            return self.of_parameter("query", name);
        }
        let reference = &self.operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let body = reference
            .as_str()
            .and_then(|reference| self.document.pointer(reference.trim_start_matches('#')));
        let body = body.unwrap_or_else(|| panic!("{name} has no place"));
        let required = body["required"].as_array();
        Place {
            at: "body",
            schema: body["properties"][name].clone(),
            required: required.is_some_and(|names| names.iter().any(|known| known == name)),
        }
    }

    fn of_parameter(&self, at: &'static str, name: &str) -> Place {
        let parameter = self
            .parameter(name)
            .unwrap_or_else(|| panic!("there is no {name}"));
        assert_eq!(parameter["in"], at, "{name}");
        Place {
            at,
            schema: parameter["schema"].clone(),
            required: parameter["required"] == true,
        }
    }
}

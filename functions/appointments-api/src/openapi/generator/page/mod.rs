//! The document as one page of HTML: no script, nothing loaded from anywhere.

mod words;

use std::fmt::Write;

use html_escape::{encode_double_quoted_attribute, encode_text};
use serde_json::Value;

use words::{curl, inline, kind, prose, star, word};

/// The page's style sheet, which its policy knows by its hash.
pub(super) const STYLE: &str = include_str!("page.css");

const METHODS: [&str; 4] = ["get", "post", "patch", "delete"];

/// The page of a document.
pub(super) fn page(document: &Value) -> String {
    let mut page = Page {
        document,
        html: String::new(),
    };
    page.whole();
    page.html
}

struct Page<'a> {
    document: &'a Value,
    html: String,
}

/// An operation with its place.
struct Placed<'a> {
    method: &'a str,
    path: &'a str,
    operation: &'a Value,
}

impl<'a> Page<'a> {
    fn put(&mut self, html: &str) {
        self.html.push_str(html);
        self.html.push('\n');
    }

    fn whole(&mut self) {
        let info = &self.document["info"];
        let title = encode_text(word(&info["title"])).into_owned();
        self.put(&format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title} API</title>\n<style>{STYLE}</style>\n</head>\n<body>"
        ));
        let tags: Vec<_> = self.document["tags"].as_array().into_iter().flatten().collect();
        self.index(&tags);
        self.put(&format!(
            "<main>\n<h1>{title} API <small>{}</small></h1>",
            word(&info["version"])
        ));
        self.put(&prose(word(&info["description"])));
        self.put("<p>For programs: <a href=\"openapi.json\">openapi.json</a> (OpenAPI 3.1).</p>");
        for tag in tags {
            let name = word(&tag["name"]);
            self.put(&format!(
                "<h2 id=\"{name}\">{name}</h2>\n{}",
                prose(word(&tag["description"]))
            ));
            for placed in self.operations(name) {
                self.operation(&placed);
            }
        }
        self.put("<h2 id=\"schemas\">Schemas</h2>");
        for (name, schema) in self.document["components"]["schemas"]
            .as_object()
            .into_iter()
            .flatten()
        {
            self.put(&format!("<section id=\"schema-{name}\">\n<h3>{name}</h3>"));
            self.members(schema);
            self.put("</section>");
        }
        self.put("</main>\n</body>\n</html>");
    }

    fn operations(&self, tag: &str) -> Vec<Placed<'a>> {
        let mut found = Vec::new();
        for (path, methods) in self.document["paths"].as_object().into_iter().flatten() {
            for method in METHODS {
                let operation = &methods[method];
                if operation["tags"][0] == tag {
                    found.push(Placed {
                        method,
                        path,
                        operation,
                    });
                }
            }
        }
        found
    }

    fn index(&mut self, tags: &[&Value]) {
        self.put("<nav>");
        for tag in tags {
            let name = word(&tag["name"]);
            self.put(&format!("<h2><a href=\"#{name}\">{name}</a></h2>\n<ul>"));
            for Placed {
                method,
                path,
                operation,
            } in self.operations(name)
            {
                let id = word(&operation["operationId"]);
                self.put(&format!(
                    "<li><a href=\"#{id}\"><b class=\"{method}\">{method}</b> {path}</a></li>"
                ));
            }
            self.put("</ul>");
        }
        self.put("<h2><a href=\"#schemas\">Schemas</a></h2>\n</nav>");
    }

    fn operation(&mut self, placed: &Placed<'a>) {
        let Placed {
            method,
            path,
            operation,
        } = *placed;
        let id = word(&operation["operationId"]);
        self.put(&format!(
            "<section id=\"{id}\">\n<h3>{} <a href=\"#{id}\">#</a></h3>\n\
             <p class=\"request\"><b class=\"{method}\">{method}</b> <code>{path}</code></p>",
            encode_text(word(&operation["summary"]))
        ));
        if let Some(description) = operation["description"].as_str() {
            self.put(&prose(description));
        }
        let scope = operation["security"][0]["bearer"][0].as_str();
        self.put(&match scope {
            Some(scope) => format!("<p>Needs the scope <code>{scope}</code>.</p>"),
            None => "<p>Open to anyone.</p>".to_owned(),
        });
        self.parameters(operation);
        self.body(operation);
        self.put(&format!(
            "<h4>Try it</h4>\n<pre>{}</pre>",
            encode_text(&curl(placed))
        ));
        self.answers(operation);
        self.put("</section>");
    }

    fn parameters(&mut self, operation: &Value) {
        let Some(parameters) = operation["parameters"].as_array() else {
            return;
        };
        self.put(
            "<h4>Parameters</h4>\n<table>\n<tr><th>name</th><th>in</th><th>type</th><th>meaning</th></tr>",
        );
        for parameter in parameters {
            self.put(&format!(
                "<tr><td><code>{}</code>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                word(&parameter["name"]),
                star(parameter["required"] == true),
                word(&parameter["in"]),
                kind(&parameter["schema"]),
                inline(word(&parameter["description"])),
            ));
        }
        self.put("</table>");
    }

    fn body(&mut self, operation: &'a Value) {
        let Some(content) = operation["requestBody"]["content"].as_object() else {
            return;
        };
        let Some(media) = content.values().next() else {
            return;
        };
        let needed = if operation["requestBody"]["required"] == true {
            ""
        } else {
            ", may be left out"
        };
        let types: Vec<_> = content
            .keys()
            .map(|name| format!("<code>{name}</code>"))
            .collect();
        self.put(&format!(
            "<h4>Body</h4>\n<p>{}{needed}; {}.</p>",
            kind(&media["schema"]),
            types.join(" or ")
        ));
        if let Some(schema) = self.resolved(&media["schema"]) {
            self.members(schema);
        }
        for example in media["examples"]
            .as_object()
            .into_iter()
            .flat_map(|examples| examples.values())
        {
            self.example(word(&example["summary"]), &example["value"]);
        }
    }

    fn members(&mut self, schema: &Value) {
        let Some(properties) = schema["properties"].as_object() else {
            return;
        };
        let required = |name: &str| {
            schema["required"]
                .as_array()
                .is_some_and(|names| names.iter().any(|known| known == name))
        };
        let rows: Vec<_> = properties
            .iter()
            .map(|(name, schema)| {
                let (star, kind) = (star(required(name)), kind(schema));
                let meaning = inline(word(&schema["description"]));
                format!("<tr><td><code>{name}</code>{star}</td><td>{kind}</td><td>{meaning}</td></tr>")
            })
            .collect();
        self.put("<table>\n<tr><th>member</th><th>type</th><th>meaning</th></tr>");
        self.put(&rows.join("\n"));
        self.put("</table>");
    }

    fn answers(&mut self, operation: &'a Value) {
        self.put(
            "<h4>Answers</h4>\n<table>\n<tr><th>status</th><th>body</th><th>meaning and headers</th></tr>",
        );
        let mut example = None;
        for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
            let answer = self.resolved(answer).unwrap_or(answer);
            let media = answer["content"]
                .as_object()
                .and_then(|content| content.values().next());
            let body = media.map(|media| kind(&media["schema"])).unwrap_or_default();
            let names = answer["headers"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| format!("<code>{name}</code>"));
            let names: Vec<_> = names.filter(|name| name != "<code>x-request-id</code>").collect();
            let mut row = format!(
                "<tr><td>{status}</td><td>{body}</td><td>{}",
                prose(word(&answer["description"]))
            );
            if !names.is_empty() {
                // Writing to a text never fails.
                let _ = write!(row, "<p>{}</p>", names.join(", "));
            }
            self.put(&format!("{row}</td></tr>"));
            if status.starts_with('2') {
                example = media.and_then(|media| media.get("example"));
            }
        }
        self.put("</table>");
        if let Some(example) = example {
            self.example("An answer", example);
        }
    }

    fn example(&mut self, title: &str, value: &Value) {
        self.put(&format!(
            "<details><summary>{}</summary><pre>{}</pre></details>",
            encode_text(title),
            encode_text(&format!("{value:#}"))
        ));
    }

    fn resolved(&self, value: &'a Value) -> Option<&'a Value> {
        match value["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.strip_prefix('#')?),
            None => Some(value),
        }
    }
}

/// The policy of the page: its style sheet, and nothing else.
pub(super) fn policy(hash: &str) -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        encode_double_quoted_attribute(hash)
    )
}

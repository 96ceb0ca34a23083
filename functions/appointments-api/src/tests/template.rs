//! What the deployment gives this function, against what it reads.

use std::cell::RefCell;
use std::collections::BTreeSet;

use local::template::Template;
use shared::settings::Environment;

use crate::app::App;

/// Beside these, Google's address is for tests, and the AWS SDK and the runtime read their own.
#[test]
fn the_template_gives_the_settings_that_are_read() {
    let examples = local::template::example_settings("AppointmentsApi").unwrap();
    let read = RefCell::new(BTreeSet::new());
    let environment = Environment::by(|name| {
        read.borrow_mut().insert(name.to_owned());
        let example = examples.iter().find(|(known, _)| known == name);
        example.map(|(_, value)| value.clone())
    });
    let app = App::from(&environment).unwrap();
    assert!(app.webhook_secrets.is_ok());
    drop(environment);
    let mut read = read.into_inner();
    read.remove("GOOGLE_CALENDAR_API_URL");
    let read: Vec<String> = read.into_iter().collect();
    assert_eq!(read, Template::transformed().unwrap().settings("AppointmentsApi"));
    let mut examples: Vec<String> = examples.into_iter().map(|(name, _)| name).collect();
    examples.sort();
    assert_eq!(read, examples, "events/env.example.json");
}

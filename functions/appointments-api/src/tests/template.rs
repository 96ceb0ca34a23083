//! What the deployment gives this function, against what it reads.

use local::template::{Template, settings_read};
use shared::settings::Environment;

use crate::app::App;

#[test]
fn the_template_gives_the_settings_that_are_read() {
    let (read, examples) = settings_read("AppointmentsApi", |lookup| {
        let app = App::from(&Environment::by(lookup)).unwrap();
        assert!(app.webhook_secrets.is_ok());
    })
    .unwrap();
    assert_eq!(read, Template::transformed().unwrap().settings("AppointmentsApi"));
    assert_eq!(read, examples, "events/env.example.json");
}

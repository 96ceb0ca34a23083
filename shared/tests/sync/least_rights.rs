//! The functions' role of `deploy/app-role.sql` can do all that they do, and cannot change a table.

use serde_json::json;
use shared::database::{Database, DatabaseUrl};
use shared::sync::status;
use uuid::Uuid;

use crate::clinic::{CALENDAR, Clinic, soon};

const SCRIPT: &str = include_str!("../../../deploy/app-role.sql");

/// A clinic whose processes connect as the script's role, under a name of this test's own: roles belong to the whole server.
async fn clinic() -> Clinic {
    let role = format!("app_{}", Uuid::new_v4().simple());
    let mut clinic = Clinic::open().await;
    let script = SCRIPT
        .replace("clinic_app", &role)
        .replace(":'password'", "'s3cret'");
    // Neon's owner may make roles; that of the tests may not.
    let owner_s = script.find("grant").unwrap();
    let owner_s_end = script.rfind("-- The same limits").unwrap();
    let server = std::env::var("TEST_DATABASE_URL").expect("`make test` sets it");
    let superuser = Database::new(DatabaseUrl::parse(&server).unwrap());
    for statements in [&script[..owner_s], &script[owner_s_end..]] {
        let run = superuser.read(soon(), async |client| client.batch_execute(statements).await);
        run.await.unwrap();
    }
    clinic.sql(&script[owner_s..owner_s_end]).await;
    let url = clinic
        .database_url()
        .replacen("//clinic@", &format!("//{role}:s3cret@"), 1);
    clinic.db = Database::new(DatabaseUrl::parse(&url).unwrap());
    clinic
}

#[tokio::test]
async fn the_functions_role_syncs_and_changes_no_table() {
    let clinic = clinic().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.tick().await;
    clinic.edit(
        clinic.only_event()["id"].as_str().unwrap(),
        &json!({"location": "Room 2"}),
    );
    clinic.tick().await;
    assert_eq!(
        clinic.read(appointment.id).await.location.as_deref(),
        Some("Room 2")
    );
    clinic
        .patch(appointment.id, json!({"notes": "bring the x-ray"}))
        .await;
    clinic
        .reschedule(appointment.id, "2027-03-01T10:00:00+05:00")
        .await;
    clinic.tick().await;
    clinic.cancel(appointment.id).await;
    clinic.tick().await;
    assert!(clinic.live_events().is_empty());
    let calendars = [CALENDAR.to_owned()];
    let signs = clinic
        .db
        .read(soon(), async |client| {
            status::vital_signs(client, &calendars).await
        })
        .await
        .unwrap();
    assert_eq!((signs.pending, signs.parked, signs.channel_life), (0, 0, None));

    for forbidden in [
        "drop table appointments",
        "alter table appointments add column odd text",
        "create table odd (n int)",
        "truncate appointments",
    ] {
        let refused = clinic
            .db
            .read(soon(), async |client| client.batch_execute(forbidden).await)
            .await;
        assert!(refused.is_err(), "{forbidden}");
    }
}

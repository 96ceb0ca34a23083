//! Access tokens: asked for once, shared, renewed when refused; and service accounts that are no good.

use std::time::Duration;

use local::google::Fault;
use serde_json::{Value, json};
use shared::deadline::Deadline;
use shared::google::{ApiUrl, Client, CredentialFault, Error, Outcome};

use super::{CALENDAR, ample, client, start};

#[tokio::test]
async fn calls_at_the_same_time_share_one_token() {
    let (google, client) = start().await;
    let call = || client.get_calendar(CALENDAR, ample());
    let (one, two, three) = tokio::join!(call(), call(), call());
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!((google.count("token"), google.count("calendars.get")), (1, 3));
}

#[tokio::test]
async fn a_token_that_lapsed_or_was_revoked_is_replaced_once() {
    let (google, client) = start().await;
    client.get_calendar(CALENDAR, ample()).await.unwrap();
    google.revoke_tokens();
    client.get_calendar(CALENDAR, ample()).await.unwrap();
    assert_eq!((google.count("token"), google.count("calendars.get")), (2, 3));
    google.advance(Duration::from_hours(2));
    client.get_calendar(CALENDAR, ample()).await.unwrap();
    assert_eq!((google.count("token"), google.count("calendars.get")), (3, 5));
}

#[tokio::test]
async fn an_api_that_refuses_fresh_tokens_too_is_not_asked_for_ever() {
    let (google, client) = start().await;
    google.fail(Fault::on("calendars.get").refuse(401, "authError"));
    let refused = client.get_calendar(CALENDAR, ample()).await;
    assert!(matches!(
        refused,
        Err(Error::CredentialsInvalid(CredentialFault::NotAccepted(reason))) if reason.as_str() == "authError"
    ));
    assert_eq!((google.count("token"), google.count("calendars.get")), (2, 2));
}

#[tokio::test]
async fn an_account_that_google_does_not_know_is_refused_at_once() {
    let (google, _) = start().await;
    let mut account: Value = serde_json::from_str(&google.service_account_json()).unwrap();
    account["client_email"] = json!("stranger@clinic.example.com");
    let client = client(&google, &account.to_string());
    let refused = client.get_calendar(CALENDAR, ample()).await;
    assert!(matches!(
        refused,
        Err(Error::CredentialsInvalid(CredentialFault::Refused(reason))) if reason.as_str() == "invalid_grant"
    ));
    assert_eq!((google.count("token"), google.count("calendars.get")), (1, 0));
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_is_no_fault_of_the_account() {
    let (google, client) = start().await;
    google.fail(Fault::on("token").times(1));
    assert!(client.get_calendar(CALENDAR, ample()).await.is_ok());

    google.revoke_tokens();
    google.fail(Fault::on("token"));
    let outcome = Outcome::NotApplied;
    let refused = client
        .get_calendar(CALENDAR, Deadline::after(Duration::from_secs(1)))
        .await;
    assert_eq!(refused, Err(Error::Unreachable { outcome }));
}

#[tokio::test]
async fn without_an_account_nothing_is_asked() {
    let (google, _) = start().await;
    let client = Client::new(ApiUrl::parse(&google.base_url()).unwrap(), None);
    let refused = client.get_calendar(CALENDAR, ample()).await;
    assert_eq!(refused, Err(Error::CredentialsMissing));
    assert!(google.requests().is_empty());
}

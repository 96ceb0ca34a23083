//! `POST /calendar/webhook`: one HMAC, one statement, one message on the bus.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use lambda_http::{Body, Context, Request};
use shared::bus::{Bus, Message};
use shared::database::Database;
use shared::deadline::Deadline;
use shared::problem::Problem;
use shared::settings::{Environment, Rotating, SettingError};
use shared::telemetry::metrics;
use shared::watch::Secrets;
use shared::watch::notification::{NotVerified, Notification};
use shared::watch::queries::{Noted, note};
use tracing::Instrument;

/// Google waits for some seconds; when the database is not there in time, it tries again.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// One process's means.
pub(crate) struct Webhook {
    db: Database,
    bus: Bus,
    secrets: Rotating<Secrets>,
}

impl Webhook {
    /// Reads the settings; nothing is connected to yet.
    pub(crate) fn from(environment: &Environment<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            db: Database::new(environment.database()?),
            bus: Bus::new(environment.bus()),
            secrets: environment.webhook_secrets()?,
        })
    }

    /// Opens the database and makes the bus's client ahead of the first notification.
    pub(crate) async fn connect(&self) {
        self.bus.prepare();
        // The notification that needs the database tries again, and so does Google.
        let _ = self.db.connect(Deadline::after(ANSWER_WITHIN)).await;
    }

    /// Answers one request.
    pub(crate) async fn handle(&self, request: &Request) -> Response<Body> {
        let id = request
            .extensions()
            .get::<Context>()
            .map(|context| context.request_id.as_str());
        let span = tracing::info_span!("request", request.id = id);
        let mut response = self.answer(request).instrument(span).await;
        let headers = response.headers_mut();
        shared::headers::guard(headers);
        if let Some(id) = id.and_then(|id| HeaderValue::from_str(id).ok()) {
            headers.insert("x-request-id", id);
        }
        metrics::flush();
        response
    }

    async fn answer(&self, request: &Request) -> Response<Body> {
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/calendar/webhook") => self.notified(request).await,
            (&Method::GET | &Method::HEAD, "/robots.txt") => robots(),
            (_, "/calendar/webhook") => {
                let detail = "This path takes POST only.";
                let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
                let mut response = problem.into_response();
                response
                    .headers_mut()
                    .insert(header::ALLOW, HeaderValue::from_static("POST"));
                response
            }
            _ => Problem::not_found("path").into_response(),
        }
    }

    async fn notified(&self, request: &Request) -> Response<Body> {
        let deadline = Deadline::after(ANSWER_WITHIN);
        let notification = match self.verify(request.headers(), deadline).await {
            Ok(notification) => notification,
            Err(NotVerified::Malformed) => {
                metrics::NOTIFICATIONS_REFUSED.add("malformed", 1);
                let detail = "The headers of a notification by Google are missing.";
                return Problem::new(StatusCode::BAD_REQUEST, "not_a_notification", detail).into_response();
            }
            Err(NotVerified::Forged) => {
                metrics::NOTIFICATIONS_REFUSED.add("forged", 1);
                tracing::warn!("a notification without a good token was refused");
                let detail = "The channel token is not good.";
                return Problem::new(StatusCode::FORBIDDEN, "bad_channel_token", detail).into_response();
            }
        };
        metrics::NOTIFICATIONS_VERIFIED.one();
        let noted = self
            .db
            .read(deadline, async |client| note(client, &notification).await)
            .await;
        match noted {
            Ok(Noted::Changed { calendar_id }) => {
                let changed = Message::CalendarChanged {
                    calendar_id,
                    channel_id: notification.channel_id,
                    message_number: notification.message_number,
                };
                self.bus.publish(&[changed]).await;
            }
            Ok(Noted::Nothing) => {}
            Ok(Noted::Orphan) => {
                tracing::warn!(
                    channel.id = notification.channel_id,
                    "a channel that is not ours any more will be stopped"
                );
            }
            Err(error) => {
                // Not recorded: Google's next try may find the database there.
                tracing::error!(%error, "a notification could not be recorded");
                return Problem::internal().into_response();
            }
        }
        Response::new(Body::Empty)
    }

    async fn verify(&self, headers: &HeaderMap, deadline: Deadline) -> Result<Notification, NotVerified> {
        let secrets = self.secrets.fresh(deadline).await;
        match Notification::verify(headers, &secrets) {
            // The secret may have been replaced.
            Err(NotVerified::Forged) => match self.secrets.instead_of(&secrets, deadline).await {
                Some(newer) => Notification::verify(headers, &newer),
                None => Err(NotVerified::Forged),
            },
            verified => verified,
        }
    }
}

/// Google's fetcher asks first whether it may.
fn robots() -> Response<Body> {
    let mut response = Response::new(Body::from("User-agent: *\nAllow: /calendar/webhook\n"));
    // A function URL takes an answer without a type for JSON.
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

#[cfg(test)]
mod tests {
    use local::template::{Template, settings_read};

    use super::*;

    #[test]
    fn the_template_gives_the_settings_that_are_read() {
        let (read, examples) = settings_read("CalendarWebhook", |lookup| {
            Webhook::from(&Environment::by(lookup)).unwrap();
        })
        .unwrap();
        assert_eq!(read, Template::transformed().unwrap().settings("CalendarWebhook"));
        assert_eq!(read, examples, "events/env.example.json");
    }
}

//! A page for people: each calendar's coming events, with the buttons that Google Calendar would have.

use axum::Router;
use axum::response::Html;
use axum::routing::get;

pub(super) fn routes() -> Router {
    Router::new().route("/", get(async || Html(include_str!("page.html"))))
}

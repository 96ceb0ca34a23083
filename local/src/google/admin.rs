//! The handle over HTTP.

use axum::Router;

use super::stand_in::StandIn;

pub(super) fn routes(stand_in: StandIn) -> Router {
    Router::new().with_state(stand_in)
}

//! Sending notifications to the addresses of channels.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::channels::Notice;
use super::inner::Inner;

/// How long a receiver may take.
const TIME_OUT: Duration = Duration::from_secs(30);
/// Google goes on for hours; a local run is over by then.
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// What becomes of notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Each is sent once.
    #[default]
    Deliver,
    /// None is sent.
    Drop,
    /// Each is sent twice.
    Double,
    /// Each is held back until it is released.
    Delay,
}

/// Takes notices and sends them in tasks of their own.
pub(super) struct Courier {
    client: reqwest::Client,
    runtime: tokio::runtime::Handle,
    mode: Mutex<Delivery>,
    held: Mutex<Vec<Notice>>,
}

impl Courier {
    pub(super) fn new(runtime: tokio::runtime::Handle) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(TIME_OUT)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)")
            .build()?;
        Ok(Self {
            client,
            runtime,
            mode: Mutex::default(),
            held: Mutex::default(),
        })
    }

    pub(super) fn set_mode(&self, mode: Delivery) {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    /// Sends notices as the mode says.
    pub(super) fn take(&self, inner: &Arc<Inner>, notices: Vec<Notice>) {
        let mode = *self.mode.lock().unwrap_or_else(PoisonError::into_inner);
        for notice in notices {
            match mode {
                Delivery::Deliver => self.send(inner, notice),
                Delivery::Drop => {}
                Delivery::Double => {
                    self.send(inner, notice.clone());
                    self.send(inner, notice);
                }
                Delivery::Delay => self
                    .held
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(notice),
            }
        }
    }

    /// Sends what was held back.
    pub(super) fn release(&self, inner: &Arc<Inner>) {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        for notice in held {
            self.send(inner, notice);
        }
    }

    fn send(&self, inner: &Arc<Inner>, notice: Notice) {
        self.runtime
            .spawn(deliver(self.client.clone(), Arc::downgrade(inner), notice));
    }
}

/// Tries until the receiver takes the message, refuses it for good, or the channel is dead.
async fn deliver(client: reqwest::Client, inner: Weak<Inner>, notice: Notice) {
    let mut pause = FIRST_PAUSE;
    for _ in 0..ATTEMPTS {
        let live = inner
            .upgrade()
            .is_some_and(|inner| inner.read(|world| world.is_live(&notice.channel.id)));
        if !live {
            return;
        }
        match post(&client, &notice).await {
            Ok(status) if status.is_success() || status == StatusCode::PROCESSING => return,
            Ok(
                StatusCode::INTERNAL_SERVER_ERROR
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT,
            ) => {}
            Ok(status) => {
                tracing::warn!(channel.id = notice.channel.id, %status, "notification refused for good");
                return;
            }
            Err(error) => {
                tracing::warn!(channel.id = notice.channel.id, %error, "notification not delivered");
                return;
            }
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

async fn post(client: &reqwest::Client, notice: &Notice) -> Result<StatusCode, reqwest::Error> {
    let channel = &notice.channel;
    let mut request = client
        .post(&channel.address)
        .header("Accept", "*/*")
        .header("Content-Length", "0")
        .header("X-Goog-Channel-ID", &channel.id)
        .header(
            "X-Goog-Channel-Expiration",
            notice.expires_at.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        )
        .header("X-Goog-Resource-State", notice.state)
        .header("X-Goog-Message-Number", channel.message_number)
        .header("X-Goog-Resource-ID", &channel.resource_id)
        .header("X-Goog-Resource-URI", &channel.resource_uri);
    if let Some(token) = &channel.token {
        request = request.header("X-Goog-Channel-Token", token);
    }
    Ok(request.send().await?.status())
}

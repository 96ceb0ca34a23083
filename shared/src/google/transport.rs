//! One call, sent as often as it takes: tokens, time-outs and repetitions, the same for every operation.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, Url, header};
use tokio::sync::OnceCell;

use super::error::{CredentialFault, Error, Outcome, Reason, Refusal, Transient};
use super::service_account::ServiceAccount;
use super::token::{NoToken, Token, Tokens};
use super::verdict::{Doubt, Subject, Verdict, judge};
use crate::backoff::Backoff;
use crate::deadline::Deadline;
use crate::settings::Rotating;
use crate::telemetry::metrics::GOOGLE_CALLS;
use crate::web;

/// How often one call is sent at most.
const TRIES: u32 = 4;

/// Between two tries, unless Google names a pause of its own.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(250),
    most: Duration::from_secs(4),
};

/// For one try, answer included; a page of 2500 events takes Google a few seconds.
const TRY_LIMIT: Duration = Duration::from_secs(15);

/// With less time than this left a try is not begun: it would only become a write whose outcome nobody learns.
const TOO_LATE: Duration = Duration::from_millis(50);

/// A call, ready to be sent.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// For the log.
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) if_match: Option<&'a str>,
    /// JSON.
    pub(super) body: Option<Bytes>,
    pub(super) subject: Subject,
    pub(super) effect: Effect,
}

/// What sending a call twice does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing: it only reads.
    Read,
    /// Nothing worse than an answer that shows the first time to have worked: the write bears a chosen id or `If-Match`,
    /// or leads to the same state.
    Write,
    /// A second effect: after a lost answer it is left to the caller.
    WriteOnce,
}

/// Why a call failed.
#[derive(Debug)]
pub(super) enum Failed {
    With(Error),
    /// The event is meant, or the whole calendar. An earlier try may have taken effect.
    EventOrCalendar(Doubt, Outcome),
}

/// How one try ended.
enum Try {
    Answered(Bytes),
    TokenRefused(Token, Reason),
    Passing(Trouble),
    EventOrCalendar(Doubt),
    Failed(Error),
}

impl Try {
    /// What the metric calls it.
    fn class(&self) -> &'static str {
        match self {
            Self::Answered(_) => "success",
            Self::TokenRefused(..) => "token_refused",
            Self::Passing(trouble) => trouble.cause.map_or("no_answer", Transient::class),
            Self::EventOrCalendar(Doubt::Missing) => "not_found",
            Self::EventOrCalendar(Doubt::Forbidden) => "forbidden",
            Self::Failed(error) => error.class(),
        }
    }
}

/// A try that failed but may succeed when repeated.
struct Trouble {
    /// What Google said; `None` if nothing was heard.
    cause: Option<Transient>,
    pause: Option<Duration>,
    outcome: Outcome,
}

impl Trouble {
    fn unheard(outcome: Outcome) -> Self {
        Self {
            cause: None,
            pause: None,
            outcome,
        }
    }

    /// The error when there is no other try, `outcome` being that of all tries together.
    fn into_error(self, outcome: Outcome) -> Error {
        match (self.pause, self.cause) {
            (Some(after), cause) => Error::RetryAfter {
                cause,
                after,
                outcome,
            },
            (None, Some(cause)) => Error::Retry { cause, outcome },
            (None, None) => Error::Unreachable { outcome },
        }
    }
}

/// The way to Google.
#[derive(Debug)]
pub(super) struct Transport {
    /// Built at the first call: a start may never make one.
    http: OnceCell<reqwest::Client>,
    /// As whom.
    account: Rotating<Option<ServiceAccount>>,
    tokens: Tokens,
    /// Tries that nobody has counted yet.
    uncounted: AtomicU32,
}

impl Transport {
    pub(super) fn new(account: Rotating<Option<ServiceAccount>>) -> Self {
        Self {
            http: OnceCell::new(),
            account,
            tokens: Tokens::default(),
            uncounted: AtomicU32::new(0),
        }
    }

    /// Notes a try beyond the one that whoever calls reckons with.
    pub(super) fn count(&self) {
        self.add_uncounted(1);
    }

    pub(super) fn add_uncounted(&self, calls: u32) {
        self.uncounted.fetch_add(calls, Ordering::Relaxed);
    }

    pub(super) fn take_uncounted(&self) -> u32 {
        self.uncounted.swap(0, Ordering::Relaxed)
    }

    /// Sends `call` until it is answered, it is no use, or the deadline does not allow another try.
    pub(super) async fn send(&self, call: &Call<'_>, deadline: Deadline) -> Result<Bytes, Failed> {
        let account = self.account.current();
        match self.send_as(account.as_ref().as_ref(), call, deadline).await {
            // The key may have been replaced. Nothing was done with the one that is refused.
            Err(Failed::With(refused @ (Error::CredentialsMissing | Error::CredentialsInvalid(_)))) => {
                match self.account.instead_of(&account, deadline).await {
                    Some(newer) => self.send_as(newer.as_ref().as_ref(), call, deadline).await,
                    None => Err(Failed::With(refused)),
                }
            }
            sent => sent,
        }
    }

    async fn send_as(
        &self,
        account: Option<&ServiceAccount>,
        call: &Call<'_>,
        deadline: Deadline,
    ) -> Result<Bytes, Failed> {
        let Some(account) = account else {
            return Err(Failed::With(Error::CredentialsMissing));
        };
        let mut outcome = Outcome::NotApplied;
        let mut refused_token = None;
        let mut failures = 0;
        loop {
            let tried = self
                .try_once(account, call, refused_token.as_ref(), deadline)
                .await;
            GOOGLE_CALLS.add(tried.class(), 1);
            let trouble = match tried {
                Try::Answered(body) => return Ok(body),
                Try::TokenRefused(token, _) if refused_token.is_none() => {
                    refused_token = Some(token);
                    self.count();
                    continue;
                }
                Try::TokenRefused(_, reason) => {
                    let fault = CredentialFault::NotAccepted(reason);
                    return Err(Failed::With(Error::CredentialsInvalid(fault).after(outcome)));
                }
                Try::EventOrCalendar(doubt) => return Err(Failed::EventOrCalendar(doubt, outcome)),
                Try::Failed(error) => return Err(Failed::With(error.after(outcome))),
                Try::Passing(trouble) => trouble,
            };
            failures += 1;
            if call.effect != Effect::Read && trouble.outcome == Outcome::Unknown {
                outcome = Outcome::Unknown;
            }
            let pause = trouble.pause.unwrap_or_default() + BACKOFF.pause(failures);
            let must_not_repeat = call.effect == Effect::WriteOnce && outcome == Outcome::Unknown;
            if must_not_repeat || failures == TRIES || !deadline.allows(pause + TOO_LATE) {
                return Err(Failed::With(trouble.into_error(outcome)));
            }
            tracing::info!(
                google.operation = call.operation,
                google.trouble = trouble.cause.map(tracing::field::display),
                retry.failures = failures,
                retry.pause_ms = pause.as_millis(),
                "call to Google failed and will be repeated"
            );
            tokio::time::sleep(pause).await;
            self.count();
        }
    }

    async fn try_once(
        &self,
        account: &ServiceAccount,
        call: &Call<'_>,
        refused: Option<&Token>,
        deadline: Deadline,
    ) -> Try {
        if !deadline.allows(TOO_LATE) {
            return Try::Passing(Trouble::unheard(Outcome::NotApplied));
        }
        // Building fails only where TLS cannot be set up at all.
        let Ok(http) = self.http.get_or_try_init(async || web::client()).await else {
            return Try::Passing(Trouble::unheard(Outcome::NotApplied));
        };
        let token = match self.tokens.get(http, account, refused, deadline).await {
            Ok(token) => token,
            Err(NoToken::Invalid(fault)) => {
                return Try::Failed(Error::CredentialsInvalid(fault));
            }
            Err(NoToken::Unreachable { pause }) => {
                return Try::Passing(Trouble {
                    pause,
                    ..Trouble::unheard(Outcome::NotApplied)
                });
            }
        };
        if !deadline.allows(TOO_LATE) {
            return Try::Passing(Trouble::unheard(Outcome::NotApplied));
        }
        let exchange = exchange(http, call, &token);
        match deadline.at_most(TRY_LIMIT).bound(exchange).await {
            Ok(Ok(Answer::Success(body))) => Try::Answered(body),
            Ok(Ok(Answer::Judged(verdict))) => weigh(verdict, token),
            Ok(Err(error)) if error.is_builder() => Try::Failed(unsendable()),
            Ok(Err(error)) if error.is_connect() => Try::Passing(Trouble::unheard(Outcome::NotApplied)),
            Ok(Err(_)) | Err(_) => Try::Passing(Trouble::unheard(Outcome::Unknown)),
        }
    }
}

/// What came over the wire.
enum Answer {
    Success(Bytes),
    Judged(Verdict),
}

async fn exchange(http: &reqwest::Client, call: &Call<'_>, token: &Token) -> reqwest::Result<Answer> {
    let mut request = http
        .request(call.method.clone(), call.url.clone())
        .bearer_auth(token.expose());
    if let Some(etag) = call.if_match {
        request = request.header(header::IF_MATCH, etag);
    }
    if let Some(body) = &call.body {
        request = request
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.clone());
    }
    let answer = request.send().await?;
    let status = answer.status();
    let headers = answer.headers().clone();
    let body = answer.bytes().await;
    if status.is_success() {
        return Ok(Answer::Success(body?));
    }
    // The status says most of it: a body that broke off is as good as one without an envelope.
    let body = body.unwrap_or_default();
    Ok(Answer::Judged(judge(status, &headers, &body, call.subject)))
}

fn weigh(verdict: Verdict, token: Token) -> Try {
    match verdict {
        Verdict::TokenRefused(reason) => Try::TokenRefused(token, reason),
        Verdict::Passing {
            cause,
            pause,
            outcome,
        } => Try::Passing(Trouble {
            cause: Some(cause),
            pause,
            outcome,
        }),
        Verdict::EventOrCalendar(doubt) => Try::EventOrCalendar(doubt),
        Verdict::Final(error) => Try::Failed(error),
    }
}

/// A request that HTTP cannot carry, such as an etag with a line break: our own fault, and for good.
fn unsendable() -> Error {
    Error::Refused(Refusal {
        status: 400,
        reason: Reason::parse(Some("malformedRequest")),
    })
}

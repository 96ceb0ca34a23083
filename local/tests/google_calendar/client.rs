//! A small client of the Calendar API, written without the project's own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use local::google::{DEFAULT_CALENDAR, StandIn};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use reqwest::Method;
use serde_json::{Value, json};

/// A status and the JSON that came with it (`null` without a body).
pub(crate) type Answer = (u16, Value);

#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base_url: String,
    pub(crate) token: String,
}

/// A stand-in, and a client that has a token for it.
pub(crate) async fn start() -> (StandIn, Client) {
    let google = StandIn::start().await.unwrap();
    let client = Client::connect(&google).await;
    (google, client)
}

/// The body of an event of half an hour.
pub(crate) fn half_hour(title: &str, start: &str) -> Value {
    let start: chrono::DateTime<chrono::FixedOffset> = start.parse().unwrap();
    let end = start + chrono::TimeDelta::minutes(30);
    json!({
        "summary": title,
        "start": {"dateTime": start.to_rfc3339(), "timeZone": "Asia/Karachi"},
        "end": {"dateTime": end.to_rfc3339(), "timeZone": "Asia/Karachi"},
    })
}

/// Google's code for why it refused.
pub(crate) fn reason(answer: &Answer) -> (u16, &str) {
    (
        answer.0,
        answer.1["error"]["errors"][0]["reason"]
            .as_str()
            .unwrap_or_default(),
    )
}

impl Client {
    pub(crate) async fn connect(google: &StandIn) -> Self {
        let http = reqwest::Client::new();
        let form = token_request(&google.service_account_json());
        let (status, body) = post_form(&http, &google.token_uri(), form).await;
        assert_eq!(status, 200, "{body}");
        let token = body["access_token"].as_str().unwrap().to_owned();
        Self {
            http,
            base_url: google.base_url(),
            token,
        }
    }

    /// A request below the default calendar's events: `""`, `"/id"`, `"?q=x"`.
    pub(crate) async fn events(&self, method: Method, rest: &str, body: Option<Value>) -> Answer {
        self.call(
            method,
            &format!("/calendars/{DEFAULT_CALENDAR}/events{rest}"),
            body,
            None,
        )
        .await
        .unwrap()
    }

    pub(crate) async fn insert(&self, body: Value) -> Answer {
        self.events(Method::POST, "", Some(body)).await
    }

    pub(crate) async fn get(&self, id: &str) -> Answer {
        self.events(Method::GET, &format!("/{id}"), None).await
    }

    pub(crate) async fn list(&self, query: &str) -> Answer {
        self.events(Method::GET, &format!("?{query}"), None).await
    }

    pub(crate) async fn patch(&self, id: &str, if_match: Option<&str>, body: Value) -> Answer {
        let path = format!("/calendars/{DEFAULT_CALENDAR}/events/{id}");
        self.call(Method::PATCH, &path, Some(body), if_match)
            .await
            .unwrap()
    }

    pub(crate) async fn delete(&self, id: &str, if_match: Option<&str>) -> Answer {
        let path = format!("/calendars/{DEFAULT_CALENDAR}/events/{id}");
        self.call(Method::DELETE, &path, None, if_match).await.unwrap()
    }

    /// Any call; an error is a connection that broke.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        if_match: Option<&str>,
    ) -> reqwest::Result<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.base_url));
        request = request.bearer_auth(&self.token);
        if let Some(etag) = if_match {
            request = request.header("If-Match", etag);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    /// Lists to the last page; the events, and the sync token at the end.
    pub(crate) async fn list_all(&self, query: &str) -> (Vec<Value>, Option<String>) {
        self.list_from(query, String::new()).await
    }

    /// The same, from a page on: `page` is empty or `&pageToken=...`.
    pub(crate) async fn list_from(&self, query: &str, mut page: String) -> (Vec<Value>, Option<String>) {
        let mut events = Vec::new();
        loop {
            let (status, body) = self.list(&format!("{query}{page}")).await;
            assert_eq!(status, 200, "{body}");
            events.extend(body["items"].as_array().unwrap().iter().cloned());
            match body["nextPageToken"].as_str() {
                Some(token) => page = format!("&pageToken={token}"),
                None => return (events, body["nextSyncToken"].as_str().map(str::to_owned)),
            }
        }
    }
}

/// The form that asks for a token, signed with the account's key.
pub(crate) fn token_request(service_account: &str) -> String {
    let account: Value = serde_json::from_str(service_account).unwrap();
    let now = chrono::Utc::now().timestamp();
    let claims = json!({
        "iss": account["client_email"], "aud": account["token_uri"], "iat": now, "exp": now + 3600,
        "scope": "https://www.googleapis.com/auth/calendar",
    });
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(json!({"alg": "RS256", "typ": "JWT"})), part(claims));
    let key = PKey::private_key_from_pem(account["private_key"].as_str().unwrap().as_bytes()).unwrap();
    let mut pen = Signer::new(MessageDigest::sha256(), &key).unwrap();
    let signature = URL_SAFE_NO_PAD.encode(pen.sign_oneshot_to_vec(signed.as_bytes()).unwrap());
    form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", &format!("{signed}.{signature}"))
        .finish()
}

pub(crate) async fn post_form(http: &reqwest::Client, url: &str, form: String) -> Answer {
    let request = http
        .post(url)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form);
    let response = request.send().await.unwrap();
    (
        response.status().as_u16(),
        serde_json::from_str(&response.text().await.unwrap()).unwrap(),
    )
}

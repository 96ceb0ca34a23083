//! The handle on a running stand-in.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::account::Account;
use super::delivery::{Courier, Delivery};
use super::event::Tombstones;
use super::faults::{Fault, Outage};
use super::inner::Inner;
use super::options::{Options, StartError};
use super::person::Person;
use super::records::RequestRecord;
use super::refusal::Refusal;
use super::server::Server;
use super::store::Store;
use super::world::{Access, Calendar, ListingManners, World};

/// The calendar of a stand-in that is told of none.
pub const DEFAULT_CALENDAR: &str = "clinic@example.com";
const DEFAULT_ZONE: Tz = chrono_tz::Asia::Karachi;

/// A running stand-in for Google Calendar. Clones are handles on the same one; it ends with the last of them.
#[derive(Clone)]
pub struct StandIn {
    pub(super) inner: Arc<Inner>,
    /// None in the server's own handles, which must not keep it alive.
    _server: Option<Arc<Server>>,
}

impl StandIn {
    /// Starts one for a test: any free port, nothing kept, [`DEFAULT_CALENDAR`] in Asia/Karachi.
    pub async fn start() -> Result<Self, StartError> {
        // Making a key takes up to a second; one for all the tests of a process will do.
        static ACCOUNT: OnceLock<Account> = OnceLock::new();
        let account = if let Some(account) = ACCOUNT.get() {
            account.clone()
        } else {
            let fresh = Account::generate()?;
            ACCOUNT.get_or_init(|| fresh).clone()
        };
        Self::run(Options::default(), World::new(account), None).await
    }

    /// Starts one with these options.
    pub async fn open(options: Options) -> Result<Self, StartError> {
        let store = options.state_file.as_deref().map(Store::new);
        let loaded = store
            .as_ref()
            .map(Store::load)
            .transpose()
            .map_err(|source| StartError::State {
                path: options.state_file.clone().unwrap_or_default(),
                source,
            })?;
        let world = match loaded.flatten() {
            Some(world) => world,
            None => World::new(Account::generate()?),
        };
        Self::run(options, world, store).await
    }

    async fn run(options: Options, mut world: World, store: Option<Store>) -> Result<Self, StartError> {
        let failed = |source| StartError::Listen {
            port: options.port,
            source,
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
            .await
            .map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        for (id, zone) in &options.calendars {
            world.add_calendar(id, *zone);
        }
        if world.calendars.is_empty() {
            world.add_calendar(DEFAULT_CALENDAR, DEFAULT_ZONE);
        }
        let courier = Courier::new(tokio::runtime::Handle::current())?;
        let inner = Arc::new(Inner::new(
            world,
            courier,
            store,
            format!("http://127.0.0.1:{port}"),
        ));
        inner.write(|_| ()); // saves a new key before anybody has it
        let server = Server::start(
            listener,
            Self {
                inner: Arc::clone(&inner),
                _server: None,
            },
        );
        Ok(Self {
            inner,
            _server: Some(Arc::new(server)),
        })
    }

    /// Scheme, host and port, without a slash at the end.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.inner.origin
    }

    /// The base URL of the Calendar API, for `GOOGLE_CALENDAR_API_URL`.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.inner.read(|world| world.base_url.clone())
    }

    /// Where a signed JWT becomes an access token.
    #[must_use]
    pub fn token_uri(&self) -> String {
        self.inner.token_uri()
    }

    /// The key file of the service account, for `GOOGLE_SERVICE_ACCOUNT_JSON`.
    #[must_use]
    pub fn service_account_json(&self) -> String {
        self.service_account().to_string()
    }

    pub(super) fn service_account(&self) -> Value {
        self.inner.read(|world| world.account.key_file(&self.token_uri()))
    }

    /// What a person in front of Google Calendar does.
    #[must_use]
    pub fn person(&self) -> Person {
        Person::new(Arc::clone(&self.inner))
    }

    /// Adds a calendar, shared with the service account to read and write. One that is there stays as it is.
    pub fn add_calendar(&self, id: &str, zone: Tz) {
        self.inner.write(|world| world.add_calendar(id, zone));
    }

    /// Says what the service account may do with a calendar.
    pub fn share(&self, id: &str, access: Access) {
        self.change_calendar(id, |calendar| calendar.access = access);
    }

    /// Says whether a calendar refuses to be watched.
    pub fn refuse_push(&self, id: &str, refuses: bool) {
        self.change_calendar(id, |calendar| calendar.refuses_push = refuses);
    }

    /// Gives a calendar another zone.
    pub fn set_time_zone(&self, id: &str, zone: Tz) {
        self.change_calendar(id, |calendar| calendar.zone = zone);
    }

    /// Makes every sync token given so far worthless: the next use gets 410.
    pub fn expire_sync_tokens(&self) {
        self.inner.write(|world| {
            world
                .calendars
                .values_mut()
                .for_each(|calendar| calendar.token_generation += 1);
        });
    }

    /// The calendars, by their ids, and how they are shared.
    #[must_use]
    pub fn calendars(&self) -> Vec<Value> {
        let shown = |calendar: &Calendar| {
            json!({
                "id": calendar.id, "time_zone": calendar.zone.name(), "access": calendar.access,
                "refuses_push": calendar.refuses_push,
            })
        };
        self.inner
            .read(|world| world.calendars.values().map(shown).collect())
    }

    /// Every event of a calendar, the bin included: Google's `Event` and `last_changed_by`.
    pub fn events(&self, calendar_id: &str) -> Result<Vec<Value>, Refusal> {
        self.inner.read(|world| {
            let calendar = world.calendars.get(calendar_id).ok_or_else(Refusal::not_found)?;
            let shown = calendar.events.values().map(|event| {
                let mut shown = event.render(calendar.zone, Tombstones::Full);
                shown["last_changed_by"] = json!(event.by);
                shown
            });
            Ok(shown.collect())
        })
    }

    /// The watch channels ever opened, dead ones included.
    #[must_use]
    pub fn channels(&self) -> Vec<Value> {
        self.inner.read(|world| {
            let shown = world.channels.values().map(|channel| {
                json!({
                    "id": channel.id, "calendar_id": channel.calendar_id, "resource_id": channel.resource_id,
                    "address": channel.address, "expires_at": world.told(channel.expires_at), "stopped": channel.stopped,
                    "live": world.is_live(&channel.id), "message_number": channel.message_number,
                })
            });
            shown.collect()
        })
    }

    /// Gives channels no longer life than this from now on.
    pub fn grant_at_most(&self, life: Duration) {
        let seconds = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
        self.inner.write(|world| world.longest_channel_life = seconds);
    }

    /// Orders a fault.
    pub fn fail(&self, fault: Fault) {
        self.inner.faults.add(fault);
    }

    /// The faults that still strike.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.inner.faults.list()
    }

    /// Starts or ends an outage of the whole API and the token endpoint.
    pub fn set_outage(&self, outage: Outage) {
        self.inner.faults.set_outage(outage);
    }

    /// Ends all faults and outages, and releases the calls that hang.
    pub fn heal(&self) {
        self.inner.faults.heal();
    }

    /// Lets calls that hang go on, and sends the notifications held back.
    pub fn release(&self) {
        self.inner.faults.release();
        self.inner.courier.release(&self.inner);
    }

    /// Says what becomes of notifications from now on.
    pub fn set_delivery(&self, mode: Delivery) {
        self.inner.courier.set_mode(mode);
    }

    /// Says how listings misbehave from now on.
    pub fn set_listing_manners(&self, manners: ListingManners) {
        self.inner.write(|world| world.manners = manners);
    }

    /// The time by the stand-in's clock.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.inner.read(World::now)
    }

    /// Puts the stand-in's clock forward: access tokens and channels grow older.
    pub fn advance(&self, by: Duration) {
        let ahead = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.inner
            .write(|world| world.clock_ahead_ms = world.clock_ahead_ms.saturating_add(ahead));
    }

    /// Sets the stand-in's clock by ours: so much ahead, or behind.
    pub fn set_clock_ahead(&self, by: TimeDelta) {
        self.inner
            .write(|world| world.clock_ahead_ms = by.num_milliseconds());
    }

    /// Makes every access token given so far worthless.
    pub fn revoke_tokens(&self) {
        self.inner.write(|world| world.tokens.clear());
    }

    /// The requests to the API and the token endpoint, oldest first (the latest 10,000).
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.inner.records().requests()
    }

    /// How often each call was made.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.inner.records().counts().clone()
    }

    /// How often one call, such as `events.list`, was made.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        self.inner.records().counts().get(operation).copied().unwrap_or(0)
    }

    /// Empties the log of requests, its counts and the unconditional writes.
    pub fn clear_requests(&self) {
        self.inner.records().clear();
    }

    /// Requests and answers that did not fit Google's document.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.inner.records().violations.clone()
    }

    /// Writes to existing events that carried no `If-Match`.
    #[must_use]
    pub fn unconditional_writes(&self) -> Vec<RequestRecord> {
        self.inner.records().unconditional_writes.clone()
    }

    fn change_calendar(&self, id: &str, change: impl FnOnce(&mut Calendar)) {
        self.inner.write(|world| {
            if let Some(calendar) = world.calendars.get_mut(id) {
                change(calendar);
            }
        });
    }
}

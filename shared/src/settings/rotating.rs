//! A setting whose value may be replaced while the process lives, as secrets are.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use secrecy::{ExposeSecret, SecretString};

use super::SettingError;
use super::secret::{Arn, Keeper};
use crate::deadline::Deadline;

/// However often a value is refused, it is read again only so often: strangers can make us ask.
const REFUSED_AGAIN: Duration = Duration::from_mins(1);
/// How old a value may be that lets people in: so long one that was taken out still does.
const FRESH: Duration = Duration::from_mins(5);
/// How long reading again may hold up whoever waits.
const READ_WITHIN: Duration = Duration::from_secs(2);

/// Makes a value of the setting's text; without text it is not set.
type Parse<T> = fn(Option<&str>) -> Result<T, SettingError>;

/// A setting's value, and where to look whether there is a newer one.
pub struct Rotating<T> {
    current: Mutex<Arc<T>>,
    source: Option<Source<T>>,
}

struct Source<T> {
    keeper: Arc<dyn Keeper>,
    arn: Arn,
    parse: Parse<T>,
    /// Held while the secret is read, so that all who miss it at once share one call.
    last: tokio::sync::Mutex<Last>,
}

/// What was last read. Times are the wall clock's: a process that was frozen for an hour must notice.
struct Last {
    text: SecretString,
    at: SystemTime,
    /// When it was last read because of a refusal.
    refused_at: Option<SystemTime>,
}

impl<T> Rotating<T> {
    /// A value that was read from a secret as `text`.
    pub(super) fn kept(
        keeper: Arc<dyn Keeper>,
        arn: Arn,
        text: SecretString,
        parse: Parse<T>,
    ) -> Result<Self, SettingError> {
        Ok(Self {
            current: Mutex::new(Arc::new(parse(some(text.expose_secret()))?)),
            source: Some(Source {
                keeper,
                arn,
                parse,
                last: tokio::sync::Mutex::new(Last {
                    text,
                    at: SystemTime::now(),
                    refused_at: None,
                }),
            }),
        })
    }

    /// The value as last read.
    pub fn current(&self) -> Arc<T> {
        // A poisoned lock still holds a good value: it is only ever replaced whole.
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The value, read again if it is older than five minutes. While it cannot be read, the old one holds.
    pub async fn fresh(&self, deadline: Deadline) -> Arc<T> {
        self.read_again(deadline, |last| is_over(last.at, FRESH)).await;
        self.current()
    }

    /// What to try instead of a value with which something was `refused`; `None` if there is nothing newer, as far as is
    /// known.
    pub async fn instead_of(&self, refused: &Arc<T>, deadline: Deadline) -> Option<Arc<T>> {
        let is_newer = |current: &Arc<T>| !Arc::ptr_eq(current, refused);
        // Somebody else may have met it before.
        if let Some(newer) = Some(self.current()).filter(is_newer) {
            return Some(newer);
        }
        let may_ask = |last: &mut Last| {
            let may = last.refused_at.is_none_or(|at| is_over(at, REFUSED_AGAIN));
            if may {
                last.refused_at = Some(SystemTime::now());
            }
            may
        };
        self.read_again(deadline, may_ask).await;
        Some(self.current()).filter(is_newer)
    }

    async fn read_again(&self, deadline: Deadline, is_due: impl FnOnce(&mut Last) -> bool) {
        let Some(source) = &self.source else { return };
        let reading = async {
            if let Some(newer) = source.read_again(is_due).await {
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(newer);
            }
        };
        // Whoever waits goes on with the old value, then.
        let _ = deadline.at_most(READ_WITHIN).bound(reading).await;
    }
}

impl<T> Source<T> {
    /// The value, if it is due to be read and has changed.
    async fn read_again(&self, is_due: impl FnOnce(&mut Last) -> bool) -> Option<T> {
        let mut last = self.last.lock().await;
        if !is_due(&mut last) {
            return None;
        }
        // Noted before the answer: one that stays out is not asked for again at once.
        last.at = SystemTime::now();
        let text = self.keeper.now(&self.arn).await?;
        if text.expose_secret() == last.text.expose_secret() {
            return None;
        }
        match (self.parse)(some(text.expose_secret())) {
            Ok(value) => {
                last.text = text;
                tracing::info!("a secret was replaced and is used from now on");
                Some(value)
            }
            Err(fault) => {
                tracing::error!(
                    setting.name = fault.name,
                    "a replaced secret is not used: {fault}"
                );
                None
            }
        }
    }
}

/// Whether `time` has passed since `at`. A clock that was put back makes nothing older.
fn is_over(at: SystemTime, time: Duration) -> bool {
    at.elapsed().unwrap_or_default() >= time
}

/// A setting of blanks alone is not set.
pub(super) fn some(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// A value that stands in the environment stays as it is.
impl<T> From<T> for Rotating<T> {
    fn from(value: T) -> Self {
        Self {
            current: Mutex::new(Arc::new(value)),
            source: None,
        }
    }
}

impl<T> fmt::Debug for Rotating<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rotating(secret)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::settings::secret::Reading;

    /// Counts how often it is asked, and says `value`.
    struct Fake {
        value: Mutex<Option<&'static str>>,
        asked: AtomicUsize,
    }

    impl Keeper for Fake {
        fn now<'a>(&'a self, _: &'a Arn) -> Reading<'a> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { self.value.lock().unwrap().map(SecretString::from) })
        }
    }

    impl Fake {
        fn says(value: &'static str) -> Arc<Self> {
            Arc::new(Self {
                value: Mutex::new(Some(value)),
                asked: AtomicUsize::new(0),
            })
        }

        fn set(&self, value: Option<&'static str>) {
            *self.value.lock().unwrap() = value;
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }

        fn number(self: &Arc<Self>) -> Rotating<u32> {
            let arn = Arn::parse("arn:aws:secretsmanager:us-east-1:123456789012:secret:n-AbCdEf").unwrap();
            Rotating::kept(
                Arc::clone(self) as Arc<dyn Keeper>,
                arn,
                SecretString::from("1"),
                parse,
            )
            .unwrap()
        }
    }

    fn parse(text: Option<&str>) -> Result<u32, SettingError> {
        text.and_then(|text| text.parse().ok())
            .ok_or_else(|| SettingError::new("NUMBER", "should be a number"))
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_mins(1))
    }

    async fn age<T>(number: &Rotating<T>, by: Duration) {
        let mut last = number.source.as_ref().unwrap().last.lock().await;
        last.at -= by;
        last.refused_at = last.refused_at.map(|at| at - by);
    }

    #[tokio::test]
    async fn a_refused_value_is_read_again_at_once_and_then_once_a_minute() {
        let fake = Fake::says("1");
        let number = fake.number();
        let one = number.current();
        assert_eq!(number.instead_of(&one, soon()).await, None, "it is the same");
        fake.set(Some("2"));
        assert_eq!(number.instead_of(&one, soon()).await, None, "asked a moment ago");
        assert_eq!(fake.asked(), 1);
        age(&number, REFUSED_AGAIN).await;
        assert_eq!(*number.instead_of(&one, soon()).await.unwrap(), 2);
        assert_eq!(
            *number.instead_of(&one, soon()).await.unwrap(),
            2,
            "without asking"
        );
        assert_eq!((fake.asked(), *number.current()), (2, 2));
    }

    #[tokio::test]
    async fn a_value_is_fresh_for_five_minutes_and_holds_while_it_cannot_be_read() {
        let fake = Fake::says("2");
        let number = fake.number();
        assert_eq!(*number.fresh(soon()).await, 1);
        assert_eq!(fake.asked(), 0);
        for useless in [None, Some("two"), Some(" ")] {
            fake.set(useless);
            age(&number, FRESH).await;
            assert_eq!(*number.fresh(soon()).await, 1, "{useless:?}");
        }
        fake.set(Some(" 2 "));
        assert_eq!(*number.fresh(soon()).await, 1, "asked a moment ago");
        age(&number, FRESH).await;
        assert_eq!(*number.fresh(soon()).await, 2);
        assert_eq!(fake.asked(), 4);
    }

    #[tokio::test]
    async fn what_stands_in_the_environment_is_never_read_again() {
        let number = Rotating::from(1);
        let one = number.fresh(soon()).await;
        assert_eq!(number.instead_of(&one, soon()).await, None);
    }
}

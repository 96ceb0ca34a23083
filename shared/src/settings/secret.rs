//! Settings that live in AWS Secrets Manager.
//!
//! Deployed, a secret setting holds the ARN of a secret in its place: whoever reads the function's configuration sees no
//! more. In its place, and not in a variable beside it, since `sam local invoke` hands over only variables that the template
//! names. All secrets of a function are read by one call when it starts, over one connection; each is read again when
//! somebody refuses what it says (see [`Rotating`](super::Rotating)).

use std::collections::HashMap;
use std::pin::Pin;

use aws_sdk_secretsmanager::error::{DisplayErrorContext, ProvideErrorMetadata};
use secrecy::SecretString;

use super::SettingError;
use crate::aws::Aws;

/// The settings that may be ARNs. Calendars are no secret, but hundreds of them do not fit into a function's configuration.
pub(super) const MAY_BE_ARNS: [&str; 5] = [
    "DATABASE_URL",
    "GOOGLE_SERVICE_ACCOUNT_JSON",
    "GOOGLE_CALENDAR_ID",
    "API_KEYS",
    "WEBHOOK_SECRET",
];

/// What a setting is read from, when its value does not stand in the environment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Arn(String);

impl Arn {
    /// Whether this value of a setting names a secret instead of being one. No value of ours begins so.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let mut parts = value.split(':');
        let begins = parts.next() == Some("arn")
            && parts.next().is_some_and(|partition| partition.starts_with("aws"))
            && parts.next() == Some("secretsmanager");
        begins.then(|| Self(value.to_owned()))
    }
}

/// A secret on its way here.
pub(super) type Reading<'a> = Pin<Box<dyn Future<Output = Option<SecretString>> + Send + 'a>>;

/// Who is asked for a secret again.
pub(super) trait Keeper: Send + Sync {
    /// A secret as it is now; `None`, with a line in the log, where that cannot be found out.
    fn now<'a>(&'a self, arn: &'a Arn) -> Reading<'a>;
}

/// The secrets of one function, in Secrets Manager.
#[derive(Debug)]
pub(super) struct Vault {
    aws: Aws,
    /// As read when the function started.
    read: HashMap<Arn, SecretString>,
}

/// What came of each secret that was asked for: its value, or Secrets Manager's code against it.
type Answers = HashMap<Arn, Result<SecretString, String>>;

impl Vault {
    /// Reads these settings' secrets, by one call.
    pub(super) async fn open(aws: Aws, secrets: &[(&'static str, Arn)]) -> Result<Self, SettingError> {
        let mut vault = Self {
            aws,
            read: HashMap::new(),
        };
        let mut answers = vault.ask(secrets.iter().map(|(_, arn)| arn)).await;
        for (name, arn) in secrets {
            let answer = match &mut answers {
                Ok(answers) => answers.remove(arn).unwrap_or_else(|| Err("no answer".to_owned())),
                // Without an answer at all, all of them are missing.
                Err(fault) => Err(fault.clone()),
            };
            let value = answer.map_err(|fault| {
                SettingError::new(name, format!("cannot be read from Secrets Manager: {fault}"))
            })?;
            vault.read.insert(arn.clone(), value);
        }
        Ok(vault)
    }

    /// A secret as it was when the function started.
    pub(super) fn at_start(&self, arn: &Arn) -> Option<&SecretString> {
        self.read.get(arn)
    }

    async fn ask(&self, arns: impl Iterator<Item = &Arn>) -> Result<Answers, String> {
        let client = self.aws.secrets_manager();
        let arns = arns.map(|arn| arn.0.clone()).collect();
        let request = client.batch_get_secret_value().set_secret_id_list(Some(arns));
        let answer = request.send().await.map_err(|error| match error.code() {
            Some(code) => code.to_owned(),
            // What the SDK says of the way there; it quotes nothing.
            None => DisplayErrorContext(&error).to_string(),
        })?;
        let values = answer.secret_values().iter().filter_map(|value| {
            let text = value.secret_string().map(SecretString::from);
            let text = text.ok_or_else(|| "it is binary, and should be text".to_owned());
            Some((Arn(value.arn()?.to_owned()), text))
        });
        let faults = answer.errors().iter().filter_map(|fault| {
            let code = fault.error_code().unwrap_or("no reason given");
            Some((Arn(fault.secret_id()?.to_owned()), Err(code.to_owned())))
        });
        Ok(values.chain(faults).collect())
    }
}

impl Keeper for Vault {
    fn now<'a>(&'a self, arn: &'a Arn) -> Reading<'a> {
        Box::pin(async move {
            let answers = self.ask(std::iter::once(arn)).await;
            let answer = answers.and_then(|mut answers| answers.remove(arn).transpose());
            match answer {
                Ok(value) => value,
                Err(fault) => {
                    tracing::warn!(secrets.fault = fault, "a secret could not be read again");
                    None
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_arn_of_a_secret_is_one() {
        for (value, named) in [
            (
                "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a-AbCdEf",
                true,
            ),
            (
                "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:a-AbCdEf",
                true,
            ),
            ("arn:aws:s3:::bucket", false),
            ("postgres://user:password@db.example.com/appointments", false),
            ("a-secret-of-some-length", false),
            ("", false),
        ] {
            assert_eq!(Arn::parse(value).is_some(), named, "{value}");
        }
    }
}

//! How one phone number may be written: in E.164, with the international prefix, or in the local form of the clinic's
//! country. Pure.
//!
//! Numbers are kept as callers write them, so a search asks for every form at once, and an index answers. A full numbering
//! plan, as libphonenumber has, would tell valid numbers from others; a search needs only the calling code and the trunk
//! prefix of one country.

use std::collections::BTreeSet;

use chrono_tz::Tz;

/// Lines of calling code, trunk prefix (`-` for none) and time zones.
const PLANS: &str = include_str!("phone/zones.txt");

/// How a country dials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    /// What follows the `+`: 92 for Pakistan.
    code: &'static str,
    /// What comes before a number dialled within the country: 0 in most, 06 in Hungary, nothing in Italy.
    trunk: &'static str,
}

/// The plan of the country that a time zone lies in; none for zones of no country, such as UTC.
fn plan(zone: Tz) -> Option<Plan> {
    PLANS.lines().find_map(|line| {
        let mut words = line.split(' ');
        let (code, trunk) = (words.next()?, words.next()?);
        words.any(|name| name == zone.name()).then_some(Plan {
            code,
            trunk: if trunk == "-" { "" } else { trunk },
        })
    })
}

/// The digits and `+` of a number, which is all that tells two numbers apart. The database's index does the same.
fn key(phone: &str) -> String {
    phone.replace(|c| !matches!(c, '0'..='9' | '+'), "")
}

/// Every form, in digits and `+` alone, that the number `searched` may be written in by people of the country that `zone`
/// lies in. A number that can be read in two ways has the forms of both.
///
/// A number of another country is found only with its calling code: without it, it would be someone else's local number.
pub fn forms(searched: &str, zone: Tz) -> Vec<String> {
    let written = key(searched);
    let plan = plan(zone);
    let international = written.strip_prefix('+').or_else(|| written.strip_prefix("00"));
    let mut forms = BTreeSet::from([written.clone()]);
    match (international, plan) {
        (Some(digits), plan) => {
            forms.extend([format!("+{digits}"), format!("00{digits}")]);
            if let Some((plan, rest)) = plan.and_then(|plan| Some((plan, digits.strip_prefix(plan.code)?))) {
                // +44 (0)20 …: the trunk prefix is written, and not dialled. One that is not a zero, such as Russia's 8,
                // nobody writes there, and numbers begin with it.
                let doubled = rest
                    .strip_prefix(plan.trunk)
                    .filter(|_| plan.trunk.starts_with('0'));
                forms.extend(plan.forms(doubled.unwrap_or(rest)));
            }
        }
        (None, Some(plan)) => {
            let dialled = written
                .strip_prefix(plan.trunk)
                .filter(|_| !plan.trunk.is_empty());
            if let Some(national) = dialled {
                forms.extend(plan.forms(national));
            }
            // A zero at the start is never the number's own where it is the trunk prefix.
            if dialled.is_none() || !plan.trunk.starts_with('0') {
                forms.extend(plan.forms(&written));
                forms.extend(
                    written
                        .strip_prefix(plan.code)
                        .into_iter()
                        .flat_map(|national| plan.forms(national)),
                );
            }
        }
        (None, None) => {}
    }
    forms.into_iter().collect()
}

impl Plan {
    /// Every form of a number of this country, given as it stands after calling code or trunk prefix.
    fn forms(self, national: &str) -> Vec<String> {
        let Self { code, trunk } = self;
        if national.is_empty() {
            return Vec::new();
        }
        vec![
            national.to_owned(),
            format!("{trunk}{national}"),
            format!("{code}{national}"),
            format!("+{code}{national}"),
            format!("00{code}{national}"),
            format!("+{code}{trunk}{national}"),
            format!("00{code}{trunk}{national}"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each of these, searched for, finds each of the others.
    fn are_one(zone: Tz, written: &[&str]) {
        for searched in written {
            let forms = forms(searched, zone);
            for kept in written {
                assert!(
                    forms.contains(&key(kept)),
                    "{searched} does not find {kept} in {zone}: {forms:?}"
                );
            }
        }
    }

    fn finds(zone: Tz, searched: &str, kept: &str) -> bool {
        forms(searched, zone).contains(&key(kept))
    }

    #[test]
    fn a_number_is_one_however_it_is_written() {
        are_one(
            Tz::Asia__Karachi,
            &[
                "+923001234567",
                "+92 300 123-4567",
                "0300 1234567",
                "(0300) 123.4567",
                "300 1234567",
                "923001234567",
                "0092 300 1234567",
                "+92 (0)300 1234567",
                "0092 (0)300 1234567",
            ],
        );
        are_one(
            Tz::Europe__London,
            &[
                "+442079460958",
                "020 7946 0958",
                "+44 (0)20 7946 0958",
                "0044 20 7946 0958",
            ],
        );
        are_one(
            Tz::America__New_York,
            &["+12125550123", "(212) 555-0123", "1-212-555-0123", "212.555.0123"],
        );
        // No trunk prefix: the zero is the number's own.
        are_one(
            Tz::Europe__Rome,
            &["+39 06 1234567", "06 1234567", "0039 06 1234567"],
        );
        are_one(Tz::Europe__Budapest, &["+36 1 234 5678", "06 1 234 5678"]);
        are_one(
            Tz::Europe__Moscow,
            &[
                "+7 495 123-45-67",
                "8 (495) 123-45-67",
                "495 123-45-67",
                "7 495 1234567",
            ],
        );
        // Its own first digit is the trunk prefix.
        are_one(
            Tz::Europe__Moscow,
            &["+7 800 123-45-67", "8 800 123-45-67", "800 123-45-67"],
        );
        are_one(Tz::Asia__Singapore, &["+65 6123 4567", "6123 4567"]);
        // Its own first digits are the calling code.
        are_one(
            Tz::Asia__Karachi,
            &["+92 92 1234567", "092 1234567", "92 1234567"],
        );
    }

    #[test]
    fn another_number_is_not_found() {
        let zone = Tz::Asia__Karachi;
        assert!(!finds(zone, "+923001234567", "+923001234568"));
        assert!(!finds(zone, "03001234567", "+443001234567"));
        // Another country's number and a local one of the same digits.
        assert!(!finds(zone, "+443001234567", "3001234567"));
        assert!(!finds(zone, "+443001234567", "443001234567"));
        assert!(finds(zone, "+44 300 1234567", "0044 300 1234567"));
        assert!(!finds(Tz::Europe__Rome, "+39 06 1234567", "+39 6 1234567"));
        assert_eq!(forms("+92 0", zone), ["+920", "00920"]);
    }

    #[test]
    fn where_no_country_is_known_only_what_is_written_is_found() {
        assert_eq!(forms("0300 1234567", Tz::UTC), ["03001234567"]);
        assert_eq!(
            forms("+92 300 1234567", Tz::UTC),
            ["+923001234567", "00923001234567"]
        );
        assert!(finds(Tz::UTC, "0092 300 1234567", "+923001234567"));
    }

    #[test]
    fn every_zone_of_a_place_with_clinics_has_a_plan() {
        let without = |name: &str| {
            // Stations and islands without a numbering plan of their own.
            let deserted = [
                "Atlantic/South_Georgia",
                "Indian/Kerguelen",
                "Pacific/Midway",
                "Pacific/Pitcairn",
                "Pacific/Wake",
            ];
            name.starts_with("Antarctica/") || name.starts_with("Etc/") || deserted.contains(&name)
        };
        for zone in chrono_tz::TZ_VARIANTS {
            let of_a_place = zone.name().contains('/') && !without(zone.name());
            assert!(!of_a_place || plan(zone).is_some(), "{zone}");
        }
    }
}

//! An event's description: a person's notes, then our footer; pure.
//!
//! The notes are plain text. A description that says the same in HTML is left as it is, so that neither Google's editor
//! nor a person's formatting is fought: it is rewritten only where the notes changed on our side, or the footer is not
//! what it should be. What a person added below the mark is notes too, and moves above it.

use super::markup::{plain, written};
use crate::private::private;

/// What tells our footer from the notes. Plain text without characters that HTML would escape.
const MARK: &str = "Patient (kept by Appointment Sync, write above this line)";
/// Beside the mark; some keyboards make one long dash of several.
const RULE: [char; 4] = ['-', '\u{2013}', '\u{2014}', ' '];

/// The patient's contact details, in the order in which they are shown.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone, Copy)]
pub(super) struct Footer<'a> {
    pub name: &'a str,
    pub phone: Option<&'a str>,
    pub email: Option<&'a str>,
}

private!(Footer<'a>);

const LABELS: [&str; 3] = ["Name: ", "Phone: ", "Email: "];

impl Footer<'_> {
    /// As they are written.
    fn lines(&self) -> Vec<String> {
        let values = [Some(self.name), self.phone, self.email];
        LABELS
            .iter()
            .zip(values)
            .filter_map(|(label, value)| Some(written(&format!("{label}{}", value?))))
            .collect()
    }
}

/// A description taken apart.
struct Parts {
    /// As it stands there, HTML or not.
    above: String,
    /// What a person wrote below the mark.
    added: String,
    /// The footer's lines as a person sees them; `None` without a mark.
    footer: Option<Vec<String>>,
}

impl Parts {
    fn of(description: &str) -> Self {
        // Editors are free with no-break spaces: in the mark they must not hide it, elsewhere they hardly matter.
        let description = description.replace("&nbsp;", " ").replace('\u{a0}', " ");
        // The last mark is ours, even if someone's notes quote it.
        let Some((above, below)) = description.rsplit_once(MARK) else {
            return Self {
                above: without_breaks_at_end(&description).to_owned(),
                added: String::new(),
                footer: None,
            };
        };
        let (mut footer, mut added) = (Vec::new(), Vec::new());
        let below = plain(below);
        for line in below.trim_start_matches(RULE).lines().map(str::trim) {
            let label = LABELS.iter().find(|label| line.starts_with(label.trim_end()));
            let is_ours = label.is_some_and(|label| {
                // A second line of a kind is somebody's note.
                !footer
                    .iter()
                    .any(|line: &String| line.starts_with(label.trim_end()))
            });
            if is_ours {
                footer.push(line.to_owned());
            } else {
                added.push(line);
            }
        }
        Self {
            above: without_breaks_at_end(above.trim_end_matches(RULE)).to_owned(),
            added: added.join("\n").trim().to_owned(),
            footer: Some(footer),
        }
    }

    fn notes(&self) -> String {
        joined(plain(&self.above), &self.added)
    }
}

fn without_breaks_at_end(html: &str) -> &str {
    let html = html.trim();
    html.strip_suffix("<br>").map_or(html, without_breaks_at_end)
}

fn joined(above: String, added: &str) -> String {
    match (above.is_empty(), added.is_empty()) {
        (_, true) => above,
        (true, false) => added.to_owned(),
        (false, false) => format!("{above}\n\n{added}"),
    }
}

/// What a person wrote into a description.
pub(super) fn notes(description: &str) -> String {
    Parts::of(description).notes()
}

/// Whether our footer stands in a description, or what people left of it.
pub(super) fn has_footer(description: &str) -> bool {
    Parts::of(description).footer.is_some()
}

/// The description that says these notes and this footer. What `shown` says already stays as it is written there.
pub(super) fn describe(notes: Option<&str>, footer: Footer<'_>, shown: Option<&str>) -> String {
    let notes = notes.unwrap_or_default();
    let lines = footer.lines();
    let mut above = written(notes);
    if let Some(shown) = shown {
        let parts = Parts::of(shown);
        if parts.notes() == plain(&above) {
            let footer_stands = parts.footer.as_ref().is_some_and(|shown| {
                let wanted = lines.iter().map(|line| plain(line));
                parts.added.is_empty() && wanted.eq(shown.iter().cloned())
            });
            if footer_stands {
                return shown.to_owned();
            }
            above = joined(parts.above, &written(&parts.added));
        }
    }
    let footer = format!("--- {MARK} ---\n{}", lines.join("\n"));
    joined(above, &footer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOOTER: Footer<'_> = Footer {
        name: "A. Khan",
        phone: Some("+92 300 1234567"),
        email: None,
    };
    const OURS: &str = "first visit\n\n--- Patient (kept by Appointment Sync, write above this line) ---\n\
                        Name: A. Khan\nPhone: +92 300 1234567";

    /// The notes in what a person made of the description, and the description after our next push.
    fn after(theirs: &str) -> (String, String) {
        let notes = notes(theirs);
        let put_right = describe(Some(&notes), FOOTER, Some(theirs));
        // Once put right it stays so.
        assert_eq!(super::notes(&put_right), notes, "{put_right}");
        assert_eq!(describe(Some(&notes), FOOTER, Some(&put_right)), put_right);
        (notes, put_right)
    }

    #[test]
    fn notes_stand_above_the_footer() {
        assert_eq!(describe(Some("first visit"), FOOTER, None), OURS);
        assert_eq!(notes(OURS), "first visit");
        let bare = describe(None, FOOTER, None);
        assert!(bare.starts_with("--- Patient"), "{bare}");
        assert_eq!(notes(&bare), "");
    }

    #[test]
    fn notes_come_back_as_they_were_written() {
        for text in [
            "one\n\ntwo",
            "BP < 120 & up",
            "<b>literally</b> &amp;",
            "a list:\n-",
            "Name: nobody\nPhone: none",
            OURS,
        ] {
            let description = describe(Some(text), FOOTER, None);
            assert_eq!(notes(&description), text);
            assert_eq!(after(&description), (text.to_owned(), description));
        }
    }

    #[test]
    fn without_a_footer_all_is_notes_and_the_footer_comes_back() {
        let (notes, put_right) = after(" rewritten by hand\n");
        assert_eq!(notes, "rewritten by hand");
        assert_eq!(put_right, OURS.replace("first visit", "rewritten by hand"));
        assert_eq!(after("").0, "");
    }

    #[test]
    fn the_same_in_html_is_left_as_it_is() {
        for html in [
            OURS.replace('\n', "<br>"),
            OURS.replace('\n', "<br>")
                .replace(' ', "&nbsp;")
                .replace(&MARK.replace(' ', "&nbsp;"), MARK),
            format!(
                "<p>{}</p>",
                OURS.replace("\n\n", "</p><p>").replace('\n', "<br>\n")
            ),
            OURS.replace(
                "+92 300 1234567",
                "<a href=\"tel:+923001234567\">+92 300 1234567</a>",
            ),
            OURS.replace("first visit", "<b>first</b> visit"),
            OURS.replace('\n', " ").replace(" Phone", "\nPhone"),
            OURS.replace("---", "\u{2014}"),
        ] {
            assert_eq!(after(&html), ("first visit".to_owned(), html));
        }
    }

    #[test]
    fn what_stands_below_the_mark_and_is_not_ours_is_notes() {
        for theirs in [
            format!("{OURS}\ncall back"),
            format!("{OURS}\n\n\ncall back\n"),
            OURS.replace("\nPhone", "\ncall back\nPhone"),
            OURS.replace('\n', "<br>") + "<br><br>call&nbsp;back",
        ] {
            let (notes, put_right) = after(&theirs);
            assert_eq!(notes, "first visit\n\ncall back", "{theirs}");
            assert!(put_right.ends_with(&OURS["first visit".len()..]), "{put_right}");
        }
        let second_phone = format!("{OURS}\nPhone: at work, only before noon");
        assert_eq!(
            after(&second_phone).0,
            "first visit\n\nPhone: at work, only before noon"
        );
        assert_eq!(
            after(&describe(None, FOOTER, None).replace("\nPhone", "\nlate\nPhone")).0,
            "late"
        );
    }

    #[test]
    fn an_edited_or_cut_footer_is_put_right_and_formatting_above_it_stays() {
        let html = OURS.replace("first visit", "<b>first</b> visit");
        for theirs in [
            html.replace("+92", "0092"),
            html.replace("A. Khan", "A. Khan (wrong person)"),
            html.replace("\nPhone: +92 300 1234567", ""),
            format!("{html}\nEmail: a.khan@example.com"),
        ] {
            assert_eq!(
                after(&theirs),
                ("first visit".to_owned(), html.clone()),
                "{theirs}"
            );
        }
    }

    #[test]
    fn another_patients_details_replace_the_footer_alone() {
        let html = OURS.replace("first visit", "<b>first</b> visit");
        let footer = Footer {
            phone: None,
            ..FOOTER
        };
        let expected = html.replace("\nPhone: +92 300 1234567", "");
        assert_eq!(describe(Some("first visit"), footer, Some(&html)), expected);
    }

    #[test]
    fn changed_notes_replace_what_stood_there() {
        let html = OURS.replace("first visit", "<b>first</b> visit");
        let expected = OURS.replace("first visit", "second visit");
        assert_eq!(describe(Some("second visit"), FOOTER, Some(&html)), expected);
    }
}

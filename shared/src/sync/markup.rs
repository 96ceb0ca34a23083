//! A description as a person reads it. Google's own editor keeps descriptions as HTML and turns plain ones into it; pure.

/// Tags that begin and end a line of their own.
const BLOCKS: [&str; 14] = [
    "p",
    "div",
    "ul",
    "ol",
    "li",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "tr",
    "table",
    "blockquote",
];
/// Tags that only dress what they enclose. Any other tag is no tag but somebody's text: `<dose>` stays.
const DRESS: [&str; 16] = [
    "a",
    "b",
    "i",
    "u",
    "s",
    "em",
    "strong",
    "strike",
    "span",
    "font",
    "small",
    "sub",
    "sup",
    "wbr",
    "tbody",
    "html-blob",
];
/// The text that a person sees: tags and character references read, no-break spaces as spaces, without surrounding
/// space. Text that holds neither comes back as it is.
pub(super) fn plain(description: &str) -> String {
    let mut text = String::with_capacity(description.len());
    let mut unread = description;
    while let Some((before, tag, after)) = first_tag(unread) {
        text.push_str(&between_tags(before));
        tag.show(&mut text);
        unread = after;
    }
    text.push_str(&between_tags(unread));
    text.trim().to_owned()
}

fn between_tags(html: &str) -> String {
    html_escape::decode_html_entities(html)
        .replace('\u{a0}', " ")
        .replace("\r\n", "\n")
}

/// Text as it is written into a description, so that a person sees it as it is: escaped only where it would be taken for
/// HTML.
pub(super) fn written(text: &str) -> String {
    let text = text.trim();
    if plain(text) == text.replace('\u{a0}', " ") {
        return text.to_owned();
    }
    html_escape::encode_text(text).into_owned()
}

/// The first tag, with what stands before and after it.
fn first_tag(html: &str) -> Option<(&str, Tag, &str)> {
    html.match_indices('<').find_map(|(at, _)| {
        let (before, rest) = html.split_at(at);
        let (tag, length) = Tag::at_start_of(rest)?;
        Some((before, tag, &rest[length..]))
    })
}

/// What a tag does to the lines of the text.
enum Tag {
    Break,
    Block { is_item: bool },
    Dress,
}

impl Tag {
    /// The tag that a text begins with, and how long it is.
    fn at_start_of(text: &str) -> Option<(Self, usize)> {
        let inside = text.strip_prefix('<')?;
        let inside = &inside[..inside
            .find(['<', '>'])
            .filter(|end| inside[*end..].starts_with('>'))?];
        let closes = inside.starts_with('/');
        let name = inside
            .trim_start_matches('/')
            .split(|c: char| c.is_whitespace() || c == '/')
            .next()?
            .to_ascii_lowercase();
        let tag = match name.as_str() {
            "br" => Self::Break,
            name if BLOCKS.contains(&name) => Self::Block {
                is_item: name == "li" && !closes,
            },
            name if DRESS.contains(&name) => Self::Dress,
            _ => return None,
        };
        Some((tag, inside.len() + 2))
    }

    fn show(&self, text: &mut String) {
        match self {
            Self::Break => text.push('\n'),
            Self::Block { is_item } => {
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                if *is_item {
                    text.push_str("- ");
                }
            }
            Self::Dress => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_html_stays_as_it_is() {
        for text in [
            "bring the x-ray",
            "BP < 120 & pulse > 60",
            "take <dose> at 8; a<b, <3, R&D; & so on",
            "see <b and no end",
            "&unknown; &#xFFFFFFFF; &#0; &",
            "first\n\n  second",
            "اردو، naïve, 🦷",
        ] {
            assert_eq!(plain(text), text);
            assert_eq!(written(text), text);
        }
    }

    #[test]
    fn html_is_read_as_it_is_shown() {
        for (html, text) in [
            ("one<br>two<BR/>three<br />", "one\ntwo\nthree"),
            ("<p>one</p><p>two</p>", "one\ntwo"),
            (
                "one<div>two</div><div><br></div><div>three</div>",
                "one\ntwo\n\nthree",
            ),
            (
                "bring:<ul><li>x-ray</li><li><b>card</b></li></ul>",
                "bring:\n- x-ray\n- card",
            ),
            (
                "<a href=\"https://example.com/?a=1&b=2\">the <i>report</i></a>",
                "the report",
            ),
            (
                "a&nbsp;b\u{a0}c &amp; &lt;d&gt; &quot;e&quot; &#39;f&#x27;",
                "a b c & <d> \"e\" 'f'",
            ),
            ("<html-blob><span style=\"x\">one</span></html-blob>", "one"),
            ("one\r\ntwo", "one\ntwo"),
        ] {
            assert_eq!(plain(html), text, "{html}");
        }
    }

    #[test]
    fn what_would_be_taken_for_html_is_escaped() {
        for text in ["<b>not bold</b>", "a <br> b", "&lt; & <", "R&amp;D", "</p>"] {
            assert_ne!(written(text), text);
            assert_eq!(plain(&written(text)), text);
        }
    }
}

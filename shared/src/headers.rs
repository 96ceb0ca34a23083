//! The headers that every answer of a function URL carries.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// What stands in every answer unless it says better itself: a page that loads its own style, a file that is about no patient.
const GUARDS: [(HeaderName, HeaderValue); 6] = [
    // What is about a patient stays in no cache.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    // Two years, as browsers' preload lists ask.
    (
        header::STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=63072000; includeSubDomains"),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    // For browsers that do not know `frame-ancestors`.
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// Adds what an answer lacks.
pub fn guard(headers: &mut HeaderMap) {
    for (name, value) in GUARDS {
        headers.entry(name).or_insert(value);
    }
}

/// The names of the headers that an answer lacks, for tests that see many.
pub fn unguarded(headers: &HeaderMap) -> Vec<HeaderName> {
    let names = GUARDS.map(|(name, _)| name).into_iter();
    names.filter(|name| !headers.contains_key(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_what_it_says_itself_and_gets_the_rest() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
        assert_eq!(unguarded(&headers).len(), GUARDS.len() - 1);
        guard(&mut headers);
        assert!(unguarded(&headers).is_empty());
        assert_eq!(headers[header::CACHE_CONTROL], "max-age=300");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}

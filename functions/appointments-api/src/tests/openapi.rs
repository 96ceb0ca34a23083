//! The document and its page, as callers fetch them.

use http::header;

use super::Api;

#[tokio::test]
async fn anyone_may_read_the_document_and_keep_a_copy() {
    let api = Api::open().await;
    for (path, content_type) in [
        ("/openapi.json", "application/json"),
        ("/docs", "text/html; charset=utf-8"),
    ] {
        let no_key = [("authorization", "")];
        let answer = api.call_with("GET", path, None, &no_key).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers[header::CONTENT_TYPE], content_type);
        assert_eq!(answer.headers[header::CACHE_CONTROL], "public, max-age=300");
        let tag = answer.headers[header::ETAG].to_str().unwrap();
        for (tags, known) in [
            (tag.to_owned(), true),
            (format!("W/{tag}"), true),
            (format!("\"x\", {tag}"), true),
            ("*".to_owned(), true),
            ("\"x\"".to_owned(), false),
        ] {
            let again = api
                .call_with("GET", path, None, &[("if-none-match", &tags)])
                .await;
            assert_eq!(again.status, if known { 304 } else { 200 }, "{tags}");
            assert_eq!(again.headers[header::ETAG], tag);
        }
    }
}

#[tokio::test]
async fn the_page_may_do_nothing_but_wear_its_style_sheet() {
    let api = Api::open().await;
    let page = api.get("/docs").await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert_eq!(page.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
}

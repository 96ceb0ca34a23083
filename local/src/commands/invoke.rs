//! `local invoke PAYLOAD [APPOINTMENT]`: one invocation of one function, for `make invoke`.

use std::process::ExitCode;

use serde_json::Value;

use crate::stack;

/// Invokes and prints the answer. It fails where the function does.
pub(super) async fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let (payload, appointment) = match arguments {
        [payload] => (payload, None),
        [payload, id] => {
            let id = id.parse().map_err(|_| format!("{id} is no appointment's id"))?;
            (payload, Some(id))
        }
        _ => return Err(super::USAGE.to_owned()),
    };
    let answer = stack::invoke(payload, appointment).await;
    let answer = answer.map_err(|error| error.to_string())?;
    super::tell(&readable(&answer));
    Ok(if is_failure(&answer) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Whether a function URL's function says that it could not do its work. A refusal of the request is no such thing.
fn is_failure(answer: &Value) -> bool {
    answer["statusCode"].as_u64().is_some_and(|status| status >= 500)
}

/// For a function URL the response that it makes of the answer: status, headers, body. Else the answer as it is.
fn readable(answer: &Value) -> String {
    let Some(status) = answer["statusCode"].as_u64() else {
        return pretty(answer);
    };
    let mut lines = vec![format!("HTTP {status}")];
    let headers = answer["headers"].as_object().into_iter().flatten();
    lines.extend(headers.map(|(name, value)| format!("{name}: {}", value.as_str().unwrap_or_default())));
    let body = answer["body"].as_str().unwrap_or_default();
    if !body.is_empty() {
        lines.push(String::new());
        lines.push(
            serde_json::from_str(body).map_or_else(|_| body.trim_end().to_owned(), |body| pretty(&body)),
        );
    }
    lines.join("\n")
}

fn pretty(json: &Value) -> String {
    format!("{json:#}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_response_is_shown_as_one() {
        let answer = json!({
            "statusCode": 409, "headers": {"b": "2", "a": "1"}, "cookies": [], "isBase64Encoded": false,
            "body": "{\"code\":\"slot_taken\"}"
        });
        assert_eq!(
            readable(&answer),
            "HTTP 409\na: 1\nb: 2\n\n{\n  \"code\": \"slot_taken\"\n}"
        );
        let text = json!({"statusCode": 200, "headers": {}, "body": "User-agent: *\n"});
        assert_eq!(readable(&text), "HTTP 200\n\nUser-agent: *");
        let nothing = json!({"statusCode": 204, "headers": {}, "body": null});
        assert_eq!(readable(&nothing), "HTTP 204");
        assert_eq!(readable(&json!({"calendars": 1})), "{\n  \"calendars\": 1\n}");
    }

    #[test]
    fn a_function_that_cannot_do_its_work_has_failed() {
        for (answer, failed) in [
            (json!({"statusCode": 201}), false),
            (json!({"statusCode": 422}), false),
            (json!({"statusCode": 503}), true),
            (json!({"calendars": 1}), false),
        ] {
            assert_eq!(is_failure(&answer), failed, "{answer}");
        }
    }
}

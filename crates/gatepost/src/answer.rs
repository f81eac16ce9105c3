//! Answers of the API as the command line sees them.

use std::fmt::Write as _;

use serde_json::Value;

use crate::failure::{Exit, Failure, Result};

/// The JSON of a good answer, or the refusal that a problem document (RFC 9457) tells of.
pub fn read(status: u16, body: &[u8]) -> Result<Value> {
    let value = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(body) };
    if (200..300).contains(&status) {
        return value.map_err(|_| Failure::failed("the answer is not JSON: is this a Gatepost's address?"));
    }
    Err(refusal(status, &value.unwrap_or_default()))
}

fn refusal(status: u16, problem: &Value) -> Failure {
    let exit = if status < 500 { Exit::Refused } else { Exit::Failed };
    let text = |name: &str| problem[name].as_str().map(str::to_owned);
    let Some(code) = text("code") else {
        return Failure::new(
            exit,
            format!("the answer was {status}, without a problem document: is this a Gatepost's address?"),
        );
    };
    let mut message = text("detail").or_else(|| text("title")).unwrap_or_else(|| code.clone());
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    if errors.len() > 1 {
        for error in errors {
            let part = |name: &str| error[name].as_str().unwrap_or_default();
            let _ = write!(message, "\n  {}: {}", part("pointer"), part("detail"));
        }
    }
    let remedy = gatepost_core::Code::parse(&code).map(|code| code.remedy().to_owned());
    let request = text("request_id").filter(|_| status >= 500).map(|id| format!(" (request {id})"));
    Failure { exit, message: message + &request.unwrap_or_default(), hint: remedy, code: Some(code) }
}

/// A text of an answer; empty where it has none.
pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// A text of an answer, or a dash.
pub fn cell(value: &Value, name: &str) -> String {
    match &value[name] {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        Value::Array(items) => {
            let texts: Vec<String> = items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect();
            texts.join(",")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn problems_become_failures() {
        let body = br#"{"code":"not_found","title":"t","detail":"there is nothing here","status":404}"#;
        let failure = read(404, body).unwrap_err();
        assert_eq!((failure.exit, failure.code.as_deref()), (Exit::Refused, Some("not_found")));
        assert_eq!(failure.message, "there is nothing here");
        assert_eq!(read(502, b"<html>").unwrap_err().exit, Exit::Failed);
        assert_eq!(read(204, b"").unwrap(), Value::Null);
    }
}

//! `gatepost endpoint test`: sends one, waits for its attempt, and says what to do.

use std::time::Duration;

use serde_json::{Value, json};

use crate::answer::text;
use crate::failure::{Exit, Failure, Result};
use crate::operator_client::Operator;
use crate::output::{Output, Tint};

/// An attempt ends after 15 seconds; a busy machine may begin it late.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub async fn run(operator: &Operator, path: &str, output: Output) -> Result<()> {
    if !operator.is_server() {
        return Err(Failure::refused("no server is running that could send the test")
            .hint("start it: gatepost serve"));
    }
    let delivery = operator.post(&format!("{path}/test"), &json!({})).await?;
    let attempts = format!("{path}/deliveries/{}/attempts", text(&delivery, "id"));
    let attempt = wait(operator, &attempts).await?;
    // As it is now that the attempt is over.
    let delivery = operator.get(&format!("{path}/deliveries/{}", text(&delivery, "id"))).await?;
    let endpoint = operator.get(path).await?;
    output.data(&json!({ "delivery": delivery, "attempt": attempt, "endpoint": endpoint }));
    let answered = succeeded(&attempt);
    tell(&attempt, &endpoint, answered, output);
    if answered {
        return Ok(());
    }
    Err(Failure::new(Exit::Failed, "the endpoint did not take the test").hint(what_to_do(&attempt)))
}

async fn wait(operator: &Operator, attempts: &str) -> Result<Value> {
    for _ in 0..PATIENCE.as_millis() / LOOK_EVERY.as_millis() {
        let made = operator.get(attempts).await?;
        if let Some(attempt) = made["data"].as_array().and_then(|attempts| attempts.first()) {
            return Ok(attempt.clone());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Err(Failure::failed("the test was not sent within 30 s")
        .hint("see whether the server works: gatepost doctor"))
}

fn succeeded(attempt: &Value) -> bool {
    attempt["error"].is_null()
        && attempt["status"].as_i64().is_some_and(|status| (200..300).contains(&status))
}

fn tell(attempt: &Value, endpoint: &Value, answered: bool, output: Output) {
    let line = |name: &str, value: &str| output.say(format_args!("  {name:<9} {value}"));
    let or_none = |name: &str| match &attempt[name] {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    line("decision", &format!("{} (rule {})", text(attempt, "decision"), text(attempt, "rule")));
    line("address", &or_none("address"));
    let tint = if answered { Tint::Green } else { Tint::Red };
    line("status", &output.tint(tint, or_none("status")));
    line("latency", &format!("{} ms", attempt["latency_ms"]));
    if !attempt["error"].is_null() {
        line("error", text(attempt, "error"));
    }
    if !answered {
        return;
    }
    let id = text(endpoint, "id");
    if endpoint["enabled"] == true {
        output.say("It answers.");
    } else {
        output.say(format_args!("It answers, and is disabled. Enable it: gatepost endpoint enable {id}"));
    }
}

/// What a person does about an attempt that failed.
fn what_to_do(attempt: &Value) -> String {
    if attempt["decision"] == "blocked" {
        return format!(
            "the rule {} of the egress policy refuses the address; give another URL, or let the operator name an \
             exception under [egress]",
            text(attempt, "rule")
        );
    }
    match attempt["status"].as_i64() {
        Some(401 | 403) => {
            "the receiver asks for a credential: see endpoint update --headers-from; or it refuses the \
                            signature: give it this endpoint's secret"
                .to_owned()
        }
        Some(404 | 405) => "nothing takes a POST at that path; check the URL".to_owned(),
        Some(410) => "410 says that the receiver is gone for good; give another URL".to_owned(),
        Some(300..=399) => "redirects are never followed; give the URL that it leads to".to_owned(),
        Some(400 | 422) => {
            "the receiver refuses the body or its signature; it must read the raw bytes".to_owned()
        }
        Some(500..) => "the receiver failed; its own log says why".to_owned(),
        Some(_) => "only an answer of 2xx counts as taken".to_owned(),
        None => no_answer(text(attempt, "error")).to_owned(),
    }
}

/// What a person does where nothing answered, by the class that an error begins with.
fn no_answer(error: &str) -> &'static str {
    match error.split(':').next().unwrap_or_default() {
        "dns_not_found" => "the host name leads nowhere: check the spelling of the URL, and its DNS records",
        "dns_failed" | "timeout_dns" => {
            "the resolver of this machine gave no answer: see whether its DNS works"
        }
        "connect_failed" => "nothing takes connections there: start the receiver, or check host and port",
        "timeout_connect" => "the connection was not taken: a firewall on the way, or the receiver is away",
        "tls_failed" | "timeout_tls" => {
            "no TLS was agreed: the receiver must speak TLS 1.2 or later at that port"
        }
        "certificate_invalid" => {
            "its certificate does not verify: one for this host name, in its time, with the whole chain is needed"
        }
        "timeout_response" | "timeout_body" => "the receiver took too long: answer first, then do the work",
        _ => "no good answer came: see the error above",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_a_way_on() {
        let attempt = |status: Value, error: Value| json!({ "status": status, "error": error });
        assert!(succeeded(&attempt(json!(204), Value::Null)));
        for status in [json!(199), json!(302), json!(500), Value::Null] {
            assert!(!succeeded(&attempt(status.clone(), Value::Null)), "{status}");
            assert!(!what_to_do(&attempt(status, Value::Null)).is_empty());
        }
        assert!(!succeeded(&attempt(json!(200), json!("timeout: …"))));
        for class in ["dns_not_found", "connect_failed", "certificate_invalid", "timeout_response", "?"] {
            let lost = what_to_do(&attempt(Value::Null, json!(format!("{class}: why"))));
            assert_eq!(lost.contains("see the error above"), class == "?", "{class}: {lost}");
        }
        let blocked = json!({ "decision": "blocked", "rule": "address_private", "status": null });
        assert!(what_to_do(&blocked).contains("address_private"));
    }
}

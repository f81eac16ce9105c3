//! `gatepost url check`: one JSON line in, one JSON line out, judged by the code that guards deliveries.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::policy::UrlPolicy;
use crate::verdict::{Rule, Verdict};

/// What is read. Other fields are ignored, so that an annotated list of URLs can be piped through.
#[derive(Deserialize)]
struct Line {
    url: String,
    answers: Option<Vec<IpAddr>>,
}

/// What is echoed of a line that is malformed elsewhere.
#[derive(Deserialize)]
struct UrlOnly {
    url: String,
}

#[derive(Serialize)]
struct Judged<'a> {
    url: Option<&'a str>,
    verdict: &'static str,
    rule: &'static str,
}

/// Judges one line `{"url": "…", "answers": ["10.0.0.1", …]?}` and returns `{"url", "verdict", "rule"}` without a
/// line end; `verdict` is `allow` or `deny`.
///
/// `answers` stand in for what the resolver would say about a host name; without them the URL alone is judged, and
/// nothing is looked up. For a literal address, which is never looked up, they are judged as well. A line that is not
/// such an object is refused by the rule `malformed_input`, with `"url": null` where no URL can be read.
pub fn url_check_line(policy: &UrlPolicy, line: &str) -> String {
    let (url, verdict) = if let Ok(line) = serde_json::from_str::<Line>(line) {
        let verdict = judge(policy, &line);
        (Some(line.url), verdict)
    } else {
        let url = serde_json::from_str::<UrlOnly>(line).ok().map(|line| line.url);
        (url, Verdict::deny(Rule::MalformedInput))
    };
    let judged = Judged {
        url: url.as_deref(),
        verdict: if verdict.allow { "allow" } else { "deny" },
        rule: verdict.rule,
    };
    // Three strings always serialise; a refusal is the answer that is safe if they ever did not.
    serde_json::to_string(&judged)
        .unwrap_or_else(|_| r#"{"url":null,"verdict":"deny","rule":"malformed_input"}"#.to_owned())
}

fn judge(policy: &UrlPolicy, line: &Line) -> Verdict {
    match (policy.target(&line.url), &line.answers) {
        (Err(refused), _) => refused,
        (Ok(target), Some(answers)) if !(answers.is_empty() && target.is_literal()) => {
            policy.check_answers(&target, answers)
        }
        (Ok(target), _) => policy.check_target(&target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_judged() {
        let policy = UrlPolicy::default();
        for (line, expected) in [
            (
                r#"{"url":"https://a.example.com/","answers":["8.8.8.8"],"note":"mine"}"#,
                r#"{"url":"https://a.example.com/","verdict":"allow","rule":"public"}"#,
            ),
            (
                r#"{"url":"https://a.example.com/","answers":["8.8.8.8","127.0.0.1"]}"#,
                r#"{"url":"https://a.example.com/","verdict":"deny","rule":"address_loopback"}"#,
            ),
            (
                r#"{"url":"https://a.example.com/","answers":[]}"#,
                r#"{"url":"https://a.example.com/","verdict":"deny","rule":"no_answers"}"#,
            ),
            (
                r#"{"url":"https://a.example.com/"}"#,
                r#"{"url":"https://a.example.com/","verdict":"allow","rule":"public"}"#,
            ),
            ("", r#"{"url":null,"verdict":"deny","rule":"malformed_input"}"#),
            (r#"{"url":7}"#, r#"{"url":null,"verdict":"deny","rule":"malformed_input"}"#),
            (
                r#"{"url":"https://a.example.com/","answers":["fe80::1%eth0"]}"#,
                r#"{"url":"https://a.example.com/","verdict":"deny","rule":"malformed_input"}"#,
            ),
            (
                r#"{"url":"https://8.8.8.8/","answers":[]}"#,
                r#"{"url":"https://8.8.8.8/","verdict":"allow","rule":"public"}"#,
            ),
            (
                r#"{"url":"https://a.b/","url":"https://c.d/"}"#,
                r#"{"url":null,"verdict":"deny","rule":"malformed_input"}"#,
            ),
        ] {
            assert_eq!(url_check_line(&policy, line), expected, "{line}");
        }
    }
}

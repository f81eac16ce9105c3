//! The table, the code, the page and the alert rules speak of the same metrics.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::*;

const HEAD: &str = "\
# Metrics

`GET /metrics` on the address `server.metrics_listen` (loopback by default; see [configuration](configuration.md)) answers
in Prometheus' text format. [operations/alerts.yml](operations/alerts.yml) holds alert rules for them, each with what to do.

Counters and histograms are of one process: add them up over nodes. The gauges `gatepost_jobs…` and
`gatepost_webhook_…` are read from the database they share, so every node says the same: take the `max`. They are read
when somebody asks, at most every 5 seconds, and each reading is bounded however long the queues are.

No label holds an id, a phone number or anything else that a stranger chooses, so the number of series is bounded.

This page is written from the program's own table: `GATEPOST_UPDATE=1 cargo test -p gatepost metrics`.

| metric | what it is | labels |
|---|---|---|
";

/// The table as a page.
fn markdown() -> String {
    let mut page = HEAD.to_owned();
    for Metric { name, kind, labels, about } in METRICS {
        let kind = match kind {
            Kind::Counter => "Counter",
            Kind::Gauge => "Gauge",
            Kind::Histogram => "Histogram",
        };
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, values)| {
                let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
                if values.is_empty() {
                    format!("`{label}`")
                } else {
                    format!("`{label}`: {}", values.join(", "))
                }
            })
            .collect();
        let _ = writeln!(page, "| `{name}` | {kind}. {about} | {} |", labels.join("; "));
    }
    page
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every Rust file that is part of the product.
fn sources() -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = std::fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("bench"))
        .map(|path| path.join("src"))
        .collect();
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

/// What stands before the bracket that closes a call.
fn arguments(call: &str) -> &str {
    let mut depth = 1;
    let end = call.find(|c: char| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    });
    &call[..end.unwrap()]
}

/// The metrics that the code counts, with their kind and the names of their labels.
fn counted() -> BTreeMap<String, (Kind, BTreeSet<String>)> {
    let mut found = BTreeMap::new();
    for source in sources() {
        for (word, kind) in
            [("counter!(", Kind::Counter), ("gauge!(", Kind::Gauge), ("histogram!(", Kind::Histogram)]
        {
            for call in source.split(word).skip(1) {
                // Calls may go over several lines.
                let Some(rest) = call.trim_start().strip_prefix("\"gatepost_") else { continue };
                let name = format!("gatepost_{}", rest.split('"').next().unwrap());
                let labels = arguments(rest).split('"').collect::<Vec<_>>();
                let labels = labels.windows(2).filter(|pair| pair[1].trim_start().starts_with("=>"));
                let labels: BTreeSet<String> = labels.map(|pair| pair[0].to_owned()).collect();
                let known = found.entry(name.clone()).or_insert((kind, labels.clone()));
                assert_eq!(*known, (kind, labels), "{name} is counted in two ways");
            }
        }
    }
    found
}

#[test]
fn the_table_holds_what_the_code_counts() {
    let table: BTreeMap<String, (Kind, BTreeSet<String>)> = METRICS
        .iter()
        .map(|m| (m.name.to_owned(), (m.kind, m.labels.iter().map(|(name, _)| (*name).to_owned()).collect())))
        .collect();
    assert_eq!(table.len(), METRICS.len(), "a metric is in the table twice");
    let counted = counted();
    assert!(counted.len() > 15, "the sources were found");
    for name in counted.keys().chain(table.keys()) {
        assert_eq!(table.get(name), counted.get(name), "{name}: the table is left, the code is right");
    }
}

#[test]
fn job_kinds_are_all_there() {
    let kinds: Vec<&str> = gatepost_core::job::JobKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(JOB_KINDS, kinds);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "asks whoever runs the tests, not the configuration")]
fn the_page_is_checked_in() {
    let path = root().join("docs/metrics.md");
    let now = markdown();
    if std::env::var_os("GATEPOST_UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == now, "docs/metrics.md is stale: GATEPOST_UPDATE=1 cargo test -p gatepost metrics");
}

/// One rule of the file: its lines by key, as far as they are on one line.
fn rules(text: &str) -> Vec<BTreeMap<&str, &str>> {
    let mut rules: Vec<BTreeMap<&str, &str>> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix("- alert:") {
            rules.push(BTreeMap::from([("alert", name.trim())]));
        } else if let (Some((key, value)), Some(rule)) = (line.split_once(": "), rules.last_mut()) {
            rule.insert(key, value.trim());
        }
    }
    rules
}

/// The metrics of an expression, each with its label matchers.
fn named(expression: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found = Vec::new();
    for (at, _) in expression.match_indices("gatepost_") {
        let rest = &expression[at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name =
            rest[..end].trim_end_matches("_bucket").trim_end_matches("_count").trim_end_matches("_sum");
        let matchers = rest[end..].strip_prefix('{').and_then(|r| r.split('}').next()).unwrap_or_default();
        let matchers = matchers.split(',').filter(|m| !m.is_empty()).map(|matcher| {
            let (label, value) = matcher.split_once('=').unwrap();
            (label.trim_end_matches('!').to_owned(), value.trim_matches(['"', '~']).to_owned())
        });
        found.push((name.to_owned(), matchers.collect()));
    }
    found
}

#[test]
fn alert_rules_speak_of_metrics_that_there_are() {
    let text = std::fs::read_to_string(root().join("docs/operations/alerts.yml")).unwrap();
    let rules = rules(&text);
    assert!(rules.len() >= 10, "{} rules", rules.len());
    let mut names = BTreeSet::new();
    for rule in &rules {
        let alert = rule["alert"];
        assert!(names.insert(alert), "{alert} is there twice");
        for key in ["expr", "for", "severity", "summary", "description"] {
            assert!(rule.get(key).is_some_and(|value| value.len() > 1), "{alert} has no {key}");
        }
        assert!(rule["description"].contains(". "), "{alert} says what happened, but not what to do");
        let metrics = named(rule["expr"]);
        assert!(!metrics.is_empty(), "{alert} asks for no metric of ours");
        for (name, matchers) in metrics {
            let metric = METRICS.iter().find(|m| m.name == name);
            let Some(metric) = metric else { panic!("{alert}: there is no metric {name}") };
            for (label, value) in matchers {
                let known = metric.labels.iter().find(|(known, _)| *known == label);
                let Some((_, values)) = known else { panic!("{alert}: {name} has no label {label}") };
                for value in value.split('|') {
                    assert!(
                        values.is_empty() || values.contains(&value),
                        "{alert}: {label} is never {value}"
                    );
                }
            }
        }
    }
}

/// The reading itself: it must see what is wrong.
#[test]
fn a_misspelt_metric_is_seen() {
    let found =
        named("rate(gatepost_http_request_seconds_bucket{route=\"/v1\",method!=\"GET\"}[5m]) > gatepost_x");
    assert_eq!(found[0].0, "gatepost_http_request_seconds");
    assert_eq!(found[0].1[1], ("method".to_owned(), "GET".to_owned()));
    assert_eq!(found[1], ("gatepost_x".to_owned(), vec![]));
    assert!(METRICS.iter().all(|m| m.name != "gatepost_x"));
}

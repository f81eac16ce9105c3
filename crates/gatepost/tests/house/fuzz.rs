//! The fuzz targets: each calls a plain function of the crate that owns the parser, and the seeds pass.
//!
//! The folder `fuzz` is a workspace of its own, so nothing else would notice a target that was forgotten.

use std::collections::BTreeSet;
use std::fs;

use crate::{TestResult, report, root};

/// Every target, what it calls, and the same as a path: this table does not compile when a function goes.
macro_rules! targets {
    ($($name:literal => $function:path,)*) => {
        const TARGETS: &[(&str, &str, fn(&[u8]))] = &[$(($name, stringify!($function), $function),)*];
    };
}

targets! {
    "access_token" => gatepost_vault::fuzz::access_token,
    "api_key" => gatepost_vault::fuzz::api_key,
    "callback" => gatepost_channels::graph::fuzz_callback,
    "content" => gatepost_core::fuzz::content,
    "event_stream" => gatepost_net::fuzz::event_stream,
    "hub_signature" => gatepost_vault::fuzz::hub_signature,
    "json" => gatepost_core::fuzz::json,
    "network" => gatepost_core::fuzz::network,
    "optout" => gatepost_core::fuzz::optout,
    "origin" => gatepost_core::fuzz::origin,
    "passkey_answer" => gatepost_vault::fuzz::passkey_answer,
    "phone" => gatepost_core::fuzz::phone,
    "proxy_header" => gatepost_core::fuzz::proxy_header,
    "recipient" => gatepost_core::fuzz::recipient,
    "risk_counters" => gatepost_core::fuzz::risk_counters,
    "risk_words" => gatepost_core::fuzz::risk_words,
    "spoken" => gatepost_core::fuzz::spoken,
    "url_policy" => gatepost_net::fuzz::url_policy,
    "verification_record" => gatepost_core::fuzz::verification_record,
}

#[test]
fn every_fuzz_target_is_listed_calls_its_function_and_has_seeds() -> TestResult {
    let fuzz = root().join("fuzz");
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(fuzz.join("Cargo.toml"))?)?;
    let bins = manifest.get("bin").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let listed: BTreeSet<&str> = bins.iter().filter_map(|bin| bin.get("name")?.as_str()).collect();
    let mut faults = Vec::new();
    for (name, function, _) in TARGETS {
        if !listed.contains(name) {
            faults.push(format!("fuzz: fuzz/Cargo.toml has no [[bin]] {name}"));
        }
        let source = fs::read_to_string(fuzz.join("fuzz_targets").join(format!("{name}.rs")))?;
        let function = function.replace(' ', "");
        if !source.contains(&format!("{function}(bytes)")) {
            faults.push(format!("fuzz: fuzz/fuzz_targets/{name}.rs does not call {function}(bytes)"));
        }
        let seeds = fuzz.join("seeds").join(name);
        if !seeds.is_dir() || fs::read_dir(&seeds)?.next().is_none() {
            faults.push(format!("fuzz: {} holds no seed", seeds.display()));
        }
    }
    let mut known: BTreeSet<String> = TARGETS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    for entry in fs::read_dir(fuzz.join("fuzz_targets"))? {
        let name = entry?.file_name().to_string_lossy().trim_end_matches(".rs").to_owned();
        if !known.remove(&name) {
            faults.push(format!(
                "fuzz: the target {name} is not in the table of crates/gatepost/tests/house/fuzz.rs"
            ));
        }
    }
    for name in listed.iter().filter(|name| !TARGETS.iter().any(|(known, ..)| known == *name)) {
        faults.push(format!("fuzz: fuzz/Cargo.toml lists {name}, which no file is"));
    }
    report(&faults);
    Ok(())
}

#[test]
fn every_seed_passes() -> TestResult {
    for (name, _, function) in TARGETS {
        for seed in fs::read_dir(root().join("fuzz/seeds").join(name))? {
            function(&fs::read(seed?.path())?);
        }
    }
    Ok(())
}

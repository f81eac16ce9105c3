//! The headers that every answer carries, whatever its status.
//!
//! Defends against: an answer being framed, sniffed into a script, cached by somebody in between or sent on as a
//! referrer. The policy lets nothing load, because nothing here is a page with parts.

use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderName, HeaderValue};

pub const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

const ALWAYS: [(&str, &str); 9] = [
    (
        "content-security-policy",
        "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cache-control", "no-store"),
    (
        "permissions-policy",
        "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()",
    ),
];

/// Two years, as the preload lists ask for at least one.
const HSTS: (&str, &str) = ("strict-transport-security", "max-age=63072000; includeSubDomains");

/// The set; `https` where this address is reached over TLS, ours or a proxy's.
pub fn security(https: bool) -> HeaderMap {
    ALWAYS
        .into_iter()
        .chain(https.then_some(HSTS))
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

/// For answers that hold what a stranger made: should a browser show one all the same, it has no origin, runs nothing
/// and loads nothing.
const SANDBOX: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'");

/// Shuts in an answer that already carries the set.
pub fn confine(answer: &mut HeaderMap) {
    answer.insert(HeaderName::from_static("content-security-policy"), SANDBOX);
}

/// On a page of the console: it loads parts of its own, sends forms to this server, and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Page;

/// No `unsafe-*`, nothing inline, no other origin, no script that writes markup.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'",
);
/// To this server alone: where a browser sends no `Sec-Fetch-Site`, a form's `Origin` says where it came from, and with
/// `no-referrer` it would say `null`.
const PAGE_REFERRER: HeaderValue = HeaderValue::from_static("same-origin");

/// Lets an answer that already carries the set be a page.
pub fn open(answer: &mut HeaderMap) {
    answer.insert(HeaderName::from_static("content-security-policy"), PAGE_POLICY);
    answer.insert(HeaderName::from_static("referrer-policy"), PAGE_REFERRER);
}

/// On a page for visitors of another site: who may show it in a frame, and where its form may lead, as origins that were
/// parsed. Nothing else is let in beyond what a page of ours is.
#[derive(Debug, Clone, Default)]
pub struct Framed {
    pub ancestors: Vec<String>,
    pub leads_to: Vec<String>,
}

/// Lets an answer that already carries the set of a page be shown in a frame there.
pub fn frame(answer: &mut HeaderMap, framed: &Framed) {
    let list = |first: &str, rest: &[String]| {
        std::iter::once(first).chain(rest.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
    };
    let ancestors =
        if framed.ancestors.is_empty() { "'none'".to_owned() } else { framed.ancestors.join(" ") };
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action {}; base-uri 'none'; frame-ancestors {ancestors}; object-src 'none'; require-trusted-types-for 'script'",
        list("'self'", &framed.leads_to),
    );
    // Made of origins alone; should one not fit all the same, the page stays as closed as any.
    let Ok(policy) = HeaderValue::try_from(policy) else { return };
    answer.insert(HeaderName::from_static("content-security-policy"), policy);
    if !framed.ancestors.is_empty() {
        // It knows two words, and neither is a list; browsers that know the policy pass over it.
        answer.remove("x-frame-options");
        // A page that is isolated itself may show it too.
        answer.insert(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        );
    }
}

/// On an answer that never changes under its name.
#[derive(Debug, Clone, Copy)]
pub struct Immutable;

/// Lets an answer that already carries the set be kept for a year and not asked for again.
pub fn keep_for_ever(answer: &mut HeaderMap) {
    answer.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
}

/// On an answer that may be kept by whoever gets it, though none other may: for how many seconds.
#[derive(Debug, Clone, Copy)]
pub struct Cacheable(pub u32);

/// Lets an answer that already carries the set be kept.
pub fn keep(answer: &mut HeaderMap, Cacheable(seconds): Cacheable) {
    if let Ok(value) = HeaderValue::try_from(format!("public, max-age={seconds}")) {
        answer.insert(CACHE_CONTROL, value);
    }
}

/// Puts the set on an answer, over whatever it said itself.
pub fn apply(set: &HeaderMap, answer: &mut HeaderMap) {
    for (name, value) in set {
        answer.insert(name.clone(), value.clone());
    }
}

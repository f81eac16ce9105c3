//! An issuer's public keys (RFC 7517).
//!
//! Threat note. Defends against: keys too weak to mean anything (RSA below 2,048 bits), symmetric keys in a public set,
//! keys for encryption, key sets without end, and tokens with made-up key ids that make us ask the issuer again and
//! again: an unknown key is asked for at most once a minute.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::Timestamp;
use openidconnect::JsonWebKeySet;
use openidconnect::core::CoreJsonWebKey;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::Mutex;

use super::fault::{SsoFault, SsoReason};
use super::http::{Caller, document};
use super::provider::IssuerRule;

/// How long a set is taken as it was; a key that was withdrawn is believed no longer than this.
const FRESH: Duration = Duration::from_mins(10);
/// How often a set is asked for again because a key is missing.
const ASK_AGAIN: Duration = Duration::from_mins(1);
/// Keys looked at of one set.
const MAX_KEYS: usize = 100;
/// Smallest RSA modulus, bytes (RFC 7518 section 3.3: 2,048 bits or larger).
const MIN_RSA: usize = 256;

/// The usable keys of an issuer.
#[derive(Default)]
pub(super) struct KeySet(Vec<Key>);

struct Key {
    /// Whom Microsoft says it belongs to.
    issuer: Option<String>,
    key: CoreJsonWebKey,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// What decides whether a key is usable.
#[derive(Deserialize)]
struct Facts {
    kty: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    n: Option<String>,
    crv: Option<String>,
    issuer: Option<String>,
}

impl Facts {
    fn usable(&self) -> bool {
        if self.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
            return false;
        }
        match self.kty.as_str() {
            "RSA" => {
                let modulus =
                    self.n.as_ref().and_then(|n| URL_SAFE_NO_PAD.decode(n).ok()).unwrap_or_default();
                modulus.iter().skip_while(|byte| **byte == 0).count() >= MIN_RSA
            }
            "EC" => matches!(self.crv.as_deref(), Some("P-256" | "P-384")),
            _ => false,
        }
    }
}

impl KeySet {
    /// Reads a set. Keys that cannot be used are left out: a set may hold keys for others (RFC 7517 section 5).
    pub fn parse(text: &str) -> Option<Self> {
        let document: Document<'_> = serde_json::from_str(text).ok()?;
        let keys = document.keys.into_iter().take(MAX_KEYS).filter_map(|raw| {
            let facts: Facts = serde_json::from_str(raw.get()).ok()?;
            let key = serde_json::from_str(raw.get()).ok()?;
            facts.usable().then_some(Key { issuer: facts.issuer, key })
        });
        Some(Self(keys.collect()))
    }

    /// Those that may sign for `issuer`.
    pub fn of(&self, rule: &IssuerRule, issuer: &str) -> JsonWebKeySet<CoreJsonWebKey> {
        let fitting = self.0.iter().filter(|key| rule.key_fits(key.issuer.as_deref(), issuer));
        JsonWebKeySet::new(fitting.map(|key| key.key.clone()).collect())
    }
}

/// The last known set of an issuer.
#[derive(Default)]
pub(super) struct KeyMemory(Mutex<Option<Known>>);

struct Known {
    url: String,
    read_at: Timestamp,
    set: Arc<KeySet>,
}

impl KeyMemory {
    pub async fn get(&self, url: &str, caller: &Caller, now: Timestamp) -> Result<Arc<KeySet>, SsoFault> {
        let mut known = self.0.lock().await;
        match known.as_ref() {
            Some(known) if known.url == url && now.since(known.read_at) < FRESH => Ok(Arc::clone(&known.set)),
            _ => read(&mut known, url, caller, now).await,
        }
    }

    /// A set that is not `old`; `key_unknown` where it was read a moment ago.
    pub async fn newer(
        &self,
        url: &str,
        caller: &Caller,
        now: Timestamp,
        old: &Arc<KeySet>,
    ) -> Result<Arc<KeySet>, SsoFault> {
        let mut known = self.0.lock().await;
        match known.as_ref() {
            // Somebody else was faster.
            Some(known) if !Arc::ptr_eq(&known.set, old) => Ok(Arc::clone(&known.set)),
            Some(known) if now.since(known.read_at) < ASK_AGAIN => {
                Err(SsoFault::new(SsoReason::KeyUnknown, "the key set was read a moment ago"))
            }
            _ => read(&mut known, url, caller, now).await,
        }
    }
}

async fn read(
    known: &mut Option<Known>,
    url: &str,
    caller: &Caller,
    now: Timestamp,
) -> Result<Arc<KeySet>, SsoFault> {
    let answer = caller.get(url, &[("accept", "application/json, application/jwk-set+json")]).await;
    let answer = answer.map_err(|failure| SsoFault::call(SsoReason::KeysUnavailable, &failure))?;
    let text: Option<Box<RawValue>> = document(&answer);
    let set = text.and_then(|text| KeySet::parse(text.get()));
    let set = Arc::new(set.ok_or_else(|| SsoFault::new(SsoReason::KeysUnavailable, "not a key set"))?);
    *known = Some(Known { url: url.to_owned(), read_at: now, set: Arc::clone(&set) });
    Ok(set)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    fn rsa(bytes: usize) -> String {
        let mut modulus = vec![0xc1; bytes];
        modulus[bytes - 1] = 1;
        URL_SAFE_NO_PAD.encode(modulus)
    }

    fn count(key: &serde_json::Value) -> usize {
        KeySet::parse(&json!({ "keys": [key] }).to_string()).unwrap().0.len()
    }

    #[test]
    fn keys_that_mean_nothing_are_left_out() {
        let coordinate = URL_SAFE_NO_PAD.encode([7; 32]);
        let good =
            json!({"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", "n": rsa(256), "e": "AQAB"});
        assert_eq!(count(&good), 1);
        assert_eq!(count(&json!({"kty": "EC", "crv": "P-256", "x": coordinate, "y": coordinate})), 1);
        for bad in [
            json!({"kty": "RSA", "n": rsa(255), "e": "AQAB"}),
            json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([[0; 192], [7; 192]].concat()), "e": "AQAB"}),
            json!({"kty": "RSA", "e": "AQAB"}),
            json!({"kty": "RSA", "use": "enc", "n": rsa(256), "e": "AQAB"}),
            json!({"kty": "oct", "k": "c2VjcmV0"}),
            json!({"kty": "EC", "crv": "secp256k1", "x": coordinate, "y": coordinate}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": coordinate}),
            json!({"n": rsa(256), "e": "AQAB"}),
            json!("RSA"),
            json!(null),
        ] {
            assert_eq!(count(&bad), 0, "{bad}");
        }
        let many = json!({ "keys": vec![good; 200] }).to_string();
        assert_eq!(KeySet::parse(&many).unwrap().0.len(), MAX_KEYS);
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
            assert!(KeySet::parse(text).is_none(), "{text}");
        }
    }
}

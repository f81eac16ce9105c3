//! The fuzz bodies of this crate's parsers: plain functions over any bytes, so that any fuzzer can drive them, and
//! proptest does with every test run. Each says what must hold of whatever comes; none may panic otherwise.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::access::TokenDigest;
use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, Entropy, SessionId, Timestamp, TokenFamilyId, UserId};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::access_token::{AccessClaims, AccessTokenFault, AccessTokenKey, TokenSubject};
use crate::api_key::{API_KEY_LEN, ApiKeyToken};
use crate::digest::sha256;
use crate::meta::AppSecret;
use crate::passkey::{PasskeyPerson, Passkeys};

/// Three lines: a secret, a header, a body (all that is left). The header opens the body exactly when it is the
/// signature, its digits of either case.
pub fn hub_signature(bytes: &[u8]) {
    let mut lines = bytes.splitn(3, |b| *b == b'\n').map(String::from_utf8_lossy);
    let (Some(secret), Some(header), Some(body)) = (lines.next(), lines.next(), lines.next()) else { return };
    let Ok(secret) = AppSecret::new(&secret) else { return };
    let signature = secret.sign(body.as_bytes());
    assert!(secret.verify(body.as_bytes(), &signature), "its own signature is refused");
    let digits = |text: &str| text.strip_prefix("sha256=").map(str::to_ascii_lowercase);
    let right = digits(&header) == digits(&signature);
    assert_eq!(secret.verify(body.as_bytes(), &header), right, "{header}");
}

/// Entropy that is not: what is wanted is every key there could be.
struct Given<'b>(&'b [u8]);

impl Entropy for Given<'_> {
    fn fill(&self, buffer: &mut [u8]) {
        for (slot, byte) in buffer.iter_mut().zip(self.0.iter().chain(std::iter::repeat(&0))) {
            *slot = *byte;
        }
    }
}

/// A text that is read as an API key is whole; every key that could be made is read, and no neighbour of it is.
pub fn api_key(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    if let Ok(token) = ApiKeyToken::parse(text) {
        assert_eq!(text.len(), API_KEY_LEN, "the length");
        assert!(token.digest == TokenDigest::new(sha256(text.as_bytes())), "the digest");
    }
    let [at, with, live, ..] = *bytes else { return };
    let mode = if live % 2 == 0 { Mode::Live } else { Mode::Test };
    let mut id = [0; 16];
    Given(&bytes[2..]).fill(&mut id);
    let id = ApiKeyId::from_uuid(Uuid::from_bytes(id));
    let (plain, digest) = ApiKeyToken::generate(mode, id, &Given(bytes));
    let made = ApiKeyToken::parse(plain.expose());
    assert!(made == Ok(ApiKeyToken { mode, key_id: id, digest }), "a key that was made is not read");
    let mut near = plain.expose().as_bytes().to_vec();
    let at = usize::from(at) % near.len();
    near[at] = near[at].wrapping_add(with) & 0x7f;
    let near = String::from_utf8_lossy(&near);
    assert!(near == plain.expose() || ApiKeyToken::parse(&near).is_err(), "a neighbour is read as well");
}

/// Text after the first three bytes is read as an access token: what is read was signed by the key, and reads back to
/// the same text. A neighbour of a token that was made (one byte of it changed, or cut) is never read.
pub fn access_token(bytes: &[u8]) {
    let [at, with, cut, rest @ ..] = bytes else { return };
    let key = AccessTokenKey::generate(&Given(b"a key that is no secret"));
    let now = Timestamp::from_seconds(0);
    if let Ok(text) = std::str::from_utf8(rest)
        && let Ok(claims) = key.verify(text, now)
    {
        assert!(key.sign(&claims).expose() == text, "two texts for one token");
    }
    let mut fields = [0; 24];
    Given(rest).fill(&mut fields);
    let number = |part: &[u8]| part.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let (family, id, expires) = (number(&fields[..8]), number(&fields[8..16]), number(&fields[16..]));
    let claims = AccessClaims {
        subject: TokenSubject::Session(SessionId::from_uuid(Uuid::from_u128(u128::from(id)))),
        workspace: None,
        mode: [None, Some(Mode::Test), Some(Mode::Live)][usize::from(*cut % 3)],
        family: TokenFamilyId::from_uuid(Uuid::from_u128(u128::from(family))),
        issued: now,
        expires: Timestamp::from_micros(expires.cast_signed()),
    };
    let text = key.sign(&claims);
    let right = if claims.expires > now { Ok(claims) } else { Err(AccessTokenFault::Expired) };
    assert_eq!(key.verify(text.expose(), now), right, "a token that was made");
    let mut near = text.expose().as_bytes().to_vec();
    let at = usize::from(*at) % near.len();
    near[at] = near[at].wrapping_add(*with) & 0x7f;
    near.truncate(near.len() - usize::from(*cut) % 3);
    let near = String::from_utf8_lossy(&near);
    let refused = key.verify(&near, now) == Err(AccessTokenFault::NotOurs);
    assert!(near == text.expose().as_str() || refused, "a neighbour is read as well");
}

/// A passkey whose private key nobody has.
const STORED: &[u8] = br#"{"cred":{"cred_id":"lwnaLYmLuovOX0XVkRHUCIWq4sJJ5Q8mDoVNmWe_FDM","cred":{"type_":"ES256","key":{"EC_EC2":{"curve":"SECP256R1","x":"Q7ryqQRE_f8I6o9YNdzlytAU5LoXFowPE7LBCxOKKWQ","y":"KFADeBdY-h8i2GUId3FeEnooT4TDeKfxlmKavlXh6mM"}}},"counter":1,"transports":null,"user_verified":true,"backup_eligible":false,"backup_state":false,"registration_policy":"required","extensions":{"cred_protect":"Ignored","hmac_create_secret":"NotRequested","appid":"NotRequested","cred_props":{"Unsigned":{"rk":true}}},"attestation":{"data":"None","metadata":"None"},"attestation_format":"none"}}"#;

/// The bytes as a browser's whole answer, as an attestation, within one, and as what an authenticator signs: whatever
/// comes is read or refused, and no answer without the private key opens anything.
pub fn passkey_answer(bytes: &[u8]) {
    let site =
        Url::parse("http://localhost").ok().and_then(|origin| Passkeys::new(&origin, &[], "Gatepost").ok());
    let Some(site) = site else { return };
    let owner = UserId::from_uuid(Uuid::from_u128(7));
    let person = PasskeyPerson { id: owner, name: "ann@example.com", display_name: "Ann" };
    let (Ok(making), Ok(using)) = (site.make_start(person, &[]), site.use_start()) else { return };
    let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let client_data = |kind: &str, options: &str| {
        let options: Value = serde_json::from_str(options).unwrap_or_default();
        let data = json!({ "type": kind, "challenge": options["challenge"], "origin": "http://localhost" });
        base64(data.to_string().as_bytes())
    };

    let text = String::from_utf8_lossy(bytes);
    let _ = Passkeys::answered(&text);
    let _ = site.make_finish(making.state.expose(), &text);
    assert!(site.use_finish(using.state.expose(), &text, STORED, owner).is_err(), "{text}");

    // A map of three: "fmt" is "none", "attStmt" is empty, "authData" holds a right head and then the bytes.
    let head = [&sha256(b"localhost")[..], &[0xc5, 0, 0, 0, 1]].concat();
    let data = [&head[..], bytes].concat();
    let mut within = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
    within.extend_from_slice(&u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes());
    within.extend_from_slice(&data);
    for attestation in [bytes, &within] {
        let response = json!({
            "clientDataJSON": client_data("webauthn.create", &making.options), "attestationObject": base64(attestation),
        });
        let id = base64(attestation.get(..32).unwrap_or(attestation));
        let answer = json!({ "id": id, "rawId": id, "type": "public-key", "response": response });
        let _ = site.make_finish(making.state.expose(), &answer.to_string());
    }

    let id = "lwnaLYmLuovOX0XVkRHUCIWq4sJJ5Q8mDoVNmWe_FDM";
    let (first, second) = bytes.split_at(bytes.len() / 2);
    for authenticator_data in [bytes, &data] {
        let response = json!({
            "clientDataJSON": client_data("webauthn.get", &using.options), "userHandle": base64(owner.uuid().as_bytes()),
            "authenticatorData": base64(authenticator_data), "signature": base64(if first.is_empty() { second } else { first }),
        });
        let answer = json!({ "id": id, "rawId": id, "type": "public-key", "response": response }).to_string();
        assert!(site.use_finish(using.state.expose(), &answer, STORED, owner).is_err(), "{answer}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn hub_signatures(bytes: Vec<u8>, secret in ".{0,40}", header in "(sha256=)?[0-9a-fA-F]{0,70}", body: Vec<u8>) {
            hub_signature(&bytes);
            let mut lines = format!("{secret}\n{header}\n").into_bytes();
            lines.extend_from_slice(&body);
            hub_signature(&lines);
        }

        #[test]
        fn access_tokens(bytes: Vec<u8>, like in "(gp_at_)?[-_0-9A-Za-z=]{0,130}") {
            access_token(&bytes);
            let mut text = b"abc".to_vec();
            text.extend_from_slice(like.as_bytes());
            access_token(&text);
        }

        #[test]
        fn passkey_answers(bytes: Vec<u8>, like in "\\{(\"(id|rawId|type|response)\":(\"[-_0-9A-Za-z]{0,9}\"|\\{\\}|7|null),?){0,4}\\}") {
            passkey_answer(&bytes);
            passkey_answer(like.as_bytes());
        }

        #[test]
        fn api_keys(bytes: Vec<u8>, like in "gp_(live|test)_[0-9A-Za-z]{65}_[0-9A-Za-z]{6}") {
            api_key(&bytes);
            api_key(like.as_bytes());
        }
    }
}

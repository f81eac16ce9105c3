//! An authenticator in software: makes passkeys and answers with them as a browser with a security key does, and lies in
//! every way that a test asks for.
//!
//! It knows nothing of Gatepost: it reads the options that a page gets and writes what `credential.toJSON()` gives
//! (WebAuthn level 3, section 5.1), so that the vault's own tests use it as well.
#![expect(clippy::expect_used, reason = "a test kit: what does not work must fail the test")]

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const ATTESTED: u8 = 0x40;

/// How an answer differs from an honest one. `Manner::default()` is honest.
#[expect(clippy::struct_excessive_bools, reason = "each is a bit or a field of the standard's own")]
#[derive(Debug, Clone)]
pub struct Manner {
    /// Instead of the page's origin.
    pub origin: Option<String>,
    /// Instead of `webauthn.create` or `webauthn.get`.
    pub kind: Option<&'static str>,
    /// Instead of the challenge that was asked.
    pub challenge: Option<Vec<u8>>,
    /// Whose hash stands in the authenticator's data, instead of the options' host.
    pub rp_id: Option<&'static str>,
    pub cross_origin: bool,
    pub top_origin: Option<&'static str>,
    pub user_present: bool,
    pub user_verified: bool,
    /// Whether it says that the passkey is kept in a cloud account.
    pub synced: bool,
    /// How far the counter goes; 0 for a device without one, less for one that was copied.
    pub count: i64,
    /// A bit of the signature to flip.
    pub signature_bit: Option<usize>,
    /// Whose passkey it says it is, instead of the person it was made for; `Some(vec![])` for nobody.
    pub user_handle: Option<Vec<u8>>,
    /// Whether the browser says that the passkey is discoverable.
    pub discoverable: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            origin: None,
            kind: None,
            challenge: None,
            rp_id: None,
            cross_origin: false,
            top_origin: None,
            user_present: true,
            user_verified: true,
            synced: false,
            count: 1,
            signature_bit: None,
            user_handle: None,
            discoverable: true,
        }
    }
}

/// One passkey on one device.
#[derive(Clone)]
pub struct SoftPasskey {
    key: std::sync::Arc<EcdsaKeyPair>,
    id: Vec<u8>,
    person: Vec<u8>,
    counter: u32,
}

impl SoftPasskey {
    /// Makes a passkey for `options` (of `parseCreationOptionsFromJSON`) on a page of `origin`; the answer to send.
    ///
    /// # Panics
    /// Where the options lack something, or ask for what this device cannot do.
    pub fn make(options: &str, origin: &str, manner: &Manner) -> (Self, String) {
        let options: Value = serde_json::from_str(options).expect("options are JSON");
        let algorithms = options["pubKeyCredParams"].as_array().expect("algorithms");
        assert!(algorithms.iter().any(|entry| entry["alg"] == -7), "ES256 is offered");
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let point = key.public_key().as_ref().to_vec();
        let mut passkey = Self {
            key: std::sync::Arc::new(key),
            // A device of its own: the id is random on real ones, and as unique here.
            id: digest(&SHA256, &point).as_ref().to_vec(),
            person: bytes(&options["user"]["id"]),
            counter: 0,
        };
        let client_data = client_data(&options, "webauthn.create", origin, manner);
        let mut data = passkey.authenticator_data(&options["rp"]["id"], ATTESTED, manner);
        data.extend_from_slice(&[0; 16]);
        data.extend_from_slice(&u16::try_from(passkey.id.len()).expect("a short id").to_be_bytes());
        data.extend_from_slice(&passkey.id);
        data.extend_from_slice(&cose_key(&point));
        let mut attestation = Vec::new();
        cbor_head(&mut attestation, 5, 3);
        cbor_text(&mut attestation, "fmt");
        cbor_text(&mut attestation, "none");
        cbor_text(&mut attestation, "attStmt");
        cbor_head(&mut attestation, 5, 0);
        cbor_text(&mut attestation, "authData");
        cbor_bytes(&mut attestation, &data);
        let answer = json!({
            "id": text(&passkey.id),
            "rawId": text(&passkey.id),
            "type": "public-key",
            "authenticatorAttachment": "cross-platform",
            "clientExtensionResults": { "credProps": { "rk": manner.discoverable } },
            "response": {
                "clientDataJSON": text(&client_data),
                "attestationObject": text(&attestation),
                "authenticatorData": text(&data),
                "publicKeyAlgorithm": -7,
                "transports": ["usb", "smart-card"],
            },
        });
        (passkey, answer.to_string())
    }

    /// Answers `options` (of `parseRequestOptionsFromJSON`) on a page of `origin`.
    ///
    /// # Panics
    /// Where the options lack something.
    #[expect(clippy::disallowed_methods, reason = "a device has a generator of its own")]
    pub fn answer(&mut self, options: &str, origin: &str, manner: &Manner) -> String {
        let options: Value = serde_json::from_str(options).expect("options are JSON");
        let client_data = client_data(&options, "webauthn.get", origin, manner);
        let data = self.authenticator_data(&options["rpId"], 0, manner);
        let mut signed = data.clone();
        signed.extend_from_slice(digest(&SHA256, &client_data).as_ref());
        let mut signature =
            self.key.sign(&SystemRandom::new(), &signed).expect("a signature").as_ref().to_vec();
        if let Some(bit) = manner.signature_bit {
            let at = bit / 8 % signature.len();
            signature[at] ^= 1 << (bit % 8);
        }
        let mut response = json!({
            "clientDataJSON": text(&client_data),
            "authenticatorData": text(&data),
            "signature": text(&signature),
        });
        let person = manner.user_handle.as_ref().unwrap_or(&self.person);
        if !person.is_empty() {
            response["userHandle"] = json!(text(person));
        }
        let answer = json!({
            "id": text(&self.id),
            "rawId": text(&self.id),
            "type": "public-key",
            "authenticatorAttachment": "cross-platform",
            "clientExtensionResults": {},
            "response": response,
        });
        answer.to_string()
    }

    /// The credential id.
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// Says that it is another passkey than it is.
    pub fn pretend(&mut self, id: &[u8]) {
        self.id = id.to_vec();
    }

    fn authenticator_data(&mut self, rp_id: &Value, flags: u8, manner: &Manner) -> Vec<u8> {
        let rp_id = manner.rp_id.or_else(|| rp_id.as_str()).expect("a host");
        let mut flags = flags;
        for (set, flag) in [
            (manner.user_present, USER_PRESENT),
            (manner.user_verified, USER_VERIFIED),
            (manner.synced, BACKUP_ELIGIBLE | BACKED_UP),
        ] {
            if set {
                flags |= flag;
            }
        }
        self.counter = u32::try_from(i64::from(self.counter) + manner.count).unwrap_or(0);
        let mut data = digest(&SHA256, rp_id.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend_from_slice(&self.counter.to_be_bytes());
        data
    }
}

fn client_data(options: &Value, kind: &str, origin: &str, manner: &Manner) -> Vec<u8> {
    let challenge = manner.challenge.clone().unwrap_or_else(|| bytes(&options["challenge"]));
    let mut data = json!({
        "type": manner.kind.unwrap_or(kind),
        "challenge": text(&challenge),
        "origin": manner.origin.as_deref().unwrap_or(origin),
        "crossOrigin": manner.cross_origin,
    });
    if let Some(top) = manner.top_origin {
        data["topOrigin"] = json!(top);
    }
    data.to_string().into_bytes()
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn bytes(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().expect("a text")).expect("base64url")
}

/// The COSE key (RFC 9053) of a P-256 point in its uncompressed form: key type 2, algorithm -7, curve 1, x, y.
fn cose_key(point: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    cbor_head(&mut out, 5, 5);
    out.extend_from_slice(&[0x01, 0x02, 0x03, 0x26, 0x20, 0x01]);
    out.push(0x21);
    cbor_bytes(&mut out, &point[1..33]);
    out.push(0x22);
    cbor_bytes(&mut out, &point[33..65]);
    out
}

/// The head of a CBOR item (RFC 8949, section 3): major type and length.
fn cbor_head(out: &mut Vec<u8>, major: u8, length: usize) {
    let major = major << 5;
    match u8::try_from(length) {
        Ok(short @ ..24) => out.push(major | short),
        Ok(byte) => out.extend_from_slice(&[major | 0x18, byte]),
        Err(_) => {
            out.push(major | 0x19);
            out.extend_from_slice(&u16::try_from(length).expect("below 65,536").to_be_bytes());
        }
    }
}

fn cbor_text(out: &mut Vec<u8>, value: &str) {
    cbor_head(out, 3, value.len());
    out.extend_from_slice(value.as_bytes());
}

fn cbor_bytes(out: &mut Vec<u8>, value: &[u8]) {
    cbor_head(out, 2, value.len());
    out.extend_from_slice(value);
}

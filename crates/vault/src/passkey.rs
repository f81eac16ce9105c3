//! Passkeys (WebAuthn level 3): made discoverable and used with user verification only, so that one alone is two
//! factors, and signs in without a user name.
//!
//! Each ceremony has two steps. The first gives options for the browser (JSON for
//! `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`) and a state; the caller seals
//! the state, keeps it for a few minutes, and takes it away when the answer comes, so that it serves once. The second
//! takes that state and what the browser's `credential.toJSON()` gave.
//!
//! Threat note. Defends against: phishing (an answer is bound to our origin and host, both compared exactly); replay
//! (each state has a challenge of its own, and serves once if the caller takes it away); a stolen device without its
//! PIN or finger (user verification is required, at making and at every use); a passkey of one person opening another's
//! account (the person is in the state or must be named by the authenticator, and is compared with the owner); a copied
//! security key (its counter must grow). Does not defend against: somebody who gets into the cloud account that syncs
//! a person's passkeys; malware on the machine that signs in. Attestation is not asked for: which maker's device it is
//! does not matter here. Challenges come from the library's own generator, which the operating system seeds.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::{Secret, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::{Host, Url};
use uuid::Uuid;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Webauthn, WebauthnBuilder, WebauthnError,
};

/// An answer longer than this in bytes is none. Those of real authenticators have two or three thousand.
pub const LONGEST_ANSWER: usize = 32 * 1024;

/// Why passkeys cannot be used at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasskeySite {
    /// Neither `https`, nor `http` on the name `localhost`: browsers refuse.
    Insecure,
    /// An IP address: passkeys are bound to names.
    NoName,
}

impl fmt::Display for PasskeySite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Insecure => "passkeys need https, or http on localhost",
            Self::NoName => "passkeys are bound to a host's name, and this address has none",
        })
    }
}

impl std::error::Error for PasskeySite {}

/// Why an answer was refused. For the log: the person is told the same for all but [`PasskeyFault::AlreadyThere`] and
/// [`PasskeyFault::NotDiscoverable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasskeyFault {
    /// The answer is not what a browser sends.
    Malformed,
    /// The kept state is of another ceremony, or of another version of this program.
    State,
    /// The answer is to another challenge, or for another ceremony.
    Challenge,
    /// Made for another site, or in a frame of one.
    Origin,
    /// The authenticator did not see a person, or did not verify which.
    NotVerified,
    Signature,
    /// The signature counter did not grow: two devices hold the same key. A security event.
    Cloned,
    /// Not one of the passkeys that were asked for, or not the one whose stored form was given.
    UnknownPasskey,
    /// It names another person than the one it belongs to, or names nobody where it must.
    OtherPerson,
    /// The browser says that it cannot be found without a user name.
    NotDiscoverable,
    /// This authenticator holds a passkey of this account already.
    AlreadyThere,
    /// The stored bytes of a passkey are none.
    Stored,
    /// An algorithm, form or flag that is not taken.
    Unsupported,
}

impl PasskeyFault {
    /// Whether it is more than somebody's mistake.
    pub const fn is_security_event(self) -> bool {
        matches!(self, Self::Cloned | Self::Signature | Self::Origin | Self::OtherPerson)
    }
}

impl fmt::Display for PasskeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the answer is not what a browser sends",
            Self::State => "the kept state belongs to another ceremony",
            Self::Challenge => "the answer is to another challenge",
            Self::Origin => "the answer was made for another site",
            Self::NotVerified => "the authenticator did not verify the person",
            Self::Signature => "the signature is wrong",
            Self::Cloned => "the signature counter did not grow: the passkey may have been copied",
            Self::UnknownPasskey => "not one of the passkeys that were asked for",
            Self::OtherPerson => "the passkey belongs to another person",
            Self::NotDiscoverable => "the passkey could not be made discoverable",
            Self::AlreadyThere => "this device holds a passkey of this account already",
            Self::Stored => "the stored passkey cannot be read",
            Self::Unsupported => "the authenticator's algorithm or answer is not supported",
        })
    }
}

impl std::error::Error for PasskeyFault {}

impl From<WebauthnError> for PasskeyFault {
    fn from(error: WebauthnError) -> Self {
        use WebauthnError as E;
        match error {
            E::InvalidClientDataType | E::MismatchedChallenge => Self::Challenge,
            E::InvalidRPOrigin | E::InvalidRPIDHash | E::CredentialCrossOrigin => Self::Origin,
            E::UserNotPresent | E::UserNotVerified => Self::NotVerified,
            E::AuthenticationFailure | E::SignatureInvalid | E::AttestationStatementSigInvalid => {
                Self::Signature
            }
            E::CredentialPossibleCompromise => Self::Cloned,
            E::CredentialNotFound => Self::UnknownPasskey,
            E::InvalidUserUniqueId => Self::OtherPerson,
            E::ParseCBORFailure(_)
            | E::ParseJSONFailure(_)
            | E::ParseNOMFailure
            | E::ParseInsufficientBytesAvailable
            | E::MissingAttestationCredentialData => Self::Malformed,
            _ => Self::Unsupported,
        }
    }
}

/// Whose passkey is made. The texts are for the person's own list of passkeys, and are stored on the device.
#[derive(Debug, Clone, Copy)]
pub struct PasskeyPerson<'a> {
    pub id: UserId,
    /// The e-mail address.
    pub name: &'a str,
    pub display_name: &'a str,
}

/// The first step's outcome.
pub struct Ceremony {
    /// JSON for the browser.
    pub options: String,
    /// To be sealed, kept for minutes, and taken away when it is used.
    pub state: Secret<Vec<u8>>,
}

/// A passkey that was made.
#[derive(Debug, Clone)]
pub struct NewPasskey {
    /// The credential id: unique over all people, and what an answer names.
    pub id: Vec<u8>,
    /// What to store (it holds a public key, no secret).
    pub stored: Vec<u8>,
    /// Whether it is kept in a cloud account as well, so that losing the device does not lose it.
    pub synced: bool,
}

/// Which passkey an answer claims to be of: to find the stored one. Nothing is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub id: Vec<u8>,
    /// The person that the authenticator keeps with it; absent where a list of passkeys was given.
    pub person: Option<UserId>,
}

/// An answer that was verified.
#[derive(Debug, Clone)]
pub struct Proven {
    /// What to store instead, where counter or flags changed. Storing it must be a compare-and-set with what was
    /// read, so that two answers of copied keys do not both pass.
    pub stored: Option<Vec<u8>>,
    pub synced: bool,
}

#[derive(Serialize, Deserialize)]
enum State {
    Making(Making),
    Using(Using),
}

#[derive(Serialize, Deserialize)]
struct Making {
    excluded: Vec<Vec<u8>>,
    inner: PasskeyRegistration,
}

#[derive(Serialize, Deserialize)]
struct Using {
    /// The person who is half signed in already; `None` where the passkey itself says who.
    person: Option<UserId>,
    /// The passkeys that were asked for; empty for any.
    allowed: Vec<Vec<u8>>,
    inner: DiscoverableAuthentication,
}

/// The passkeys of one address of the console.
pub struct Passkeys {
    webauthn: Webauthn,
    /// Where answers may come from, to the letter.
    origins: Vec<String>,
}

impl fmt::Debug for Passkeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passkeys({})", self.origins.join(", "))
    }
}

impl Passkeys {
    /// `origin` is where people open the console; its path does not matter. Passkeys are bound to its host, so they are
    /// lost when the host changes. `name` is what the browser calls the site. With `ports`, pages of ours at these ports
    /// of the same host take the same passkeys.
    pub fn new(origin: &Url, ports: &[u16], name: &str) -> Result<Self, PasskeySite> {
        let Some(Host::Domain(host)) = origin.host() else {
            return Err(PasskeySite::NoName);
        };
        let local = host == "localhost" || host.ends_with(".localhost");
        if origin.scheme() != "https" && !(origin.scheme() == "http" && local) {
            return Err(PasskeySite::Insecure);
        }
        let mut sites = vec![origin.clone()];
        for port in ports {
            let mut site = origin.clone();
            site.set_port(Some(*port)).map_err(|()| PasskeySite::NoName)?;
            sites.push(site);
        }
        let builder = WebauthnBuilder::new(host, origin).map_err(|_| PasskeySite::NoName)?;
        let builder = sites.iter().skip(1).fold(builder, WebauthnBuilder::append_allowed_origin);
        let webauthn = builder.rp_name(name).build().map_err(|_| PasskeySite::NoName)?;
        let origins = sites.iter().map(|site| site.origin().ascii_serialization()).collect();
        Ok(Self { webauthn, origins })
    }

    /// Where pages must be open for passkeys to work: scheme, host and port, the console's own first.
    pub fn origins(&self) -> &[String] {
        &self.origins
    }

    /// Begins the making of a passkey. `existing` are the ids of the person's passkeys: an authenticator that holds one of
    /// them makes no other.
    pub fn make_start(
        &self,
        person: PasskeyPerson<'_>,
        existing: &[Vec<u8>],
    ) -> Result<Ceremony, PasskeyFault> {
        let (options, inner) = self.webauthn.start_passkey_registration(
            person.id.uuid(),
            person.name,
            person.display_name,
            Some(existing.to_vec()),
        )?;
        let mut options = public_key(&options)?;
        // The library leaves it to the device whether a passkey can be found without a user name; here it must.
        if let Some(selection) = options.get_mut("authenticatorSelection").and_then(Value::as_object_mut) {
            selection.insert("residentKey".to_owned(), json!("required"));
            selection.insert("requireResidentKey".to_owned(), json!(true));
        }
        ceremony(&options, &State::Making(Making { excluded: existing.to_vec(), inner }))
    }

    /// Ends it.
    pub fn make_finish(&self, state: &[u8], answer: &str) -> Result<NewPasskey, PasskeyFault> {
        let State::Making(state) = opened(state)? else {
            return Err(PasskeyFault::State);
        };
        let answer = parsed(answer)?;
        self.check_client_data(&answer)?;
        let read: RegisterPublicKeyCredential =
            serde_json::from_value(answer.clone()).map_err(|_| PasskeyFault::Malformed)?;
        if state.excluded.contains(&read.raw_id) {
            return Err(PasskeyFault::AlreadyThere);
        }
        let passkey = self.webauthn.finish_passkey_registration(&read, &state.inner)?;
        // The id of the signed part counts, and browsers send no other.
        if *passkey.cred_id() != read.raw_id {
            return Err(PasskeyFault::Malformed);
        }
        if state.excluded.contains(passkey.cred_id()) {
            return Err(PasskeyFault::AlreadyThere);
        }
        // Unsigned, but from the person's own browser: better told now than at the next sign-in.
        if answer.pointer("/clientExtensionResults/credProps/rk") == Some(&Value::Bool(false)) {
            return Err(PasskeyFault::NotDiscoverable);
        }
        let stored = serde_json::to_vec(&passkey).map_err(|_| PasskeyFault::Unsupported)?;
        let synced = synced(&stored);
        Ok(NewPasskey { id: passkey.cred_id().clone(), stored, synced })
    }

    /// The credential id of a stored passkey.
    pub fn id_of(stored: &[u8]) -> Result<Vec<u8>, PasskeyFault> {
        let passkey: Passkey = serde_json::from_slice(stored).map_err(|_| PasskeyFault::Stored)?;
        Ok(passkey.cred_id().clone())
    }

    /// Begins a sign-in by passkey alone: whoever has one for this site says by it who they are.
    pub fn use_start(&self) -> Result<Ceremony, PasskeyFault> {
        self.start(None, &[])
    }

    /// Begins the second step of a sign-in, or a fresh proof, of a person who has these passkeys.
    pub fn use_start_of(&self, person: UserId, existing: &[Vec<u8>]) -> Result<Ceremony, PasskeyFault> {
        if existing.is_empty() {
            return Err(PasskeyFault::UnknownPasskey);
        }
        self.start(Some(person), existing)
    }

    fn start(&self, person: Option<UserId>, allowed: &[Vec<u8>]) -> Result<Ceremony, PasskeyFault> {
        let (options, inner) = self.webauthn.start_discoverable_authentication()?;
        let mut options = public_key(&options)?;
        let listed = |id: &Vec<u8>| json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(id) });
        options.insert("allowCredentials".to_owned(), allowed.iter().map(listed).collect());
        // What the library asks for here was taken out of the standard.
        options.remove("extensions");
        ceremony(&options, &State::Using(Using { person, allowed: allowed.to_vec(), inner }))
    }

    /// Which passkey an answer is of, so that the stored one can be found.
    pub fn answered(answer: &str) -> Result<Answered, PasskeyFault> {
        let read: PublicKeyCredential =
            serde_json::from_value(parsed(answer)?).map_err(|_| PasskeyFault::Malformed)?;
        let person = match read.response.user_handle.as_deref() {
            None | Some([]) => None,
            Some(handle) => {
                Some(Uuid::from_slice(handle).map(UserId::from_uuid).map_err(|_| PasskeyFault::OtherPerson)?)
            }
        };
        Ok(Answered { id: read.raw_id, person })
    }

    /// Ends a sign-in. `stored` is the passkey with the answer's id, and `owner` the person that it belongs to by our own
    /// record.
    pub fn use_finish(
        &self,
        state: &[u8],
        answer: &str,
        stored: &[u8],
        owner: UserId,
    ) -> Result<Proven, PasskeyFault> {
        let State::Using(state) = opened(state)? else {
            return Err(PasskeyFault::State);
        };
        let claimed = Self::answered(answer)?;
        let answer = parsed(answer)?;
        self.check_client_data(&answer)?;
        if state.person.is_some_and(|person| person != owner) {
            return Err(PasskeyFault::OtherPerson);
        }
        // Where nobody was asked for by name, the authenticator must name the person.
        if claimed.person.or(state.person) != Some(owner) {
            return Err(PasskeyFault::OtherPerson);
        }
        if !state.allowed.is_empty() && !state.allowed.contains(&claimed.id) {
            return Err(PasskeyFault::UnknownPasskey);
        }
        let mut passkey: Passkey = serde_json::from_slice(stored).map_err(|_| PasskeyFault::Stored)?;
        let read: PublicKeyCredential =
            serde_json::from_value(answer).map_err(|_| PasskeyFault::Malformed)?;
        let result = self.webauthn.finish_discoverable_authentication_v2(&read, state.inner, &passkey)?;
        if !result.user_verified() {
            return Err(PasskeyFault::NotVerified);
        }
        let changed = passkey.update_credential(&result).ok_or(PasskeyFault::UnknownPasskey)?;
        let bytes = serde_json::to_vec(&passkey).map_err(|_| PasskeyFault::Stored)?;
        Ok(Proven { stored: changed.then_some(bytes), synced: result.backup_state() })
    }

    /// The browser's own word on where the answer was made: our origin to the letter (the library compares parsed
    /// addresses), and not within a frame of another site.
    fn check_client_data(&self, answer: &Value) -> Result<(), PasskeyFault> {
        let text = answer
            .pointer("/response/clientDataJSON")
            .and_then(Value::as_str)
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
            .ok_or(PasskeyFault::Malformed)?;
        let data: Value = serde_json::from_slice(&text).map_err(|_| PasskeyFault::Malformed)?;
        let framed = data.get("crossOrigin") == Some(&Value::Bool(true)) || data.get("topOrigin").is_some();
        let origin = data.get("origin").and_then(Value::as_str);
        let ours = origin.is_some_and(|origin| self.origins.iter().any(|known| known == origin));
        if ours && !framed { Ok(()) } else { Err(PasskeyFault::Origin) }
    }
}

fn synced(stored: &[u8]) -> bool {
    let stored: Option<Value> = serde_json::from_slice(stored).ok();
    stored.is_some_and(|stored| stored.pointer("/cred/backup_state") == Some(&Value::Bool(true)))
}

/// The `publicKey` member of the library's options.
fn public_key(options: &impl Serialize) -> Result<serde_json::Map<String, Value>, PasskeyFault> {
    match serde_json::to_value(options).ok().and_then(|mut value| value.get_mut("publicKey").map(Value::take))
    {
        Some(Value::Object(options)) => Ok(options),
        _ => Err(PasskeyFault::Unsupported),
    }
}

fn ceremony(options: &serde_json::Map<String, Value>, state: &State) -> Result<Ceremony, PasskeyFault> {
    let options = serde_json::to_string(options).map_err(|_| PasskeyFault::Unsupported)?;
    let state = serde_json::to_vec(state).map_err(|_| PasskeyFault::Unsupported)?;
    Ok(Ceremony { options, state: Secret::new(state) })
}

fn opened(state: &[u8]) -> Result<State, PasskeyFault> {
    serde_json::from_slice(state).map_err(|_| PasskeyFault::State)
}

fn parsed(answer: &str) -> Result<Value, PasskeyFault> {
    if answer.len() > LONGEST_ANSWER {
        return Err(PasskeyFault::Malformed);
    }
    serde_json::from_str(answer).map_err(|_| PasskeyFault::Malformed)
}

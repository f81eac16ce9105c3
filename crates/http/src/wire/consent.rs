//! Recorded opt-ins.

use gatepost_app::ConsentView;
use gatepost_core::channel::Mode;
use gatepost_core::event::Party;
use gatepost_core::{ConsentId, Purpose, Recipient, Timestamp, text};
use serde::Serialize;
use utoipa::ToSchema;

use super::event::MessageContact;
use super::parse;
use super::suppression::recipient;
use crate::json::{Body, Object, Value};
use crate::reply::{Made, to_json};

/// Longest source, in characters.
const SOURCE_MAX: usize = 100;
/// Longest proof, in characters.
const PROOF_MAX: usize = 4_000;

/// An opt-in to record.
#[derive(ToSchema)]
pub struct ConsentRecord {
    /// An international phone number, or Meta's id of a person (BSUID).
    #[schema(value_type = String, example = "+12025550156")]
    pub to: Recipient,
    /// What the person agreed to: `marketing`, `promotion`, `bulk_campaign`, `political`, or one that needs no opt-in. Left
    /// out: everything that needs one.
    #[schema(value_type = Option<String>, example = "marketing")]
    pub purpose: Option<Purpose>,
    /// How it came about, for people: at most 100 characters.
    #[schema(example = "Web form /newsletter")]
    pub source: String,
    /// The words that were agreed to, or where the proof lies: at most 4,000 characters.
    #[schema(example = "Yes, send me offers on WhatsApp. I can stop them at any time by writing STOP.")]
    pub proof: Option<String>,
    /// When the person agreed; now, where it is left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub given_at: Option<Timestamp>,
    /// `test` or `live`; only where the caller sees both. A key means its own mode.
    #[schema(value_type = Option<String>, example = "live")]
    pub mode: Option<Mode>,
}

fn purpose(value: Value<'_>) -> Option<Purpose> {
    value.parse(|written| {
        Purpose::parse(written)
            .filter(|purpose| purpose.is_carried() || purpose.can_be_opened())
            .ok_or("expected a purpose that people can agree to, such as marketing")
    })
}

fn source(value: Value<'_>) -> Option<String> {
    value.parse(|written| text::name(written, SOURCE_MAX))
}

fn proof(value: Value<'_>) -> Option<String> {
    value.parse(|written| {
        let clean = written.trim();
        let fits = (1..=PROOF_MAX).contains(&clean.chars().count())
            && !clean.chars().any(|c| text::is_forbidden(c) && c != '\n');
        if fits {
            Ok(clean.to_owned())
        } else {
            Err(format!("expected 1 to {PROOF_MAX} characters without control characters"))
        }
    })
}

impl Body for ConsentRecord {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let to = object.required("to", recipient);
        let purpose = object.optional("purpose", purpose);
        let source = object.required("source", source);
        let proof = object.optional("proof", proof);
        let given_at = object.optional("given_at", parse::instant);
        let mode = object.optional("mode", parse::mode);
        Some(Self {
            to: to?,
            purpose: purpose?,
            source: source?,
            proof: proof?,
            given_at: given_at?,
            mode: mode?,
        })
    }
}

/// A recorded opt-in.
#[derive(Serialize, ToSchema)]
pub struct Consent<'a> {
    #[schema(value_type = String, example = "cst_01kagq5rh8e5htqh9sk95d3x4w")]
    id: ConsentId,
    /// `test` or `live`.
    #[schema(value_type = String, example = "live")]
    mode: &'static str,
    /// For whoever may not read messages the number is masked.
    #[schema(value_type = MessageContact)]
    contact: &'a Party,
    /// Null: everything that needs an opt-in.
    #[schema(value_type = Option<String>, example = "marketing")]
    purpose: Option<Purpose>,
    #[schema(example = "Web form /newsletter")]
    source: &'a str,
    /// For whoever may read messages.
    proof: Option<&'a str>,
    #[schema(value_type = String, format = DateTime)]
    given_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    recorded_at: Timestamp,
    /// Who recorded it.
    #[schema(example = "key_01kagq5rh8e5htqh9sk95d3x4w")]
    actor: &'a str,
    /// Null while it stands.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
    /// `opt_out` where the person opted out, else the reason that was given.
    revoked_why: Option<&'a str>,
}

impl<'a> From<&'a ConsentView> for Consent<'a> {
    fn from(view: &'a ConsentView) -> Self {
        Self {
            id: view.id,
            mode: view.mode.as_str(),
            contact: &view.contact,
            purpose: view.purpose,
            source: &view.source,
            proof: view.proof.as_deref(),
            given_at: view.given_at,
            recorded_at: view.recorded_at,
            actor: &view.actor,
            revoked_at: view.revoked_at,
            revoked_why: view.revoked_why.as_deref(),
        }
    }
}

impl Made for ConsentView {
    fn location(&self) -> String {
        format!("/v1/consents/{}", self.id)
    }

    fn body(&self, _fresh: bool) -> Vec<u8> {
        to_json(&Consent::from(self))
    }
}

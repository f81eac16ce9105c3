//! What a workspace sets for itself of the guard.

use std::collections::BTreeSet;

use gatepost_core::Purpose;
use gatepost_core::guard::{FrequencyCap, GuardSettings as Settings, QuietHours};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};

/// Caps that are read; how many may be is checked with the rest.
const CAPS_READ: usize = 100;

/// The guard's settings, all of them: what is left out is at its usual value, which holds nothing back.
pub struct GuardSettingsSet {
    pub settings: Settings,
}

fn purpose(value: Value<'_>) -> Option<Purpose> {
    value.parse(|written| Purpose::parse(written).ok_or("expected a purpose such as operational"))
}

fn text(value: Value<'_>) -> Option<String> {
    value.text().map(str::to_owned)
}

fn cap(value: Value<'_>) -> Option<FrequencyCap> {
    value.object(|object| {
        let purpose = object.optional("purpose", purpose);
        let messages = object.required("messages", |v| v.integer(0..=u32::from(u8::MAX)));
        let hours = object.required("hours", |v| v.integer(0..=u32::from(u16::MAX)));
        Some(FrequencyCap {
            purpose: purpose?,
            messages: u8::try_from(messages?).ok()?,
            hours: u16::try_from(hours?).ok()?,
        })
    })
}

fn quiet_hours(value: Value<'_>) -> Option<QuietHours> {
    value.object(|object| {
        let from = object.required("from", text);
        let to = object.required("to", text);
        let purposes = object.required("purposes", |v| v.list(Purpose::ALL.len() * 4, purpose));
        Some(QuietHours { from: from?, to: to?, purposes: purposes?.into_iter().collect() })
    })
}

impl Body for GuardSettingsSet {
    type Shape = GuardSettings;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let opt_out_reply = object.optional("opt_out_reply", text);
        let opt_in_reply = object.optional("opt_in_reply", text);
        let frequency_caps = object.optional("frequency_caps", |v| v.list(CAPS_READ, cap));
        let quiet_hours = object.optional("quiet_hours", quiet_hours);
        let leave_window_to_meta = object.optional("leave_window_to_meta", parse::boolean);
        Some(Self {
            settings: Settings {
                opt_out_reply: opt_out_reply?,
                opt_in_reply: opt_in_reply?,
                frequency_caps: frequency_caps?.unwrap_or_default(),
                quiet_hours: quiet_hours?,
                leave_window_to_meta: leave_window_to_meta?.unwrap_or(false),
            },
        })
    }
}

/// What a workspace sets for itself of the guard.
#[derive(Serialize, ToSchema)]
pub struct GuardSettings {
    /// What a person gets who opts out: at most 1,000 characters. Null: nothing.
    #[schema(example = "You will get no more messages from us. Write START to undo this.")]
    opt_out_reply: Option<String>,
    /// What a person gets who opts in again. Null: nothing.
    #[schema(example = "Welcome back.")]
    opt_in_reply: Option<String>,
    /// At most 12.
    #[schema(required = false)]
    frequency_caps: Vec<Cap>,
    quiet_hours: Option<Quiet>,
    /// Whether free-form messages outside Meta's 24-hour window are left to Meta to refuse.
    #[schema(required = false)]
    leave_window_to_meta: bool,
}

/// At most so many messages to one person from one channel.
#[derive(Serialize, ToSchema)]
#[schema(as = GuardFrequencyCap)]
struct Cap {
    /// Null: of all purposes but `authentication` together.
    #[schema(value_type = Option<String>, example = "operational")]
    purpose: Option<Purpose>,
    /// 1 to 16.
    #[schema(value_type = i64, example = 5)]
    messages: u8,
    /// Within so many hours, 1 to 720.
    #[schema(value_type = i64, example = 24)]
    hours: u16,
}

/// Hours of the person's day in which messages wait until they are over.
#[derive(Serialize, ToSchema)]
#[schema(as = GuardQuietHours)]
struct Quiet {
    #[schema(example = "22:00")]
    from: String,
    /// Before `from` it is on the next day.
    #[schema(example = "07:00")]
    to: String,
    /// Whose messages wait; `authentication` never does.
    #[schema(value_type = Vec<String>, example = json!(["operational"]))]
    purposes: BTreeSet<Purpose>,
}

impl From<Settings> for GuardSettings {
    fn from(settings: Settings) -> Self {
        let cap = |cap: FrequencyCap| Cap { purpose: cap.purpose, messages: cap.messages, hours: cap.hours };
        let quiet = |quiet: QuietHours| Quiet { from: quiet.from, to: quiet.to, purposes: quiet.purposes };
        Self {
            opt_out_reply: settings.opt_out_reply,
            opt_in_reply: settings.opt_in_reply,
            frequency_caps: settings.frequency_caps.into_iter().map(cap).collect(),
            quiet_hours: settings.quiet_hours.map(quiet),
            leave_window_to_meta: settings.leave_window_to_meta,
        }
    }
}

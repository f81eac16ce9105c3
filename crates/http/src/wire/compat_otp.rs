//! The bodies of the calls that LoginWA's customers make: their names, our use cases.

use gatepost_app::{AllowlistView, VerificationInvited, VerificationView};
use gatepost_core::verification::{CodeLength, CodeText, VerificationCode, VerificationState};
use gatepost_core::{ChannelId, Code, Network, Phone, Timestamp, VerificationId};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};

/// Longest label of an address, in characters.
const LABEL_MAX: usize = 100;
/// Largest `meta`, in bytes.
const META_MAX: usize = 4_096;

/// A code to send.
pub struct OtpStart {
    pub phone: Phone,
    pub length: Option<CodeLength>,
    /// What is sent where the channel has no approved template.
    pub text: Option<CodeText>,
    pub channel: Option<ChannelId>,
    pub meta: Option<Box<RawValue>>,
}

/// A number as their customers write it: international, or national beside a country code.
fn number(phone: &str, country_code: Option<&str>) -> Result<Phone, gatepost_core::phone::InvalidPhone> {
    let written = phone.trim();
    let Some(country) = country_code.filter(|_| !written.starts_with('+') && !written.starts_with("00"))
    else {
        return Phone::parse(written);
    };
    let country = country.trim().trim_start_matches('+');
    let digits: String = written.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
    if digits.starts_with(country) {
        return Phone::parse(&digits);
    }
    // The zero in front is dialled inside the country only; Italy's numbers keep theirs.
    let national = if country == "39" { digits.as_str() } else { digits.trim_start_matches('0') };
    Phone::parse(&format!("+{country}{national}"))
}

#[expect(
    clippy::option_option,
    reason = "as of an optional field: the outer says that it was there and wrong"
)]
fn phone(object: &mut Object<'_>) -> Option<Option<Phone>> {
    let country = object.optional("country_code", |v| {
        v.parse(|written| {
            let digits = written.trim().trim_start_matches('+');
            let fits = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            if fits { Ok(digits.to_owned()) } else { Err("expected a country calling code such as 62") }
        })
    });
    let country = country?;
    object.optional("phone", |v| {
        v.parse_or(Code::RecipientInvalid.as_str(), |written| number(written, country.as_deref()))
    })
}

fn meta(value: Value<'_>) -> Option<Box<RawValue>> {
    value.any_object()?;
    let raw = value.raw()?;
    if raw.get().len() > META_MAX {
        return value.wrong("too_long", format!("expected an object of at most {META_MAX} bytes"));
    }
    Some(raw)
}

/// Their placeholders, of which some documents show two braces.
fn template(value: Value<'_>) -> Option<CodeText> {
    value.parse(|written| CodeText::parse(written.replace("{{", "{").replace("}}", "}")))
}

impl Body for OtpStart {
    type Shape = OtpStartShape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        // As there, what is not known is passed over.
        object.pass_others();
        let phone = phone(object);
        if matches!(phone, Some(None)) {
            object.wrong::<()>("phone", "missing", "this field is required");
        }
        let length = object.optional("otp_length", |v| {
            let digits = v.integer(4..=8)?;
            CodeLength::new(i64::from(digits)).ok()
        });
        let text = object.optional("message_template", template);
        let channel = object.optional("device_id", parse::id);
        let meta = object.optional("meta", meta);
        Some(Self { phone: phone??, length: length?, text: text?, channel: channel?, meta: meta? })
    }
}

/// A code to send; what is not known is passed over.
#[derive(ToSchema)]
#[schema(as = OtpStart)]
#[expect(dead_code, reason = "the schema of what OtpStart reads")]
pub struct OtpStartShape {
    /// International, or national beside country_code.
    #[schema(example = "+12025550101")]
    phone: String,
    /// The country calling code of a national number.
    #[schema(example = "1")]
    country_code: Option<String>,
    /// 4 to 8; 6 where nothing is said.
    #[schema(example = 6)]
    otp_length: Option<i64>,
    /// The text, with `{code}`, and `{ttl}` and `{app}` where you want them. Sent where the channel has no approved template
    /// of the category AUTHENTICATION; else the template is.
    #[schema(example = "{code} is your code. It is good for {ttl} minutes.")]
    message_template: Option<String>,
    /// The id of a channel; may be left out where only one can be meant.
    device_id: Option<String>,
    /// Any object of yours, at most 4,096 bytes; echoed.
    #[schema(value_type = Option<Object>)]
    meta: Option<serde_json::Value>,
}

/// A code that a person typed. No `Debug`.
pub struct OtpVerify {
    pub id: VerificationId,
    pub code: VerificationCode,
}

impl Body for OtpVerify {
    type Shape = OtpVerifyShape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        object.pass_others();
        let id = object.required("session_id", |v| {
            v.parse(|written| {
                written
                    .parse()
                    .map(VerificationId::from_uuid)
                    .map_err(|_| "expected the session_id of the start")
            })
        });
        let code = object.required("otp_code", |v| v.parse(VerificationCode::parse));
        Some(Self { id: id?, code: code? })
    }
}

/// A code to check.
#[derive(ToSchema)]
#[schema(as = OtpVerify)]
#[expect(dead_code, reason = "the schema of what OtpVerify reads")]
pub struct OtpVerifyShape {
    #[schema(example = "01932f6c-1a2b-7c3d-8e4f-5a6b7c8d9e0f")]
    session_id: String,
    #[schema(example = "424242")]
    otp_code: String,
}

/// A code that the person will send.
pub struct OtpReverseStart {
    pub phone: Option<Phone>,
    pub channel: Option<ChannelId>,
    pub meta: Option<Box<RawValue>>,
}

impl Body for OtpReverseStart {
    type Shape = OtpReverseStartShape;
    const MAY_BE_EMPTY: bool = true;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        object.pass_others();
        let phone = phone(object);
        let channel = object.optional("device_id", parse::id);
        let meta = object.optional("meta", meta);
        Some(Self { phone: phone?, channel: channel?, meta: meta? })
    }
}

/// A code that the person will send; what is not known is passed over.
#[derive(ToSchema)]
#[schema(as = OtpReverseStart)]
#[expect(dead_code, reason = "the schema of what OtpReverseStart reads")]
pub struct OtpReverseStartShape {
    /// Whose number it is; left out: whoever sends the code.
    #[schema(example = "+12025550101")]
    phone: Option<String>,
    /// The country calling code of a national number.
    #[schema(example = "1")]
    country_code: Option<String>,
    /// The id of a channel; may be left out where only one can be meant.
    device_id: Option<String>,
    /// Any object of yours, at most 4,096 bytes; echoed.
    #[schema(value_type = Option<Object>)]
    meta: Option<serde_json::Value>,
}

/// Seconds that are left, the last one to its end.
fn left(until: Timestamp, now: Timestamp) -> u64 {
    let left = until.since(now);
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}

/// A code is on its way.
#[derive(Serialize, ToSchema)]
pub struct OtpStarted {
    #[schema(value_type = String, example = "01932f6c-1a2b-7c3d-8e4f-5a6b7c8d9e0f")]
    session_id: String,
    /// Seconds for which it is good.
    #[schema(example = 300)]
    expires_in: u64,
    /// Always true.
    sent_via_engine: bool,
    /// Messages left of the plan; null where it has no limit.
    quota_remaining: Option<i64>,
}

impl OtpStarted {
    pub fn of(view: &VerificationView, left_of_plan: Option<i64>, now: Timestamp) -> Self {
        Self {
            session_id: view.id.uuid().to_string(),
            expires_in: left(view.expires_at, now),
            sent_via_engine: true,
            quota_remaining: left_of_plan,
        }
    }
}

/// The same where the path has no version.
#[derive(Serialize, ToSchema)]
pub struct OtpStartedPlain {
    #[schema(value_type = String, example = "01932f6c-1a2b-7c3d-8e4f-5a6b7c8d9e0f")]
    session_id: String,
    /// Seconds for which it is good.
    #[schema(example = 300)]
    expires_in: u64,
    /// Always true.
    sent_via_engine: bool,
    /// Messages left of the plan; null where it has no limit.
    quota_remaining: Option<i64>,
    /// Always null: the code is shown to nobody.
    debug_code: Option<String>,
}

impl From<OtpStarted> for OtpStartedPlain {
    fn from(started: OtpStarted) -> Self {
        let OtpStarted { session_id, expires_in, sent_via_engine, quota_remaining } = started;
        Self { session_id, expires_in, sent_via_engine, quota_remaining, debug_code: None }
    }
}

/// The code is right.
#[derive(Serialize, ToSchema)]
pub struct OtpVerified<'a> {
    /// `verified`.
    #[schema(value_type = String, example = "verified")]
    status: &'static str,
    #[schema(example = "+12025550101")]
    phone: Option<&'a str>,
    #[schema(value_type = Option<String>, format = DateTime)]
    verified_at: Option<Timestamp>,
    #[schema(value_type = Option<Object>)]
    meta: Option<&'a RawValue>,
}

impl<'a> From<&'a VerificationView> for OtpVerified<'a> {
    fn from(view: &'a VerificationView) -> Self {
        Self {
            status: "verified",
            phone: view.phone.as_deref(),
            verified_at: view.verified_at,
            meta: view.metadata.as_deref(),
        }
    }
}

/// The same where the path has no version.
#[derive(Serialize, ToSchema)]
pub struct OtpVerifiedPlain<'a> {
    /// `verified`.
    #[schema(value_type = String, example = "verified")]
    status: &'static str,
    #[schema(example = "+12025550101")]
    phone_number: Option<&'a str>,
    #[schema(value_type = Option<String>, format = DateTime)]
    verified_at: Option<Timestamp>,
    #[schema(value_type = Option<Object>)]
    meta: Option<&'a RawValue>,
}

impl<'a> From<&'a VerificationView> for OtpVerifiedPlain<'a> {
    fn from(view: &'a VerificationView) -> Self {
        let OtpVerified { status, phone, verified_at, meta } = OtpVerified::from(view);
        Self { status, phone_number: phone, verified_at, meta }
    }
}

/// What to show the person, who sends it.
#[derive(Serialize, ToSchema)]
pub struct OtpReverseStarted<'a> {
    #[schema(value_type = String, example = "01932f6c-1a2b-7c3d-8e4f-5a6b7c8d9e0f")]
    session_id: String,
    /// `bound` to the number that was named, else `unbound`.
    #[schema(value_type = String, example = "bound")]
    mode: &'static str,
    /// 6 digits where it is bound, else 8.
    #[schema(example = "123456")]
    code: &'a str,
    #[schema(example = "LOGIN 123456")]
    message: &'a str,
    /// Where the person sends it.
    #[schema(example = "+12025550100")]
    receiver_phone: &'a str,
    #[schema(example = "https://wa.me/12025550100?text=LOGIN%20123456")]
    wa_link: &'a str,
    /// Seconds for which it is good.
    #[schema(example = 300)]
    expires_in: u64,
    /// Messages left of the plan; null where it has no limit. Nothing is counted before it succeeds.
    quota_remaining: Option<i64>,
}

impl<'a> OtpReverseStarted<'a> {
    pub fn of(invited: &'a VerificationInvited, left_of_plan: Option<i64>, now: Timestamp) -> Self {
        Self {
            session_id: invited.view.id.uuid().to_string(),
            mode: if invited.view.phone.is_some() { "bound" } else { "unbound" },
            code: invited.code.digits(),
            message: invited.message.expose(),
            receiver_phone: invited.receiver.as_e164(),
            wa_link: invited.wa_link.expose(),
            expires_in: left(invited.view.expires_at, now),
            quota_remaining: left_of_plan,
        }
    }
}

/// Where it stands.
#[derive(Serialize, ToSchema)]
pub struct OtpSession<'a> {
    /// `pending`, `verified`, `expired` or `failed`.
    #[schema(value_type = String, example = "verified")]
    status: &'static str,
    /// Seconds that are left, while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "+12025550101")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    verified_at: Option<Timestamp>,
    /// Why it failed: `sender_hidden`, `cancelled` and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[schema(value_type = Option<Object>)]
    meta: Option<&'a RawValue>,
}

impl<'a> OtpSession<'a> {
    pub fn of(view: &'a VerificationView, now: Timestamp) -> Self {
        let (status, reason) = match view.state {
            VerificationState::Pending => ("pending", None),
            VerificationState::Approved => ("verified", None),
            VerificationState::Expired => ("expired", None),
            VerificationState::Blocked => ("failed", Some("blocked")),
            VerificationState::Failed => ("failed", view.reason.as_deref()),
            VerificationState::Cancelled => ("failed", Some("cancelled")),
        };
        let (pending, verified) = (status == "pending", status == "verified");
        Self {
            status,
            expires_in: pending.then(|| left(view.expires_at, now)),
            phone: view.phone.as_deref().filter(|_| verified),
            verified_at: view.verified_at,
            reason,
            meta: view.metadata.as_deref(),
        }
    }
}

/// An address to add.
pub struct IpAdd {
    pub network: Network,
    pub label: String,
}

impl Body for IpAdd {
    type Shape = IpAddShape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        object.pass_others();
        let network = object.required("ip_address", |v| v.parse(Network::parse));
        let label =
            object.optional("label", |v| v.parse(|label| gatepost_core::text::name(label, LABEL_MAX)));
        Some(Self { network: network?, label: label?.unwrap_or_default() })
    }
}

/// An address to add.
#[derive(ToSchema)]
#[schema(as = IpAdd)]
#[expect(dead_code, reason = "the schema of what IpAdd reads")]
pub struct IpAddShape {
    /// An address or a network.
    #[schema(example = "192.0.2.7")]
    ip_address: String,
    #[schema(example = "Office")]
    label: Option<String>,
}

/// Whether the list holds.
pub struct IpToggle {
    pub enabled: bool,
}

impl Body for IpToggle {
    type Shape = IpToggleShape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        object.pass_others();
        Some(Self { enabled: object.required("enabled", parse::boolean)? })
    }
}

/// Whether the list holds.
#[derive(ToSchema)]
#[schema(as = IpToggle)]
#[expect(dead_code, reason = "the schema of what IpToggle reads")]
pub struct IpToggleShape {
    #[schema(example = false)]
    enabled: bool,
}

/// From where the key in use may be used.
#[derive(Serialize, ToSchema)]
pub struct IpList {
    /// False: from everywhere.
    enabled: bool,
    data: Vec<IpEntry>,
}

/// An address on the list.
#[derive(Serialize, ToSchema)]
pub struct IpEntry {
    /// Follows from the address.
    #[schema(example = "5f2c1f0e9d8c7b6a")]
    id: String,
    #[schema(example = "192.0.2.7/32")]
    ip_address: String,
    #[schema(example = "Office")]
    label: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// The id of an address on the list: the list is kept whole, and its entries have no other.
pub fn entry_id(network: &Network) -> String {
    let digest = gatepost_app::sha256(network.to_string().as_bytes());
    crate::console::hex(&digest[..8])
}

impl From<&AllowlistView> for IpList {
    fn from(view: &AllowlistView) -> Self {
        let entry = |entry: &gatepost_core::allowlist::AllowlistEntry| IpEntry {
            id: entry_id(&entry.network),
            ip_address: entry.network.to_string(),
            label: entry.note.clone(),
            created_at: entry.created_at,
        };
        Self { enabled: view.enabled, data: view.entries.iter().map(entry).collect() }
    }
}

/// A refusal, as LoginWA's clients read it.
#[derive(Serialize, ToSchema)]
pub struct OtpError<'a> {
    /// Stable: branch on this.
    #[schema(value_type = String, example = "invalid_code")]
    pub error: &'static str,
    /// What was wrong this time.
    #[schema(value_type = String)]
    pub message: &'a str,
    /// Every wrong field, with what it takes.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<String>>, required = false)]
    pub errors: std::collections::BTreeMap<String, Vec<&'a str>>,
    /// Codes that may still be tried, where one was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts_left: Option<u64>,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn numbers_as_their_customers_write_them() {
        for (phone, country, read) in [
            ("+12025550101", None, "+12025550101"),
            ("12025550101", None, "+12025550101"),
            ("08123456789", Some("62"), "+628123456789"),
            ("8123456789", Some("62"), "+628123456789"),
            ("628123456789", Some("62"), "+628123456789"),
            ("+12025550101", Some("62"), "+12025550101"),
            ("02 1234 5678", Some("39"), "+390212345678"),
        ] {
            assert_eq!(number(phone, country).unwrap().as_e164(), read, "{phone} {country:?}");
        }
        assert!(number("abc", Some("62")).is_err() && number("", Some("62")).is_err());
    }
}

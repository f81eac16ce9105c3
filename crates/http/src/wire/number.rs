//! Numbers at Meta: registration, settings, profile, subscription.

use gatepost_app::{
    BusinessProfile, CallbackOverride, ChannelLook, CodeMethod, FindingView, NumberSetting, Pin,
    ProfileChange, SubscribedApp as AppView, SubscriptionLevel, SubscriptionView,
};
use gatepost_core::Secret;
use gatepost_core::content::LanguageCode;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::channel::Channel;
use super::parse;
use crate::json::{Body, Object, Value};

/// Most websites in a profile's change that are read at all; Meta's own limit is told with the other wrong fields.
const WEBSITES_READ: usize = 20;
/// Longest text of a profile's change that is read at all, in bytes.
const PROFILE_TEXT_MAX: usize = 4_096;

/// A number to register.
pub struct NumberRegister {
    pub pin: Pin,
    pub region: Option<String>,
}

impl Body for NumberRegister {
    type Shape = RegisterShape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let pin = object.required("pin", pin);
        let region = object.optional("data_localization_region", |v| {
            v.parse(|written| {
                if written.len() == 2 && written.bytes().all(|b| b.is_ascii_uppercase()) {
                    Ok(written.to_owned())
                } else {
                    Err("expected a country as two capital letters, such as DE")
                }
            })
        });
        Some(Self { pin: pin?, region: region? })
    }
}

/// A number to register.
#[derive(ToSchema)]
#[schema(as = NumberRegister)]
#[expect(dead_code, reason = "the schema of what NumberRegister reads")]
pub struct RegisterShape {
    /// The number's two-step PIN: six digits. Where it has none yet, this becomes it.
    #[schema(example = "012345")]
    pin: String,
    /// The country where Meta is to keep data at rest, two capital letters.
    #[schema(example = "DE")]
    data_localization_region: Option<String>,
}

fn pin(value: Value<'_>) -> Option<Pin> {
    value.parse(Pin::parse)
}

/// A new two-step PIN.
pub struct NumberPin(pub Pin);

impl Body for NumberPin {
    type Shape = PinShape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        object.required("pin", pin).map(Self)
    }
}

/// A new two-step PIN.
#[derive(ToSchema)]
#[schema(as = NumberPin)]
#[expect(dead_code, reason = "the schema of what NumberPin reads")]
pub struct PinShape {
    /// Six digits.
    #[schema(example = "012345")]
    pin: String,
}

/// A verification code to be brought to the number.
pub struct CodeRequest {
    pub method: CodeMethod,
    pub language: String,
}

impl Body for CodeRequest {
    type Shape = CodeRequestShape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let method = object.required("method", |v| {
            v.parse(|written| CodeMethod::parse(written).ok_or("expected sms or voice"))
        });
        let language = object.required("language", |v| {
            v.parse(|written| LanguageCode::parse(written.to_owned()).map(|_| written.to_owned()))
        });
        Some(Self { method: method?, language: language? })
    }
}

/// A verification code to be brought to the number.
#[derive(ToSchema)]
#[schema(as = CodeRequest)]
#[expect(dead_code, reason = "the schema of what CodeRequest reads")]
pub struct CodeRequestShape {
    /// `sms` or `voice`.
    #[schema(example = "sms")]
    method: String,
    /// The language of the text or call.
    #[schema(example = "en_US")]
    language: String,
}

/// The verification code that arrived.
pub struct CodeVerify(pub Secret<String>);

impl Body for CodeVerify {
    type Shape = CodeVerifyShape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let code = object.required("code", |v| {
            v.parse(|written| {
                // Meta writes it with a dash in the middle.
                let digits: String = written.chars().filter(|c| *c != '-').collect();
                if (4..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
                    Ok(Secret::new(digits))
                } else {
                    Err("expected the digits that Meta sent")
                }
            })
        });
        code.map(Self)
    }
}

/// The verification code that arrived.
#[derive(ToSchema)]
#[schema(as = CodeVerify)]
#[expect(dead_code, reason = "the schema of what CodeVerify reads")]
pub struct CodeVerifyShape {
    /// The digits, with or without Meta's dash. (The simulated Meta's code is 424242.)
    #[schema(example = "424-242")]
    code: String,
}

/// One setting of a number to change.
pub struct SettingsChange {
    pub setting: NumberSetting,
    pub value: Box<RawValue>,
}

impl Body for SettingsChange {
    type Shape = SettingsShape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let mut given = Vec::new();
        let mut wrong = false;
        for setting in NumberSetting::ALL {
            let value = object.optional(setting.as_str(), |v| {
                let raw = v.raw()?;
                if raw.get().starts_with('{') {
                    Some(raw)
                } else {
                    v.wrong("invalid_type", "expected Meta's object for this setting")
                }
            });
            match value {
                Some(Some(value)) => given.push((setting, value)),
                Some(None) => {}
                None => wrong = true,
            }
        }
        if wrong {
            return None;
        }
        match given.len() {
            1 => given.pop().map(|(setting, value)| Self { setting, value }),
            0 => object.wrong_itself("missing", "give one setting to change"),
            _ => object.wrong_itself("too_many", "give one setting: Meta changes one for each call"),
        }
    }
}

/// One setting to change: exactly one of the fields, in Meta's own shape.
#[derive(ToSchema)]
#[schema(as = NumberSettingsChange)]
#[expect(dead_code, reason = "the schema of what SettingsChange reads")]
pub struct SettingsShape {
    #[schema(value_type = Option<Object>)]
    calling: Option<()>,
    #[schema(value_type = Option<Object>)]
    payload_encryption: Option<()>,
    #[schema(value_type = Option<Object>)]
    user_identity_change: Option<()>,
    #[schema(value_type = Option<Object>)]
    storage_configuration: Option<()>,
}

/// The settings of a number.
#[derive(Serialize, ToSchema)]
pub struct NumberSettings<'a> {
    /// Meta's object, as it is.
    #[schema(value_type = Object)]
    pub settings: &'a RawValue,
}

/// What people see beside a number.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "Meta's name of the picture")]
pub struct Profile<'a> {
    about: Option<&'a str>,
    address: Option<&'a str>,
    description: Option<&'a str>,
    email: Option<&'a str>,
    websites: &'a [String],
    /// Meta's word for the trade: `RETAIL`, `HEALTH` …
    vertical: Option<&'a str>,
    /// Good for a short while.
    profile_picture_url: Option<&'a str>,
}

impl<'a> From<&'a BusinessProfile> for Profile<'a> {
    fn from(view: &'a BusinessProfile) -> Self {
        Self {
            about: view.about.as_deref(),
            address: view.address.as_deref(),
            description: view.description.as_deref(),
            email: view.email.as_deref(),
            websites: &view.websites,
            vertical: view.vertical.as_deref(),
            profile_picture_url: view.profile_picture_url.as_deref(),
        }
    }
}

/// What to change of a profile; what is left out stays, an empty text clears.
#[derive(ToSchema)]
pub struct ProfileUpdate {
    /// At most 139 characters, not empty.
    #[schema(example = "Open Monday to Friday")]
    pub about: Option<String>,
    /// At most 256 characters.
    pub address: Option<String>,
    /// At most 512 characters.
    pub description: Option<String>,
    /// At most 128 characters.
    pub email: Option<String>,
    /// At most two, each beginning with https:// or http:// and of at most 256 characters.
    pub websites: Option<Vec<String>>,
    /// Meta's word for the trade: `RETAIL`, `HEALTH` …
    pub vertical: Option<String>,
    /// The handle of a picture that was uploaded to Meta.
    pub profile_picture_handle: Option<String>,
}

fn words(value: Value<'_>) -> Option<String> {
    value.parse(|written| {
        if written.len() > PROFILE_TEXT_MAX {
            Err(format!("expected at most {PROFILE_TEXT_MAX} bytes"))
        } else {
            Ok(written.to_owned())
        }
    })
}

impl Body for ProfileUpdate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let about = object.optional("about", words);
        let address = object.optional("address", words);
        let description = object.optional("description", words);
        let email = object.optional("email", words);
        let websites = object.optional("websites", |v| v.list(WEBSITES_READ, words));
        let vertical = object.optional("vertical", words);
        let profile_picture_handle = object.optional("profile_picture_handle", words);
        let update = Self {
            about: about?,
            address: address?,
            description: description?,
            email: email?,
            websites: websites?,
            vertical: vertical?,
            profile_picture_handle: profile_picture_handle?,
        };
        let change = ProfileChange::from(update);
        if change.is_empty() {
            return object.wrong_itself("missing", "give at least one field to change");
        }
        Some(Self::from(change))
    }
}

impl From<ProfileUpdate> for ProfileChange {
    fn from(update: ProfileUpdate) -> Self {
        let ProfileUpdate { about, address, description, email, websites, vertical, profile_picture_handle } =
            update;
        Self { about, address, description, email, websites, vertical, profile_picture_handle }
    }
}

impl From<ProfileChange> for ProfileUpdate {
    fn from(change: ProfileChange) -> Self {
        let ProfileChange { about, address, description, email, websites, vertical, profile_picture_handle } =
            change;
        Self { about, address, description, email, websites, vertical, profile_picture_handle }
    }
}

/// Whom Meta tells of the account and the number.
#[derive(Serialize, ToSchema)]
pub struct Subscription<'a> {
    /// The Meta apps subscribed to the account.
    apps: Vec<SubscribedApp<'a>>,
    /// Where Meta sends the number's messages and statuses: the most special address wins.
    webhooks: Webhooks<'a>,
}

/// A Meta app subscribed to an account.
#[derive(Serialize, ToSchema)]
struct SubscribedApp<'a> {
    /// Meta's id of the app.
    id: &'a str,
    name: Option<&'a str>,
    link: Option<&'a str>,
    /// Where the account's messages go instead of the app's own address.
    override_callback_uri: Option<&'a str>,
}

/// Callback addresses by level.
#[derive(Serialize, ToSchema)]
struct Webhooks<'a> {
    /// An override of this number.
    number: Option<&'a str>,
    /// An override of the whole account.
    account: Option<&'a str>,
    /// The app's own address.
    app: Option<&'a str>,
}

impl<'a> From<&'a AppView> for SubscribedApp<'a> {
    fn from(view: &'a AppView) -> Self {
        Self {
            id: &view.id,
            name: view.name.as_deref(),
            link: view.link.as_deref(),
            override_callback_uri: view.override_callback_uri.as_deref(),
        }
    }
}

impl<'a> From<&'a SubscriptionView> for Subscription<'a> {
    fn from(view: &'a SubscriptionView) -> Self {
        Self {
            apps: view.apps.iter().map(SubscribedApp::from).collect(),
            webhooks: Webhooks {
                number: view.webhooks.phone_number.as_deref(),
                account: view.webhooks.whatsapp_business_account.as_deref(),
                app: view.webhooks.application.as_deref(),
            },
        }
    }
}

/// A subscription as it is to be.
pub struct SubscriptionSet {
    pub level: SubscriptionLevel,
    pub at: Option<CallbackOverride>,
}

impl Body for SubscriptionSet {
    type Shape = SubscriptionShape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let level = object.required("level", |v| {
            v.parse(|written| {
                SubscriptionLevel::ALL
                    .into_iter()
                    .find(|level| level.as_str() == written)
                    .ok_or("expected account or number")
            })
        });
        let uri = object.optional("override_callback_uri", |v| v.text().map(str::to_owned));
        let token = object.optional("verify_token", parse::secret);
        let at = match (uri?, token?) {
            (None, None) => None,
            (Some(uri), Some(verify_token)) => Some(CallbackOverride { uri, verify_token }),
            (Some(_), None) => {
                return object.wrong("verify_token", "missing", "Meta proves the address with it");
            }
            (None, Some(_)) => {
                return object.wrong("override_callback_uri", "missing", "a verify token is for an address");
            }
        };
        Some(Self { level: level?, at })
    }
}

/// A subscription as it is to be.
#[derive(ToSchema)]
#[schema(as = SubscriptionSet)]
#[expect(dead_code, reason = "the schema of what SubscriptionSet reads")]
pub struct SubscriptionShape {
    /// `account`: the Meta app is subscribed to the whole account. `number`: only where this number's messages go.
    #[schema(example = "account")]
    level: String,
    /// Where Meta is to send messages and statuses instead of the app's own address: https. Gatepost hears nothing of them
    /// from then on. Left out: an override of this level is over.
    #[schema(example = "https://hooks.example.com/whatsapp")]
    override_callback_uri: Option<String>,
    /// What Meta proves that address with: 8 characters or more. Only with an address.
    verify_token: Option<String>,
}

/// What a look at Meta found.
#[derive(Serialize, ToSchema)]
pub struct ChannelCheck<'a> {
    /// The channel as it is known now.
    #[schema(value_type = Channel<'static>)]
    channel: Channel<'a>,
    /// What stands in the way or soon will, the gravest first; empty when all is well.
    findings: Vec<Finding<'a>>,
}

/// One thing that a look found.
#[derive(Serialize, ToSchema)]
struct Finding<'a> {
    /// Whether messages cannot be sent with it.
    blocks: bool,
    detail: &'a str,
    /// What to do about it.
    action: &'a str,
    /// Meta's code, where Meta refused.
    provider_code: Option<i64>,
}

impl<'a> From<&'a FindingView> for Finding<'a> {
    fn from(view: &'a FindingView) -> Self {
        Self {
            blocks: view.blocks,
            detail: &view.detail,
            action: view.action,
            provider_code: view.provider_code,
        }
    }
}

impl<'a> From<&'a ChannelLook> for ChannelCheck<'a> {
    fn from(view: &'a ChannelLook) -> Self {
        Self { channel: (&view.channel).into(), findings: view.findings.iter().map(Finding::from).collect() }
    }
}

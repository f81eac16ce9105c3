//! What a workspace sets for its verifications.

use gatepost_app::{VerificationSettingsView, VerifiedCountry};
use gatepost_core::Timestamp;
use gatepost_core::verification::fraud::{Country, Limits, Pumping};
use gatepost_core::verification::{PumpingChoice, VerificationSettings as Settings};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};

/// Elements of a list that are read; how many may be is checked with the rest.
const READ_MAX: usize = 300;

/// All settings of verifications: what is left out is the usual.
pub struct VerificationSettingsSet(pub Settings);

fn text(value: Value<'_>) -> Option<String> {
    value.text().map(str::to_owned)
}

fn number(value: Value<'_>) -> Option<u32> {
    value.integer(0..=u32::MAX)
}

fn numbers(value: Value<'_>) -> Option<Vec<u32>> {
    value.list(READ_MAX, number)
}

fn countries(value: Value<'_>) -> Option<Vec<Country>> {
    value.list(READ_MAX, |letters| letters.parse(Country::parse))
}

fn limits(value: Value<'_>) -> Option<Limits> {
    value.object(|object| {
        let per_hour = object.optional("per_hour", number);
        let per_day = object.optional("per_day", number);
        Some(Limits { per_hour: per_hour?, per_day: per_day? })
    })
}

/// The limits of a phone, an address, a range and the workspace.
type Velocity = [Option<Limits>; 4];

fn velocity(value: Value<'_>) -> Option<Velocity> {
    value.object(|object| {
        let [phone, client_ip, range, workspace] =
            ["phone", "client_ip", "range", "workspace"].map(|name| object.optional(name, limits));
        Some([phone?, client_ip?, range?, workspace?])
    })
}

fn pumping(value: Value<'_>) -> Option<PumpingChoice> {
    value.object(|object| {
        let enabled = object.optional("enabled", parse::boolean);
        let tries = object.optional("tries", number);
        let percent = object.optional("percent", |v| v.integer(0..=u32::from(u8::MAX)));
        let block_minutes = object.optional("block_minutes", numbers);
        let usual = Pumping::default();
        let own = Pumping {
            tries: tries?.unwrap_or(usual.tries),
            percent: percent?.and_then(|percent| u8::try_from(percent).ok()).unwrap_or(usual.percent),
            block_minutes: block_minutes?.unwrap_or(usual.block_minutes),
        };
        Some(if enabled?.unwrap_or(true) { PumpingChoice::By(own) } else { PumpingChoice::Off })
    })
}

impl Body for VerificationSettingsSet {
    type Shape = VerificationSettings;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let template = object.optional("template", text);
        let words = object.optional("text", text);
        let app_name = object.optional("app_name", text);
        let ttl = object.optional("ttl", number);
        let code_length = object.optional("code_length", number);
        let max_tries = object.optional("max_attempts", number);
        let allowed = object.optional("allowed_countries", countries);
        let blocked = object.optional("blocked_countries", countries);
        let cool_downs = object.optional("cool_downs", numbers);
        let velocity = object.optional("velocity", velocity);
        let pumping = object.optional("pumping", pumping);
        let [phone, client_ip, range, workspace] = velocity?.unwrap_or_default();
        Some(Self(Settings {
            template: template?,
            text: words?,
            app_name: app_name?,
            ttl: ttl?,
            code_length: code_length?,
            max_tries: max_tries?,
            allowed_countries: allowed?.unwrap_or_default().into_iter().collect(),
            blocked_countries: blocked?.unwrap_or_default().into_iter().collect(),
            cool_downs: cool_downs?,
            phone,
            client_ip,
            range,
            workspace,
            pumping: pumping?,
        }))
    }
}

/// What a workspace sets for its verifications.
#[derive(Serialize, ToSchema)]
pub struct VerificationSettings {
    /// The name of an approved template of the category AUTHENTICATION. Null: the newest that fits.
    #[schema(example = "sign_in_code")]
    template: Option<String>,
    /// The text where no template is sent, with `{code}`, and `{ttl}` (minutes) and `{app}` where you want them. Null: an
    /// English sentence.
    #[schema(example = "{code} is your code for {app}. It is good for {ttl} minutes.")]
    text: Option<String>,
    /// What people know your app by; at most 60 characters.
    #[schema(example = "Example Shop")]
    app_name: Option<String>,
    /// Seconds that a code is good for, 60 to 600. Null: as long as the template says, or 300.
    #[schema(example = 300)]
    ttl: Option<u32>,
    /// Digits, 4 to 8. Null: 6.
    #[schema(example = 6)]
    code_length: Option<u32>,
    /// Codes that may be tried, 1 to 5. Null: 5.
    #[schema(example = 5)]
    max_attempts: Option<u32>,
    /// Two letters each (ISO 3166-1). In live mode codes go to these, and to those in which somebody was verified before.
    #[schema(value_type = Vec<String>, required = false, example = json!(["DE", "AT"]))]
    allowed_countries: Vec<Country>,
    /// Codes never go to these.
    #[schema(value_type = Vec<String>, required = false, example = json!([]))]
    blocked_countries: Vec<Country>,
    /// Seconds that a phone waits after its first, second, … code that nobody entered; the last goes on. At most 16, none
    /// shorter than the one before. Empty: only `resend` waits, 30 seconds.
    #[schema(required = false, example = json!([30, 60, 120, 300, 600, 1800, 3600]))]
    cool_downs: Vec<u32>,
    #[schema(required = false)]
    velocity: VelocityShown,
    #[schema(required = false)]
    pumping: PumpingShown,
}

/// How many codes are sent within any hour and any day, sent again ones included.
#[derive(Serialize, ToSchema)]
#[schema(as = VerificationVelocity)]
struct VelocityShown {
    /// To one phone.
    #[schema(required = false)]
    phone: LimitsShown,
    /// Asked for from one `client_ip`, or one v6 network of 64 bits.
    #[schema(required = false)]
    client_ip: LimitsShown,
    /// To the ten thousand numbers that differ in their last four digits.
    #[schema(required = false)]
    range: LimitsShown,
    /// Of the whole workspace.
    #[schema(required = false)]
    workspace: LimitsShown,
}

/// Null: no limit.
#[derive(Serialize, ToSchema)]
#[schema(as = VerificationLimits)]
struct LimitsShown {
    #[schema(example = 8)]
    per_hour: Option<u32>,
    #[schema(example = 20)]
    per_day: Option<u32>,
}

/// When a range of numbers is blocked because hardly any code is entered there.
#[derive(Serialize, ToSchema)]
#[schema(as = VerificationPumping)]
struct PumpingShown {
    #[schema(required = false, example = true)]
    enabled: bool,
    /// Verifications that must have ended within a day before a range is judged, 3 to 100,000; five times as many for a
    /// million numbers.
    #[schema(required = false, example = 20)]
    tries: u32,
    /// Blocked where fewer of them were approved, 1 to 100.
    #[schema(required = false, example = 10)]
    percent: u8,
    /// How long it is blocked the first time, the second, …; the last goes on.
    #[schema(required = false, example = json!([15, 60, 240, 1440]))]
    block_minutes: Vec<u32>,
}

impl From<Limits> for LimitsShown {
    fn from(limits: Limits) -> Self {
        Self { per_hour: limits.per_hour, per_day: limits.per_day }
    }
}

impl From<VerificationSettingsView> for VerificationSettings {
    fn from(VerificationSettingsView { settings, rules }: VerificationSettingsView) -> Self {
        let enabled = rules.pumping.is_some();
        let pumping = rules.pumping.unwrap_or_default();
        Self {
            template: settings.template,
            text: settings.text,
            app_name: settings.app_name,
            ttl: settings.ttl,
            code_length: settings.code_length,
            max_attempts: settings.max_tries,
            allowed_countries: settings.allowed_countries.into_iter().collect(),
            blocked_countries: settings.blocked_countries.into_iter().collect(),
            cool_downs: rules.cool_downs,
            velocity: VelocityShown {
                phone: rules.phone.into(),
                client_ip: rules.client_ip.into(),
                range: rules.range.into(),
                workspace: rules.workspace.into(),
            },
            pumping: PumpingShown {
                enabled,
                tries: pumping.tries,
                percent: pumping.percent,
                block_minutes: pumping.block_minutes,
            },
        }
    }
}

/// A country as verifications know it.
#[derive(Serialize, ToSchema)]
pub struct VerificationCountry {
    /// Two letters (ISO 3166-1).
    #[schema(value_type = String, example = "DE")]
    country: Country,
    /// Codes go there. False: the settings shut it out.
    allowed: bool,
    /// When somebody was first verified there; null: nobody was.
    #[schema(value_type = Option<String>, format = DateTime)]
    verified_at: Option<Timestamp>,
}

impl From<&VerifiedCountry> for VerificationCountry {
    fn from(known: &VerifiedCountry) -> Self {
        Self { country: known.country, allowed: known.allowed, verified_at: known.verified_at }
    }
}

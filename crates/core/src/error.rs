//! The one error of the product: a stable code, a public sentence, and a private context.
//!
//! The public text is for the caller; the context is for the log and never leaves the process. Codes are a contract:
//! they are only ever added, and each has a page at `/problems/{code}` that says what to do.

use std::fmt;
use std::time::Duration;

pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $title:literal, $remedy:literal;)*) => {
        /// The stable codes of refusals, each with its HTTP status (RFC 9110), a title and the next action.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {$($(#[$doc])* #[doc = $title] $variant,)*}

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The snake_case text that callers branch on.
            pub const fn as_str(self) -> &'static str {
                match self {$(Code::$variant => $name,)*}
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self {$(Code::$variant => $status,)*}
            }

            /// A short title in plain words.
            pub const fn title(self) -> &'static str {
                match self {$(Code::$variant => $title,)*}
            }

            /// What the caller can do about it.
            pub const fn remedy(self) -> &'static str {
                match self {$(Code::$variant => $remedy,)*}
            }

            pub fn parse(text: &str) -> Option<Code> {
                Code::ALL.iter().copied().find(|c| c.as_str() == text)
            }
        }
    };
}

codes! {
    // the request itself
    InvalidJson = "invalid_json", 400, "The body is not valid JSON", "Send one JSON object in UTF-8, without duplicate keys and nested at most 32 levels deep.";
    InvalidField = "invalid_field", 422, "A field is missing, unknown or has a wrong value", "Look at errors[]: each names the field as a JSON pointer and says what it takes.";
    InvalidParameter = "invalid_parameter", 400, "A path, query or header parameter is not valid", "Look at detail: it names the parameter and says what it takes.";
    ChannelRequired = "channel_required", 400, "Several channels could be meant", "Name one with channel_id in the body or the X-Channel-Id header.";
    ChannelConflict = "channel_conflict", 400, "Body and header name different channels", "Name the channel in one place only.";
    UnsupportedMediaType = "unsupported_media_type", 415, "The content type is not accepted here", "Send Content-Type: application/json.";
    PayloadTooLarge = "payload_too_large", 413, "The body is too large", "Send a smaller body; the limit is in detail.";
    NotFound = "not_found", 404, "There is nothing here under that address or id", "Check the path and the id. Ids of another workspace, and of the other mode (test or live), look the same as unknown ones.";
    MethodNotAllowed = "method_not_allowed", 405, "The path exists, the method does not", "See the Allow header for the methods of this path.";
    RequestTimeout = "request_timeout", 408, "The request took too long to arrive", "Send the whole request within the time limit.";
    HttpsRequired = "https_required", 403, "This address is served over https only", "Use https; a key that was sent in the clear should be rotated.";
    HeadersTooLarge = "headers_too_large", 431, "The request's headers are too large", "Send smaller headers.";

    // who is asking
    Unauthorized = "unauthorized", 401, "No valid credential was presented", "Send an API key as Authorization: Bearer gp_… or in X-Api-Key.";
    CredentialsConflict = "credentials_conflict", 401, "Two different credentials were presented", "Send one key, in one header.";
    ApiKeyRevoked = "api_key_revoked", 401, "This API key was revoked", "Use another key, or make a new one.";
    ApiKeyExpired = "api_key_expired", 401, "This API key has expired", "Use another key, or make a new one.";
    SignatureInvalid = "signature_invalid", 401, "The signature over the body is missing or wrong", "Sign the raw bytes with the app secret that this app has here (X-Hub-Signature-256).";
    VerifyTokenInvalid = "verify_token_invalid", 403, "The verify token is wrong", "Paste the verify token that Gatepost showed for this app.";
    PermissionMissing = "permission_missing", 403, "This credential does not hold the permission", "Use a key whose scopes hold it; detail names the permission and the scopes.";
    IpNotAllowed = "ip_not_allowed", 403, "Requests from this address are not allowed", "Call from an address on the allowlist, or add this one.";
    AllowlistLockout = "allowlist_lockout", 409, "This change would shut you out", "Add the address that detail names to the list, or send confirm_lockout: true. The operator can change the list at the server: gatepost allowlist.";
    SessionEnded = "session_ended", 401, "The session is over", "Sign in again.";
    SignInFailed = "sign_in_failed", 401, "E-mail address, password or code is wrong", "Check what you typed. Forgotten passwords can be set anew by a link in an e-mail.";
    AccessTokenExpired = "access_token_expired", 401, "This access token has expired", "Get the next one with the refresh token (POST /v1/auth/token/refresh).";
    AccessTokenEnded = "access_token_ended", 401, "This access token is over, and all that came with it", "Its session, key or seat has ended, it was revoked, or a refresh token was used twice. Exchange a session or a key anew.";
    RefreshTokenInvalid = "refresh_token_invalid", 400, "This refresh token opens nothing", "It is good once and for a while; a second use ends all that came with it. Exchange a session or a key anew.";
    ReauthRequired = "reauth_required", 401, "This needs a fresh proof of who you are", "Prove it again (/reauth in the console), then repeat the request within five minutes.";
    SecondFactorRequired = "second_factor_required", 403, "This needs a second factor", "Add a passkey or an authenticator app to your account and sign in with it.";
    SsoRequired = "sso_required", 403, "This workspace is entered through its identity provider only", "Sign in through the provider that the workspace names.";
    SessionConfined = "session_confined", 403, "This session is good for one workspace only", "It was opened through that workspace's identity provider. For other workspaces and for your own account sign in with a password or passkey of yours.";
    SsoFailed = "sso_failed", 401, "Signing in through the identity provider did not work", "Try again; if it persists, tell whoever manages the workspace: the server's log says what was wrong.";
    CsrfRefused = "csrf_refused", 403, "The form did not come from this site's own page", "Open the page again and send the form from there.";
    LinkInvalid = "link_invalid", 410, "This link was used, is too old or was never good", "Ask for a new one.";
    ChannelNotAllowed = "channel_not_allowed", 403, "This key is bound to other channels", "Use a key of that channel, or one that is not bound.";

    // the state of things
    Conflict = "conflict", 409, "The thing was changed or exists already", "Read it again, then decide.";
    IdempotencyInProgress = "idempotency_in_progress", 409, "The first request with this Idempotency-Key is still running", "Wait a moment and ask again with the same key.";
    IdempotencyKeyReused = "idempotency_key_reused", 422, "This Idempotency-Key was used with another request", "Use a new key for a new request.";
    ChannelNotReady = "channel_not_ready", 409, "The channel cannot send in its present state", "Read the channel: its state says what is wrong and the next action.";
    EndpointDisabled = "endpoint_disabled", 409, "The webhook endpoint is disabled", "Mend the receiver, enable the endpoint (PATCH enabled: true, or gatepost endpoint enable), then ask again.";

    // people
    LastOwner = "last_owner", 409, "A workspace keeps at least one owner", "Make another member an owner first, or delete the workspace.";
    LastFactor = "last_factor", 409, "This is the last way to prove who you are", "Add another passkey or an authenticator app first.";
    CodeInvalid = "code_invalid", 422, "This code is wrong, or was used", "Type the code that the app shows now; wait for the next one if it was just used.";
    PasskeyRefused = "passkey_refused", 422, "This passkey cannot be used", "Try again, or with another device; detail says what is known.";
    PasskeysUnavailable = "passkeys_unavailable", 409, "Passkeys do not work at this address", "Open Gatepost by https and a host name, and set server.public_url to it; http://localhost works, too.";
    IdentityLinked = "identity_linked", 409, "This account at the provider belongs to somebody else here", "Sign in with it, or take it off the other account first.";
    ProviderUnproven = "provider_unproven", 409, "Nobody has signed in through this identity provider yet", "Link your own account with it and sign in through it once; then it can be made the only way in.";
    ProviderLimitReached = "provider_limit_reached", 409, "The workspace has as many identity providers as it may", "Remove one that is not needed.";
    MemberExists = "member_exists", 409, "This person is a member already", "Change their role instead.";
    MemberLimitReached = "member_limit_reached", 409, "The workspace has as many members or open invitations as it may", "Remove a member or take back an invitation that is not needed; detail says which are too many.";
    MembersShutOut = "members_shut_out", 409, "This change would shut members out", "Ask them to add a passkey or an authenticator app first, or send confirm_lockout: true; detail says how many they are.";
    InvitationForAnother = "invitation_for_another", 403, "This invitation is for another address", "Sign out, open the link again and sign in with the address that was invited.";
    PasswordRefused = "password_refused", 422, "This password cannot be used", "Choose a longer one that is on no list of known passwords; several random words do well.";

    // templates
    TemplateExists = "template_exists", 409, "The account has a template with this name and language", "Change that template, delete it first, or choose another name.";
    TemplateNotEditable = "template_not_editable", 409, "The template cannot be changed in its present state", "Wait until Meta has reviewed it; a disabled or deleted template needs a new one under another name.";
    TemplateSubmitted = "template_submitted", 409, "The template was submitted already", "Follow its status; to change it use PATCH, which submits the change.";
    TemplateNotSubmitted = "template_not_submitted", 409, "Meta does not have this template", "Submit it first, and send it once Meta has approved it.";

    // messages
    MessagePurposeRequired = "message_purpose_required", 422, "A message needs a purpose", "Add purpose: authentication, transactional, operational, support or internal_team.";
    MessagePurposeNotAllowed = "message_purpose_not_allowed", 422, "This purpose is not allowed here", "Gatepost carries authentication (with an AUTHENTICATION template), transactional, operational, support and internal_team messages; detail says what does not fit.";
    RecipientSuppressed = "recipient_suppressed", 422, "This person does not want to hear from the workspace, or shall not", "Leave it. Only the person can undo an opt-out, by writing START; what was suppressed by hand an owner can lift. Essential purposes (authentication) still go.";
    ConsentRequired = "consent_required", 422, "This purpose needs the person's recorded opt-in", "Record the opt-in with its proof (POST /v1/consents), then send again.";
    ConversationWindowClosed = "conversation_window_closed", 422, "Outside the 24-hour service window only templates are delivered", "Send an approved template, or wait until the person writes.";
    FrequencyCapped = "frequency_capped", 429, "This person got as many messages as they may for now", "Wait as long as Retry-After says; the cap is among the workspace's guard settings.";
    RiskBlocked = "risk_blocked", 422, "The guard takes this message for harmful", "Look at details: it names the rules and the score. If the guard is wrong, tell whoever runs this Gatepost.";
    MessageExpired = "message_expired", 422, "The message's time ran out before it was sent", "Send it again if it still matters, with a longer ttl.";
    RecipientInvalid = "recipient_invalid", 422, "The recipient is not a phone number", "Give an international number such as +12025550123.";
    MessageNotInbound = "message_not_inbound", 409, "Only a message from a person can be marked as read", "Name a message whose direction is inbound.";
    TestModeOnly = "test_mode_only", 403, "A test key reaches test channels only", "Use a gp_live_ key for a live channel.";
    LiveModeOnly = "live_mode_only", 403, "A live key reaches live channels only", "Use a gp_test_ key for a test channel.";

    // verifications
    InvalidCode = "invalid_code", 422, "This code is wrong", "Let the person look again; details say how many tries are left. Only the last code that was sent is good.";
    CodeExpired = "expired", 422, "The time of this verification is over", "Begin another one.";
    CodeBlocked = "blocked", 422, "Too many wrong codes were tried", "Begin another verification; the right code of this one is refused, too.";
    AlreadyApproved = "already_approved", 422, "This verification was approved before", "A code is good once. If it was not you who checked it before, treat the sign-in as failed.";
    VerificationCancelled = "verification_cancelled", 422, "This verification was cancelled", "Begin another one.";
    VerificationFailed = "verification_failed", 422, "The code of this verification did not reach the person", "Read the verification: reason says why. Begin another one, or prove the number in another way.";
    VerificationNotPending = "verification_not_pending", 409, "The verification is over", "Read it: state says how it ended. Begin another one.";
    VerificationInbound = "verification_inbound", 409, "The person sends the code of this verification", "Wait for their message: follow the verification by webhook or by reading it.";
    ResendTooSoon = "resend_too_soon", 429, "The code was sent a moment ago", "Wait as long as Retry-After says.";
    ResendLimitReached = "resend_limit_reached", 409, "The code was sent as often as it may be", "Begin another verification.";
    ResultTokenInvalid = "result_token_invalid", 422, "This result is not good", "It is good once, for ten minutes, in the workspace and mode of its page. Treat the sign-in as failed; let the visitor begin again.";
    VerificationPageLimitReached = "verification_page_limit_reached", 409, "The workspace has as many verification pages as it may have", "Delete one that nobody opens any more.";
    ChannelNumberUnknown = "channel_number_unknown", 422, "The channel's own number is not known", "Let Gatepost look at the channel (POST /v1/channels/{channel_id}/check); people need the number to write to.";
    VerificationTemplateRequired = "verification_template_required", 422, "This code needs an approved template of the category AUTHENTICATION", "Have one approved for the channel's account in the person's language (POST /v1/templates), or synchronise those that Meta has. A text goes only to somebody who wrote to the channel within 24 hours.";
    CountryNotAllowed = "country_not_allowed", 422, "Codes are not sent to this country", "Name the country in allowed_countries (PUT /v1/verifications/settings) if you have people there. Numbers that belong to no country are not verified.";
    VerificationCoolDown = "verification_cool_down", 429, "This phone was sent a code a moment ago", "Wait as long as Retry-After says; the wait grows with each code that nobody enters, and ends when one is entered.";
    VerificationVelocity = "verification_velocity", 429, "Too many codes", "Wait as long as Retry-After says; details name the rule and its limit, which the workspace's verification settings can change.";
    VerificationPumping = "verification_pumping", 429, "Hardly any code is entered that goes to numbers like this one", "Wait as long as Retry-After says, and look at who asks for these codes: this is how paid traffic looks. The rule is among the workspace's verification settings.";

    // media
    LengthRequired = "length_required", 411, "The size of the file must be said beforehand", "Send Content-Length; clients do so by themselves when they send a file rather than a stream.";
    MediaTooLarge = "media_too_large", 413, "The file is larger than WhatsApp carries", "Send a smaller file: images up to 5 MB, audio and video 16 MB, documents 100 MB, stickers 100 KB (500 KB where they move).";
    MediaTypeUnsupported = "media_type_unsupported", 415, "WhatsApp does not carry files of this type", "Send the file's own type as Content-Type; detail names the types that are carried.";
    MediaTypeMismatch = "media_type_mismatch", 422, "The file is not of the type it is said to be", "Send the Content-Type that fits the file, or the file that fits the type.";
    MediaExpired = "media_expired", 410, "Meta does not keep this file any more", "Upload the file again; what a person sent is kept for 7 days only, so fetch it sooner.";
    MediaGone = "media_gone", 410, "Meta has no such file", "It was deleted, or its time was over early: upload it again, or ask the person to.";
    MediaRefused = "media_refused", 502, "Meta's answer about the file cannot be trusted", "Nothing was fetched. Tell whoever runs this Gatepost: the log says what was wrong.";

    // webhooks
    WebhookUrlNotAllowed = "webhook_url_not_allowed", 422, "This URL cannot receive webhooks", "Give an https URL of a public address. For a local receiver use gatepost listen; an operator can name exceptions under [egress] in the configuration.";
    EndpointLimitReached = "endpoint_limit_reached", 409, "The workspace has as many webhook endpoints as it may", "Remove one that is not needed, or let one endpoint hear of more events and channels.";
    EndpointTestRunning = "endpoint_test_running", 409, "A test of this endpoint is under way", "Wait for its attempt; it is among the endpoint's deliveries.";

    // events
    EventExpired = "event_expired", 410, "The event or cursor to go on after is not in this log", "Nothing was skipped silently: what followed it may be gone. Begin with after=start (everything that is kept), after=now, or since=, and compare with what you have.";
    StreamLimitReached = "stream_limit_reached", 429, "The key or its workspace has as many event streams open as it may have", "Close one first, or let several consumers share one; a connection that broke is counted off as soon as that is noticed.";
    EventContentExpired = "event_content_expired", 410, "The event's content is past its time and cannot be sent again", "What happened is still in the event log, without its content. Deliveries that did not arrive keep theirs for 30 days, others for 72 hours, unless the operator chose other times.";
    ReplayRunning = "replay_running", 409, "A replay of this endpoint is running", "Follow the one that detail names, or cancel it first.";

    // Meta
    MetaRefused = "meta_refused", 422, "Meta refused the request", "See detail for Meta's own code and words.";
    MetaUnreachable = "meta_unreachable", 502, "Meta could not be reached", "Try again later. Where Meta may have acted all the same, detail says so.";

    MetaLimitReached = "meta_limit_reached", 429, "Meta's hourly limit of management calls is used up", "Wait as long as Retry-After says; sending messages is not concerned.";

    // e-mail
    MailOff = "mail_off", 409, "This installation sends no e-mail", "Name a mail server under [mail] in the configuration, start anew, then try it: gatepost mail test.";
    MailFailed = "mail_failed", 502, "The mail server did not take the mail", "See detail for what the mail server said and at which step.";

    // limits and plans
    RateLimited = "rate_limited", 429, "Too many requests", "Wait as long as Retry-After says.";
    QuotaExceeded = "quota_exceeded", 429, "The plan's quota is used up", "Wait for the reset or change the plan.";
    SendingPaused = "sending_paused", 403, "Sending is paused", "The workspace, the channel or the purpose is paused; details say which, GET /v1/pauses says why. Receiving continues meanwhile.";
    SubscriptionSuspended = "subscription_suspended", 402, "The subscription is suspended", "Settle the subscription; receiving, opt-outs, sign-in and export go on meanwhile.";
    PlanFeatureUnavailable = "plan_feature_unavailable", 402, "The plan does not include this", "Change the plan; detail names the feature.";
    SuppressedByPerson = "suppressed_by_person", 409, "The person opted out themselves", "Only they can undo it, by writing START to the channel.";
    ReviewDecided = "review_decided", 409, "This was decided already", "Read it again: it says who decided, and what.";
    AcceptableUseRequired = "acceptable_use_required", 409, "The rules for acceptable use were not accepted", "Read them and send acceptable_use with the version that detail names.";

    // us
    Internal = "internal_error", 500, "Something went wrong on our side", "Try again; if it persists, give the request id to whoever runs this Gatepost.";
    Unavailable = "unavailable", 503, "The service cannot answer right now", "Try again after Retry-After; nothing was changed unless a retry with the same Idempotency-Key says so.";
}

impl Code {
    /// Whether it says that the guard did not let a message through.
    pub const fn is_policy(self) -> bool {
        matches!(
            self,
            Self::MessagePurposeNotAllowed
                | Self::RecipientSuppressed
                | Self::ConsentRequired
                | Self::ConversationWindowClosed
                | Self::FrequencyCapped
                | Self::RiskBlocked
                | Self::QuotaExceeded
                | Self::SendingPaused
                | Self::SubscriptionSuspended
                | Self::CountryNotAllowed
                | Self::VerificationCoolDown
                | Self::VerificationVelocity
                | Self::VerificationPumping
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One wrong field of a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// RFC 6901 JSON pointer into the body; empty for the whole body.
    pub pointer: String,
    pub code: &'static str,
    /// A sentence that says what the field takes.
    pub detail: String,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }
}

/// What a provider said when it refused, and what that asks of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderRefusal {
    /// The provider's own code, where it gave one.
    pub code: Option<i64>,
    /// `retrying`, `needs_action` or `failed`.
    pub class: &'static str,
    /// A sentence that says what to do.
    pub action: &'static str,
}

/// A refusal or a failure.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: Code,
    detail: String,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    context: Option<String>,
    provider: Option<ProviderRefusal>,
    details: Option<serde_json::Value>,
}

impl Error {
    /// A refusal with its public sentence.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after: None,
            context: None,
            provider: None,
            details: None,
        }))
    }

    /// A refusal whose title says it all.
    pub fn of(code: Code) -> Self {
        Self::new(code, code.title())
    }

    /// A failure of ours: the caller learns nothing of `context`, the log does.
    pub fn internal(context: impl fmt::Display) -> Self {
        Self::of(Code::Internal).with_context(context)
    }

    /// Every wrong field at once. One purpose or recipient code alone becomes the error's own code, so that callers
    /// can branch on it.
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let special = match fields.as_slice() {
            [only] => Code::parse(only.code).filter(|c| c.status() == 422),
            _ => None,
        };
        let detail = match fields.as_slice() {
            [only] if only.pointer.is_empty() => only.detail.clone(),
            [only] => format!("{}: {}", only.pointer, only.detail),
            many => format!("{} fields are wrong; see errors", many.len()),
        };
        let mut error = Self::new(special.unwrap_or(Code::InvalidField), detail);
        error.0.fields = fields;
        error
    }

    #[must_use]
    pub fn with_context(mut self, context: impl fmt::Display) -> Self {
        self.0.context = Some(match self.0.context.take() {
            Some(inner) => format!("{context}: {inner}"),
            None => context.to_string(),
        });
        self
    }

    /// Names the places in the request that are wrong, where the code itself is not about single fields.
    #[must_use]
    pub fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.0.fields = fields;
        self
    }

    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Names the provider's refusal behind this error.
    #[must_use]
    pub fn with_provider(mut self, provider: ProviderRefusal) -> Self {
        self.0.provider = Some(provider);
        self
    }

    /// Numbers and names behind this error, for programs: an object.
    #[must_use]
    pub fn with_details(mut self, details: serde_json::Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// Numbers and names behind this error, where there are any.
    pub const fn details(&self) -> Option<&serde_json::Value> {
        self.0.details.as_ref()
    }

    /// The provider's refusal behind this error, where there is one.
    pub const fn provider(&self) -> Option<ProviderRefusal> {
        self.0.provider
    }

    pub const fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence for the caller.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    pub fn field_errors(&self) -> &[FieldError] {
        &self.0.fields
    }

    pub const fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What only the log may know.
    pub fn context(&self) -> Option<&str> {
        self.0.context.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.detail)?;
        match &self.0.context {
            Some(context) => write!(f, " ({context})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_parse_back() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
            assert!((400..600).contains(&code.status()));
            assert!(code.remedy().ends_with('.'), "{code}: a remedy is a sentence");
        }
    }

    #[test]
    fn one_special_field_gives_its_code() {
        let one = Error::fields(vec![FieldError::new("/purpose", "message_purpose_required", "is missing")]);
        assert_eq!(one.code(), Code::MessagePurposeRequired);
        let two = Error::fields(vec![
            FieldError::new("/purpose", "message_purpose_required", "is missing"),
            FieldError::new("/to", "recipient_invalid", "is not a number"),
        ]);
        assert_eq!(two.code(), Code::InvalidField);
    }
}

//! Ids in paths: `/v1/messages/{message_id}` carries a `MessageId` and nothing else.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use gatepost_core::guard::PlanName;
use gatepost_core::{
    ApiKeyId, ChannelId, Code, ConsentId, DeliveryId, EndpointId, Error, EventId, IdentityProviderId,
    InvitationId, KeywordId, MediaId, MessageId, MetaAppId, OperatorVisitId, PasskeyId, PauseId, ReplayId,
    ReviewId, SessionId, SuppressionId, SuppressionImportId, TemplateId, UserId, VerificationId,
    VerificationPageId, WorkspaceId,
};
use http::request::Parts;

use crate::problem::Failure;

/// An id that can stand in a path, under one name for all routes.
pub trait PathId: FromStr + Send + 'static {
    /// The name between the braces.
    const PARAM: &'static str;
}

macro_rules! path_ids {
    ($($id:ident => $param:literal;)*) => {
        $(impl PathId for $id {
            const PARAM: &'static str = $param;
        })*

        /// The prefix of the id that the path parameter `param` takes; `None` where it is no id.
        pub fn prefix_of(param: &str) -> Option<&'static str> {
            match param {
                $($param => Some($id::PREFIX),)*
                _ => None,
            }
        }
    };
}

path_ids! {
    WorkspaceId => "workspace_id";
    ApiKeyId => "key_id";
    ChannelId => "channel_id";
    MetaAppId => "app_id";
    MediaId => "media_id";
    MessageId => "message_id";
    EventId => "event_id";
    EndpointId => "endpoint_id";
    DeliveryId => "delivery_id";
    ReplayId => "replay_id";
    TemplateId => "template_id";
    UserId => "user_id";
    InvitationId => "invitation_id";
    PasskeyId => "passkey_id";
    IdentityProviderId => "identity_provider_id";
    SessionId => "session_id";
    OperatorVisitId => "visit_id";
    SuppressionId => "suppression_id";
    SuppressionImportId => "import_id";
    ConsentId => "consent_id";
    KeywordId => "keyword_id";
    PauseId => "pause_id";
    ReviewId => "review_id";
    VerificationId => "verification_id";
    VerificationPageId => "page_id";
}

/// The names between the braces of a route's template, in order.
pub fn params(template: &str) -> impl Iterator<Item = &str> {
    template.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// The id of kind `I` in the path. A text that is not one answers 404, like an id that nobody has.
#[derive(Debug, Clone, Copy)]
pub struct Id<I>(pub I);

impl<S: Send + Sync, I: PathId> FromRequestParts<S> for Id<I> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let text = param(parts, state, I::PARAM).await?;
        text.parse().map(Self).map_err(|_| Error::of(Code::NotFound).into())
    }
}

/// The path parameter `code`: a word, no id; the end of a link among them.
pub struct Text(String);

impl Text {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Text {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        param(parts, state, "code").await.map(Self)
    }
}

/// The path parameter `provider`: an id of an identity provider, or the key of one of the operator's.
pub struct ProviderKey(String);

impl ProviderKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ProviderKey {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        param(parts, state, "provider").await.map(Self)
    }
}

/// The path parameter `plan`: the name of a plan. A text that cannot be one answers 404, like a plan that is not there.
pub struct PlanKey(pub PlanName);

impl<S: Send + Sync> FromRequestParts<S> for PlanKey {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let text = param(parts, state, "plan").await?;
        PlanName::parse(&text).map(Self).map_err(|_| Error::of(Code::NotFound).into())
    }
}

/// The path parameter `otp_session`: a verification, as LoginWA's clients name it (a UUID).
pub struct OtpSession(pub VerificationId);

impl<S: Send + Sync> FromRequestParts<S> for OtpSession {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let text = param(parts, state, "otp_session").await?;
        let uuid = text.parse().map_err(|_| Error::of(Code::NotFound))?;
        Ok(Self(VerificationId::from_uuid(uuid)))
    }
}

/// The path parameter `otp_entry`: an address on a list.
pub struct OtpEntry(String);

impl OtpEntry {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OtpEntry {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        param(parts, state, "otp_entry").await.map(Self)
    }
}

/// The path parameter `public_token`: the end of a verification page's address.
pub struct PublicToken(String);

impl PublicToken {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PublicToken {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        param(parts, state, "public_token").await.map(Self)
    }
}

/// The path parameter `file_name`.
pub struct FileName(String);

impl FileName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for FileName {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        param(parts, state, "file_name").await.map(Self)
    }
}

/// The text of one path parameter.
async fn param<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Result<String, Failure> {
    // What is not UTF-8 after percent-decoding names nothing.
    let params =
        RawPathParams::from_request_parts(parts, state).await.map_err(|_| Error::of(Code::NotFound))?;
    match params.iter().find(|(key, _)| *key == name) {
        Some((_, text)) => Ok(text.to_owned()),
        None => Err(Error::internal(format!("a handler asks for {name}, its route has none")).into()),
    }
}

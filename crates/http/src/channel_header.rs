//! `X-Channel-Id` (alias `X-Instance-Id`): which channel is meant, where the body does not say.

use axum::extract::FromRequestParts;
use gatepost_core::{ChannelId, Code, Error, Result};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use crate::credential::single;
use crate::problem::Failure;

const X_CHANNEL_ID: HeaderName = HeaderName::from_static("x-channel-id");
const X_INSTANCE_ID: HeaderName = HeaderName::from_static("x-instance-id");

/// The header's bytes as they came; empty where there is none.
pub fn raw(headers: &HeaderMap) -> &[u8] {
    [X_CHANNEL_ID, X_INSTANCE_ID].iter().find_map(|name| headers.get(name)).map_or(&[], |v| v.as_bytes())
}

/// The channel that the headers name.
#[derive(Debug, Clone, Copy)]
pub struct ChannelHeader(Option<ChannelId>);

impl ChannelHeader {
    /// Errors: `channel_conflict` where a header is doubled or the two differ; `not_found` for what is no channel id,
    /// as for an id that nobody has.
    fn of(headers: &HeaderMap) -> Result<Self> {
        let one = single(headers, &X_CHANNEL_ID, Code::ChannelConflict)?;
        let alias = single(headers, &X_INSTANCE_ID, Code::ChannelConflict)?;
        let text = match (one, alias) {
            (Some(one), Some(alias)) if one != alias => {
                return Err(Error::new(Code::ChannelConflict, "X-Channel-Id and X-Instance-Id differ"));
            }
            (one, alias) => one.or(alias),
        };
        text.map(|text| {
            let id = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            id.ok_or_else(|| Error::of(Code::NotFound))
        })
        .transpose()
        .map(Self)
    }

    /// The one channel that header and body name together.
    ///
    /// Errors: `channel_conflict` where they differ.
    pub fn join(self, body: Option<ChannelId>) -> Result<Option<ChannelId>> {
        match (self.0, body) {
            (Some(header), Some(body)) if header != body => Err(Error::of(Code::ChannelConflict)),
            (header, body) => Ok(body.or(header)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ChannelHeader {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        Ok(Self::of(&parts.headers)?)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use uuid::Uuid;

    fn code(
        pairs: &[(&'static str, &str)],
        body: Option<ChannelId>,
    ) -> Result<Option<ChannelId>, &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        ChannelHeader::of(&headers).and_then(|header| header.join(body)).map_err(|e| e.code().as_str())
    }

    #[test]
    fn header_and_body() {
        let (a, b) = (ChannelId::from_uuid(Uuid::nil()), ChannelId::from_uuid(Uuid::max()));
        let (at, bt) = (a.to_string(), b.to_string());
        assert_eq!(code(&[], None), Ok(None));
        assert_eq!(code(&[("x-channel-id", &at)], None), Ok(Some(a)));
        assert_eq!(code(&[("x-instance-id", &at)], Some(a)), Ok(Some(a)));
        assert_eq!(code(&[("x-channel-id", &at)], Some(b)), Err("channel_conflict"));
        assert_eq!(code(&[("x-channel-id", &at), ("x-instance-id", &bt)], None), Err("channel_conflict"));
        assert_eq!(code(&[("x-channel-id", &at), ("x-channel-id", &at)], None), Err("channel_conflict"));
        assert_eq!(code(&[("x-channel-id", "chn_nonsense")], None), Err("not_found"));
        assert_eq!(code(&[("x-channel-id", "")], None), Err("not_found"));
    }
}

//! Files.

use gatepost_app::MediaView;
use gatepost_core::{ChannelId, MediaId, MessageId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::reply::{Made, to_json};

/// A file at Meta.
#[derive(Serialize, ToSchema)]
pub struct Media<'a> {
    #[schema(value_type = String, example = "med_01kagq5rh8e5htqh9sk95d3x4w")]
    id: MediaId,
    /// `test` or `live`.
    #[schema(value_type = String, example = "test")]
    mode: &'static str,
    /// The one channel that can send it.
    #[schema(value_type = String, example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    channel_id: ChannelId,
    /// `outbound` for what was uploaded, `inbound` for what a person sent.
    #[schema(value_type = String, example = "outbound")]
    direction: &'static str,
    /// Meta's id of it.
    #[schema(example = "1037543291543636")]
    provider_id: &'a str,
    #[schema(example = "image/png")]
    mime_type: &'a str,
    /// Bytes; null for what a person sent.
    size: Option<u64>,
    /// Lower-case hex; null where Meta did not say.
    sha256: Option<&'a str>,
    filename: Option<&'a str>,
    /// The message that a person sent it with.
    #[schema(value_type = Option<String>)]
    message_id: Option<MessageId>,
    /// Where its bytes are.
    #[schema(example = "/v1/media/med_01kagq5rh8e5htqh9sk95d3x4w/content")]
    url: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Until when Meta keeps it: 30 days from the upload, 7 days from when a person sent it.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl<'a> From<&'a MediaView> for Media<'a> {
    fn from(view: &'a MediaView) -> Self {
        Self {
            id: view.id,
            mode: view.mode.as_str(),
            channel_id: view.channel_id,
            direction: view.direction.as_str(),
            provider_id: &view.provider_id,
            mime_type: &view.mime_type,
            size: view.size,
            sha256: view.sha256.as_deref(),
            filename: view.filename.as_deref(),
            message_id: view.message_id,
            url: format!("{}/content", view.location()),
            created_at: view.created_at,
            expires_at: view.expires_at,
        }
    }
}

impl Made for MediaView {
    fn location(&self) -> String {
        format!("/v1/media/{}", self.id)
    }

    fn body(&self, _fresh: bool) -> Vec<u8> {
        to_json(&Media::from(self))
    }
}

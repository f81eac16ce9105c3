//! Files that people send: written down with their message, fetched only when somebody asks.

use gatepost_channels::graph::Inbound;
use gatepost_core::event::MediaNews;
use gatepost_core::media::file_name;
use gatepost_core::message::Direction;
use gatepost_core::{MediaId, MessageId, Result, Timestamp};
use gatepost_store::{ChannelRow, MediaRow};
use gatepost_vault::WorkspaceKeys;

use super::{Details, RECEIVED_KEPT, content_path, hex, seal};
use crate::App;

/// A file that came with a message: its row, and what is told of it.
pub(crate) struct ReceivedMedia {
    pub row: MediaRow,
    pub news: MediaNews,
}

impl App {
    /// The file of a person's message, where it has one. `at` is when the person sent it, which is when its seven days
    /// began.
    pub(crate) fn media_received(
        &self,
        keys: &WorkspaceKeys,
        channel: &ChannelRow,
        message: MessageId,
        inbound: &Inbound,
        at: Timestamp,
    ) -> Result<Option<ReceivedMedia>> {
        let Some(media) = inbound.media() else { return Ok(None) };
        let now = self.now();
        let id = MediaId::new(now, self.entropy());
        let details = Details {
            provider_id: media.id,
            mime_type: media.mime_type,
            size: None,
            sha256: media.sha256.as_ref().map(hex),
            filename: media.filename.as_deref().and_then(file_name),
            message: Some(message),
        };
        let row = MediaRow {
            id,
            channel: channel.id,
            mode: channel.mode,
            direction: Direction::Inbound,
            details: seal(keys, id, &details)?,
            created_at: now,
            expires_at: at.min(now).plus(RECEIVED_KEPT),
        };
        let news = MediaNews {
            id,
            mime_type: details.mime_type,
            sha256: details.sha256,
            filename: details.filename,
            caption: media.caption,
            voice: media.voice,
            url: content_path(id),
        };
        Ok(Some(ReceivedMedia { row, news }))
    }
}

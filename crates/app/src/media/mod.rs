//! Files: brought to Meta for sending, and fetched from Meta when somebody asks. None is kept here.
//!
//! Threat note. Defends against: a script that goes out or comes back under a picture's name (types are checked by
//! the first bytes on the way out; on the way back nothing is shown inline, see the HTTP side), a file that is not the
//! one that was announced (its digest is checked while it is passed on, and the answer is cut), Meta's answer
//! pointing somewhere else (see the Cloud client), memory filled by large files (they are passed on in pieces, so
//! many at a time), one workspace's files told to another (ids are its own, a file is never shared between two
//! uploads). Does not defend against: what a person's file does on the machine of whoever opens it.

mod content;
mod received;
mod resolve;
mod transfers;
mod upload;

use std::time::Duration;

use gatepost_channels::cloud::MediaError;
use gatepost_core::access::{Grant, Permission, permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::channel::Mode;
use gatepost_core::message::Direction;
use gatepost_core::{ChannelId, Code, Error, MediaId, MessageId, Result, Timestamp, WorkspaceId};
use gatepost_store::{ChannelRow, MediaRow, WorkspaceScope};
use gatepost_vault::{Aad, WorkspaceKeys};
use serde::{Deserialize, Serialize};

use crate::App;
use crate::channels::call_failed;
use crate::messages::{open_json, seal_json};

pub use content::MediaContent;
pub(crate) use transfers::Transfers;
pub use upload::{MediaUpload, UploadStream};

/// How long Meta keeps what was uploaded ("Media").
const UPLOADED_KEPT: Duration = Duration::from_hours(30 * 24);
/// How long Meta keeps what a person sent.
const RECEIVED_KEPT: Duration = Duration::from_hours(7 * 24);
/// How much longer we know of a file, to say that its time is over rather than that it never was.
pub(crate) const REMEMBERED: Duration = Duration::from_hours(7 * 24);

/// A file as its workspace sees it.
#[derive(Clone)]
pub struct MediaView {
    pub id: MediaId,
    pub mode: Mode,
    pub channel_id: ChannelId,
    /// Outbound: uploaded for sending; inbound: sent by a person.
    pub direction: Direction,
    /// Meta's id.
    pub provider_id: String,
    pub mime_type: String,
    /// Bytes; Meta does not say of what a person sent.
    pub size: Option<u64>,
    /// Lower-case hex.
    pub sha256: Option<String>,
    pub filename: Option<String>,
    /// The message it came with.
    pub message_id: Option<MessageId>,
    pub created_at: Timestamp,
    /// Until when Meta keeps it.
    pub expires_at: Timestamp,
}

/// What is said of a file, as it lies sealed.
#[derive(Serialize, Deserialize)]
struct Details {
    provider_id: String,
    mime_type: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    filename: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    message: Option<MessageId>,
}

fn place(keys: &WorkspaceKeys, media: MediaId) -> Aad {
    Aad { workspace: keys.workspace(), table: "media", column: "details", row: media.uuid().into_bytes() }
}

fn seal(keys: &WorkspaceKeys, id: MediaId, details: &Details) -> Result<Vec<u8>> {
    seal_json(keys, &place(keys, id), details)
}

fn open(keys: &WorkspaceKeys, row: &MediaRow) -> Result<Details> {
    open_json(keys, &place(keys, row.id), &row.details)
}

fn view(row: &MediaRow, details: Details) -> MediaView {
    MediaView {
        id: row.id,
        mode: row.mode,
        channel_id: row.channel,
        direction: row.direction,
        provider_id: details.provider_id,
        mime_type: details.mime_type,
        size: details.size,
        sha256: details.sha256,
        filename: details.filename,
        message_id: details.message,
        created_at: row.created_at,
        expires_at: row.expires_at,
    }
}

/// Lower-case hex.
fn hex(digest: &[u8; 32]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Where a file is fetched from.
pub(crate) fn content_path(id: MediaId) -> String {
    format!("/v1/media/{id}/content")
}

/// What the Cloud client says about a file, for whoever asked.
fn media_failed(error: MediaError, id: MediaId, workspace: WorkspaceId) -> Error {
    match error {
        MediaError::Call(error) => call_failed(error),
        MediaError::Gone => Error::of(Code::MediaGone),
        MediaError::TooLarge => Error::of(Code::MediaTooLarge),
        MediaError::Elsewhere(origin) => {
            tracing::error!(security = true, media = %id, %workspace, origin, "Meta's answer names another place for a file; nothing was fetched");
            metrics::counter!("gatepost_media_refusals_total", "why" => "elsewhere").increment(1);
            Error::of(Code::MediaRefused)
        }
    }
}

impl App {
    /// A file of the caller's, with its channel while there is one.
    async fn media_own<P: Permission>(
        &self,
        grant: &Grant<P>,
        id: MediaId,
    ) -> Result<(MediaRow, Option<ChannelRow>)> {
        let scope = WorkspaceScope::from(grant);
        let found = self
            .0
            .store
            .read(scope, async move |tx| {
                let Some(row) = tx.media_get(&[id]).await?.pop().flatten() else { return Ok(None) };
                let channel = tx.channel_get(row.channel).await?;
                Ok(Some((row, channel)))
            })
            .await?;
        found
            .filter(|(row, _)| grant.sees(row.mode) && grant.reaches(row.channel))
            .ok_or_else(|| Error::of(Code::NotFound))
    }

    /// What is known of a file.
    pub async fn media_get(&self, grant: &Grant<permission::MessageRead>, id: MediaId) -> Result<MediaView> {
        let (row, _) = self.media_own(grant, id).await?;
        let keys = self.0.sealing.keys(WorkspaceScope::from(grant)).await?;
        Ok(view(&row, open(&keys, &row)?))
    }

    /// Removes a file, at Meta too while Meta keeps it.
    pub async fn media_delete(&self, grant: &Grant<permission::MessageSend>, id: MediaId) -> Result<()> {
        let scope = WorkspaceScope::from(grant);
        let (row, channel) = self.media_own(grant, id).await?;
        if let (Some(channel), true) = (channel, self.now() < row.expires_at) {
            let keys = self.0.sealing.keys(scope).await?;
            let details = open(&keys, &row)?;
            let cloud = self.cloud_channel_of(scope, &channel).await?;
            self.audit_possible(scope).await?;
            match self.0.cloud.media_delete(&cloud, &details.provider_id).await {
                Ok(()) | Err(MediaError::Gone) => {}
                Err(error) => return Err(media_failed(error, id, scope.workspace())),
            }
        }
        let audit = self
            .audit(grant, Action::MediaDeleted, ("media", id.to_string()), vec![])
            .was("mode", row.mode.as_str())
            .was("channel", row.channel.to_string());
        self.0
            .store
            .write(scope, async move |tx| {
                if tx.media_delete(id).await? {
                    tx.commit(audit.clone(), ())
                } else {
                    tx.commit(Audit::None("somebody else was faster"), ())
                }
            })
            .await
    }
}

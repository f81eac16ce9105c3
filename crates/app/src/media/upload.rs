//! Bringing a file to Meta.
//!
//! It is passed on as it comes, so it is never whole in memory; its first bytes are judged before anything leaves.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use gatepost_channels::cloud::MediaUpload as ToMeta;
use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Audit;
use gatepost_core::channel::ChannelState;
use gatepost_core::media::{HEAD_BYTES, MediaType};
use gatepost_core::message::Direction;
use gatepost_core::{ChannelId, Code, Error, MediaId, Result};
use gatepost_net::BodyStream;
use gatepost_store::{ChannelRow, MediaRow, WorkspaceScope};
use gatepost_vault::{Sha256, WorkspaceKeys};

use super::{Details, MediaView, UPLOADED_KEPT, hex, seal, view};
use crate::App;
use crate::channels::call_failed;
use crate::idempotency::{Idempotent, Outcome};
use crate::messages::choose_channel;
use crate::reading::not_ready;

/// A file's bytes as they come.
pub type UploadStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// A file to bring to Meta.
pub struct MediaUpload {
    /// `None`: the only channel this caller could mean.
    pub channel: Option<ChannelId>,
    pub mime_type: MediaType,
    pub filename: Option<String>,
    /// Bytes, as announced; another number that really comes is refused.
    pub length: u64,
    pub content: UploadStream,
}

/// What has passed so far.
#[derive(Default)]
struct Passed {
    digest: Sha256,
    bytes: u64,
    failed: Option<Error>,
}

fn lock(passed: &Mutex<Passed>) -> MutexGuard<'_, Passed> {
    passed.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended_early() -> Error {
    Error::new(Code::InvalidParameter, "the file ended before its announced size")
}

/// Reads enough of a file to judge it: its first bytes, and the pieces that they came in.
async fn head(content: &mut UploadStream) -> Result<(Vec<u8>, Vec<Bytes>)> {
    let (mut head, mut pieces) = (Vec::new(), Vec::new());
    while head.len() < HEAD_BYTES
        && let Some(piece) = content.next().await
    {
        let piece = piece?;
        head.extend_from_slice(&piece[..piece.len().min(HEAD_BYTES - head.len())]);
        pieces.push(piece);
    }
    Ok((head, pieces))
}

/// Refuses what Meta would not take, or what is not what it is called.
fn judge(mime_type: MediaType, length: u64, head: &[u8]) -> Result<()> {
    if length == 0 {
        return Err(Error::new(Code::MediaTypeMismatch, "the file is empty"));
    }
    if (head.len() as u64) < length.min(HEAD_BYTES as u64) {
        return Err(ended_early());
    }
    if !mime_type.fits(head) {
        return Err(Error::new(
            Code::MediaTypeMismatch,
            format!("the file does not begin like {}", mime_type.as_str()),
        ));
    }
    let most = mime_type.bytes_max(head);
    if length > most {
        let detail = format!("it has {length} bytes; {} may have {most}", mime_type.as_str());
        return Err(Error::new(Code::MediaTooLarge, detail));
    }
    Ok(())
}

/// Reads a file to its end for its digest alone.
async fn digest_of(content: Option<UploadStream>) -> Result<[u8; 32]> {
    let mut digest = Sha256::new();
    if let Some(mut content) = content {
        while let Some(piece) = content.next().await {
            digest.update(&piece?);
        }
    }
    Ok(digest.finish())
}

impl App {
    /// Brings a file to Meta through a channel. It can be sent through that channel for 30 days.
    ///
    /// Errors: `channel_not_ready`, `media_type_mismatch`, `media_too_large`, `unavailable` where too many are under
    /// way, and Meta's.
    pub async fn media_upload(
        &self,
        grant: &Grant<permission::MessageSend>,
        upload: MediaUpload,
        idempotent: Option<Idempotent<MediaView>>,
    ) -> Result<Outcome<MediaView>> {
        let scope = WorkspaceScope::from(grant);
        let bound = grant.channels().map(<[ChannelId]>::to_vec);
        let reachable = self.channels_reachable(scope, grant.mode(), bound).await?;
        let channel = choose_channel(reachable, upload.channel)?;
        if channel.state != ChannelState::Active {
            return Err(not_ready(channel.state));
        }
        let _transfer = self.0.transfers.begin(scope.workspace())?;
        let keys = self.0.sealing.keys(scope).await?;
        let MediaUpload { mime_type, filename, length, content, .. } = upload;
        let content = Mutex::new(Some(content));
        let take = || content.lock().unwrap_or_else(PoisonError::into_inner).take();
        let bring = async {
            let content = take().ok_or_else(|| Error::internal("an upload was begun twice"))?;
            self.media_bring(scope, &keys, &channel, (mime_type, filename), length, content).await
        };
        let outcome = self.once(scope, &keys, idempotent, bring).await?;
        if let Outcome::Replayed(answer) = &outcome {
            // The digest is not known before the whole file has passed, so it is no part of what the key was recorded
            // with. The first answer names it.
            let digest = hex(&digest_of(take()).await?);
            if !answer.windows(digest.len()).any(|window| window == digest.as_bytes()) {
                return Err(Error::of(Code::IdempotencyKeyReused));
            }
        }
        Ok(outcome)
    }

    async fn media_bring(
        &self,
        scope: WorkspaceScope,
        keys: &WorkspaceKeys,
        channel: &ChannelRow,
        (mime_type, filename): (MediaType, Option<String>),
        length: u64,
        mut content: UploadStream,
    ) -> Result<MediaView> {
        let cloud = self.cloud_channel_of(scope, channel).await?;
        let (head, pieces) = head(&mut content).await?;
        judge(mime_type, length, &head)?;
        let passed = Arc::new(Mutex::new(Passed::default()));
        let noting = Arc::clone(&passed);
        let whole = stream::iter(pieces.into_iter().map(Ok)).chain(content).map(move |piece| {
            let mut passed = lock(&noting);
            match piece {
                Ok(piece) => {
                    passed.digest.update(&piece);
                    passed.bytes += piece.len() as u64;
                    Ok(piece)
                }
                Err(error) => {
                    passed.failed = Some(error);
                    Err(io::Error::other("the source failed"))
                }
            }
        });
        let name = filename.clone().unwrap_or_else(|| format!("file.{}", mime_type.extension()));
        let to_meta = ToMeta {
            mime_type: mime_type.as_str().to_owned(),
            file_name: name,
            content: BodyStream::new(length, whole),
            lot: self.entropy().array(),
        };
        let brought = self.0.cloud.media_upload(&cloud, to_meta).await;
        let passed = std::mem::take(&mut *lock(&passed));
        let provider_id = match (brought, passed.failed) {
            (Ok(id), None) if passed.bytes == length => id,
            (_, Some(failed)) => return Err(failed),
            (Err(error), None) if passed.bytes == length => return Err(call_failed(error)),
            // Meta may refuse before the end; what it then says stands.
            (Err(error @ gatepost_channels::cloud::CallError::Refused(_)), None) => {
                return Err(call_failed(error));
            }
            (_, None) => return Err(ended_early()),
        };
        let now = self.now();
        let id = MediaId::new(now, self.entropy());
        let details = Details {
            provider_id,
            mime_type: mime_type.as_str().to_owned(),
            size: Some(length),
            sha256: Some(hex(&passed.digest.finish())),
            filename,
            message: None,
        };
        let row = MediaRow {
            id,
            channel: channel.id,
            mode: channel.mode,
            direction: Direction::Outbound,
            details: seal(keys, id, &details)?,
            created_at: now,
            expires_at: now.plus(UPLOADED_KEPT),
        };
        let shown = view(&row, details);
        self.0
            .store
            .write(scope, async move |tx| {
                tx.media_insert(&[&row]).await?;
                tx.commit(Audit::None("files are in their own table"), ())
            })
            .await?;
        metrics::counter!("gatepost_media_uploaded_total", "kind" => mime_type.kind().as_str()).increment(1);
        Ok(shown)
    }
}

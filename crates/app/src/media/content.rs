//! Fetching a file from Meta for whoever asks, piece by piece.
//!
//! A task of its own reads from Meta, so that times and places are bounded even where the caller reads slowly or not at
//! all. The last piece is held back until the whole is known to be the announced file: where it is not, the caller's
//! answer ends early instead of looking complete.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use gatepost_channels::cloud::MediaDownload;
use gatepost_core::access::{Grant, permission};
use gatepost_core::media::MediaType;
use gatepost_core::message::Direction;
use gatepost_core::{Code, Error, MediaId, Result};
use gatepost_store::WorkspaceScope;
use gatepost_vault::Sha256;
use tokio::sync::mpsc;

use super::{hex, media_failed, open};
use crate::App;

/// Pieces that wait for a slow caller; each has at most some tens of kilobytes.
const WAITING_PIECES: usize = 4;
/// How long a file may take to its end, however slowly the caller reads.
const TOTAL: Duration = Duration::from_mins(6);

/// A piece of a file; `None` is its end. A channel that closes without an end was cut.
type Piece = Result<Option<Bytes>>;

/// A file on its way to the caller.
pub struct MediaContent {
    /// One that WhatsApp carries; `None` for anything else that Meta or a stranger said.
    pub mime_type: Option<MediaType>,
    /// A clean name, made up where the file has none.
    pub filename: String,
    /// Bytes, where Meta says how many come.
    pub size: Option<u64>,
    pieces: mpsc::Receiver<Piece>,
}

impl MediaContent {
    /// The bytes. An error ends them early: the file is not whole, or not the right one.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send {
        stream::unfold(Some(self.pieces), async |pieces| {
            let mut pieces = pieces?;
            match pieces.recv().await {
                Some(Ok(Some(piece))) => Some((Ok(piece), Some(pieces))),
                Some(Ok(None)) => None,
                Some(Err(error)) => Some((Err(error), None)),
                None => {
                    Some((Err(Error::new(Code::Unavailable, "the file could not be read to its end")), None))
                }
            }
        })
    }
}

/// What a file must turn out to be.
struct Announced {
    media: MediaId,
    digests: Vec<String>,
}

impl Announced {
    fn check(&self, digest: Sha256) -> Result<()> {
        let found = hex(&digest.finish());
        if self.digests.iter().all(|announced| *announced == found) {
            return Ok(());
        }
        tracing::error!(security = true, media = %self.media, "a file from Meta is not the announced one; the answer was cut");
        metrics::counter!("gatepost_media_refusals_total", "why" => "digest").increment(1);
        Err(Error::new(Code::MediaRefused, "the file is not the announced one"))
    }
}

/// Passes a file on, and its end only where it is whole and the right one.
async fn pass(mut download: MediaDownload, announced: &Announced, out: &mpsc::Sender<Piece>) -> Result<()> {
    let mut digest = Sha256::new();
    let mut held: Option<Bytes> = None;
    while let Some(piece) = download
        .content
        .next()
        .await
        .map_err(|failure| Error::of(Code::MetaUnreachable).with_context(failure))?
    {
        digest.update(&piece);
        if let Some(before) = held.replace(piece)
            && out.send(Ok(Some(before))).await.is_err()
        {
            // Nobody listens any more.
            return Ok(());
        }
    }
    announced.check(digest)?;
    for piece in held.map(Some).into_iter().chain([None]) {
        if out.send(Ok(piece)).await.is_err() {
            break;
        }
    }
    Ok(())
}

impl App {
    /// Begins to fetch a file from Meta.
    ///
    /// Errors: `not_found`, `media_expired`, `media_gone`, `media_refused`, `unavailable` where too many are under way,
    /// and Meta's.
    pub async fn media_content(
        &self,
        grant: &Grant<permission::MessageRead>,
        id: MediaId,
    ) -> Result<MediaContent> {
        let scope = WorkspaceScope::from(grant);
        let (row, channel) = self.media_own(grant, id).await?;
        if row.expires_at <= self.now() {
            return Err(Error::of(Code::MediaExpired));
        }
        let channel = channel.ok_or_else(|| Error::new(Code::ChannelNotReady, "the channel was removed"))?;
        let transfer = self.0.transfers.begin(scope.workspace())?;
        let keys = self.0.sealing.keys(scope).await?;
        let details = open(&keys, &row)?;
        let cloud = self.cloud_channel_of(scope, &channel).await?;
        let download = self
            .0
            .cloud
            .media_open(&cloud, &details.provider_id)
            .await
            .map_err(|error| media_failed(error, id, scope.workspace()))?;
        // What Meta told with the message, and what it tells now. What was uploaded is held to the latter alone: Meta
        // may keep it in another form.
        let told = details.sha256.filter(|_| row.direction == Direction::Inbound);
        let digests = told.into_iter().chain(download.sha256.as_ref().map(hex)).collect();
        let announced = Announced { media: id, digests };
        let mime_type = MediaType::parse(&details.mime_type);
        let extension = mime_type.map_or("bin", MediaType::extension);
        let size = download.content.length();
        let (out, pieces) = mpsc::channel(WAITING_PIECES);
        let stop = self.0.stop.clone();
        self.0.tasks.spawn(async move {
            let _transfer = transfer;
            let passing = tokio::time::timeout(TOTAL, pass(download, &announced, &out));
            let error = tokio::select! {
                passed = passing => match passed {
                    Ok(Ok(())) => return,
                    Ok(Err(error)) => error,
                    Err(_) => Error::new(Code::Unavailable, "the file took too long"),
                },
                () = stop.cancelled() => Error::new(Code::Unavailable, "the server is stopping"),
            };
            tracing::info!(media = %announced.media, %error, "a file was not passed on to its end");
            // Where there is no room for the error, the closed channel says as much.
            let _told = out.try_send(Err(error));
        });
        metrics::counter!("gatepost_media_fetched_total").increment(1);
        Ok(MediaContent {
            mime_type,
            filename: details.filename.unwrap_or_else(|| format!("{id}.{extension}")),
            size,
            pieces,
        })
    }
}

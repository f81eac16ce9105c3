//! Files at Meta: up, down, away (Meta, "Media").
//!
//! A download takes two steps: Meta says an address that lives five minutes, and the file lies there.
//!
//! Threat note. The address is an outside value: whoever could put another one into Meta's answer would have the
//! channel's token sent there, or have Gatepost fetch things inside the operator's network. So it is used only where
//! it is https at one of Meta's own names (and then at public addresses only), or at the very origin that the
//! channel's base URL has. Nothing is redirected. Does not defend against: whoever controls one of those names.

use std::time::Duration;

use gatepost_net::{
    BodyStream, Download, DownloadBudgets, Method, Multipart, Reach, Scheme, Target, TrustedBody,
    TrustedRequest,
};
use serde::Deserialize;

use super::call::{CallError, Done};
use super::{CloudChannel, CloudClient};
use crate::graph::read_digest;
use gatepost_core::Secret;
use gatepost_core::media::BYTES_MAX;

/// How long an upload may take in all: 100 MB over a slow line.
pub const UPLOAD_TIMEOUT: Duration = Duration::from_mins(5);

/// What a download may cost. Meta keeps nothing larger than 100 MB.
const DOWNLOAD: DownloadBudgets =
    DownloadBudgets { bytes: BYTES_MAX, idle: Duration::from_secs(20), total: Duration::from_mins(5) };

/// Meta's names: the addresses of files lie at `lookaside.fbsbx.com`, others of these were seen in its documents.
const META_HOSTS: [&str; 4] = ["fbsbx.com", "fbcdn.net", "whatsapp.net", "facebook.com"];

/// Meta's code and subcode of an object that does not exist, or that this token may not see.
const UNKNOWN_OBJECT: (i64, i64) = (100, 33);
/// The code that newer versions answer for the same.
const UNKNOWN_ID: i64 = 803;

/// A file on its way to Meta.
pub struct MediaUpload {
    pub mime_type: String,
    pub file_name: String,
    pub content: BodyStream,
    /// 16 random bytes, for the boundary of the form.
    pub lot: [u8; 16],
}

/// A file at Meta, about to be read.
pub struct MediaDownload {
    /// What Meta says of it.
    pub mime_type: String,
    /// Bytes, where anybody said.
    pub size: Option<u64>,
    pub sha256: Option<[u8; 32]>,
    pub content: Download,
}

/// Why a file could not be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MediaError {
    #[error(transparent)]
    Call(#[from] CallError),
    /// Meta has no such file, or this channel may not see it.
    #[error("meta has no such media")]
    Gone,
    #[error("the media is larger than 100 MB")]
    TooLarge,
    /// The address in Meta's answer is none of Meta's. Carries its origin, or why it has none.
    #[error("the media's address leads elsewhere: {0}")]
    Elsewhere(String),
}

#[derive(Deserialize)]
struct Uploaded {
    id: String,
}

#[derive(Deserialize)]
struct Described {
    url: String,
    mime_type: Option<String>,
    sha256: Option<String>,
    file_size: Option<u64>,
}

impl CloudClient {
    /// `POST /{phone_number_id}/media`: brings a file to Meta; its id there, good for 30 days.
    ///
    /// # Errors
    /// Besides Meta's own: [`CallError::Unreachable`] also where the source of the file failed.
    pub async fn media_upload(
        &self,
        channel: &CloudChannel,
        upload: MediaUpload,
    ) -> Result<String, CallError> {
        let url = channel.url(&channel.phone_number_id, "/media", &[])?;
        let MediaUpload { mime_type, file_name, content, lot } = upload;
        let form = Multipart::new()
            .text("messaging_product", "whatsapp")
            .text("type", mime_type.clone())
            .stream("file", &file_name, &mime_type, content, lot);
        let patient = self.clone().with_timeout(UPLOAD_TIMEOUT);
        let body = TrustedBody::Multipart(form);
        let made: Uploaded = patient.ask(Method::Post, &url, channel.token.expose(), body).await?;
        if made.id.is_empty() { Err(CallError::Unreadable) } else { Ok(made.id) }
    }

    /// `DELETE /{media_id}`.
    pub async fn media_delete(&self, channel: &CloudChannel, id: &str) -> Result<(), MediaError> {
        let url = Self::media_url(channel, id)?;
        let token = channel.token.expose();
        let done: Result<Done, _> = self.ask(Method::Delete, &url, token, TrustedBody::Empty).await;
        Ok(done.map_err(gone)?.ok()?)
    }

    /// Finds a file and begins to read it. An address that has run out is asked for once more.
    pub async fn media_open(&self, channel: &CloudChannel, id: &str) -> Result<MediaDownload, MediaError> {
        for _ in 0..2 {
            let url = Self::media_url(channel, id)?;
            let token = channel.token.expose();
            let described: Described =
                self.ask(Method::Get, &url, token, TrustedBody::Empty).await.map_err(gone)?;
            if described.file_size.is_some_and(|size| size > BYTES_MAX) {
                return Err(MediaError::TooLarge);
            }
            let reach = reach(&channel.base_url, &described.url)?;
            let request = TrustedRequest {
                method: Method::Get,
                url: &described.url,
                bearer: Some(channel.token.expose()),
                headers: &[],
                body: TrustedBody::Empty,
                timeout: self.timeout,
            };
            let content = self
                .http
                .download(request, reach, DOWNLOAD)
                .await
                .map_err(|error| CallError::Unreachable(error.failure().detail.clone()))?;
            match content.status() {
                200 => {
                    let size = content.length().or(described.file_size);
                    if size.is_some_and(|size| size > BYTES_MAX) {
                        return Err(MediaError::TooLarge);
                    }
                    return Ok(MediaDownload {
                        mime_type: described.mime_type.unwrap_or_default(),
                        size,
                        sha256: described.sha256.as_deref().and_then(read_digest),
                        content,
                    });
                }
                404 | 410 => {}
                status => {
                    let what = format!("the file's address answered {status}");
                    return Err(CallError::Unreachable(what).into());
                }
            }
        }
        Err(MediaError::Gone)
    }

    /// The address of a file's description. Naming the number makes Meta refuse files of other numbers. These calls
    /// belong to sending, not to managing, so they count against no hourly limit.
    fn media_url(channel: &CloudChannel, id: &str) -> Result<Secret<String>, MediaError> {
        let query = [("phone_number_id", channel.phone_number_id.as_str())];
        channel.url(id, "", &query).map_err(|bad| gone(bad.into()))
    }
}

/// Meta's words for what does not exist.
fn gone(error: CallError) -> MediaError {
    match error {
        CallError::Refused(refusal)
            if refusal.http == 404
                || refusal.code == Some(UNKNOWN_ID)
                || (refusal.code, refusal.subcode) == (Some(UNKNOWN_OBJECT.0), Some(UNKNOWN_OBJECT.1)) =>
        {
            MediaError::Gone
        }
        // Another id than Meta's own form cannot exist there.
        CallError::Setting(_) => MediaError::Gone,
        other => MediaError::Call(other),
    }
}

/// Whether a file's address may be called at all, and how far it may lead.
fn reach(base_url: &str, address: &str) -> Result<Reach, MediaError> {
    let unread = |rule: gatepost_net::Rule| MediaError::Elsewhere(rule.to_string());
    let target = Target::parse(address).map_err(unread)?;
    if Target::parse(base_url).is_ok_and(|base| base.origin() == target.origin()) {
        return Ok(Reach::Configured);
    }
    let of_meta = |name: &str| {
        META_HOSTS
            .iter()
            .any(|host| name.strip_suffix(host).is_some_and(|front| front.is_empty() || front.ends_with('.')))
    };
    if target.scheme() == Scheme::Https && target.port() == 443 && target.host_name().is_some_and(of_meta) {
        Ok(Reach::Public)
    } else {
        Err(MediaError::Elsewhere(target.origin().to_owned()))
    }
}

#[cfg(test)]
mod tests;

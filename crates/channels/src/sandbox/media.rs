//! Media: uploads, descriptors, downloads (Meta, "Media").
//!
//! Contents live in memory, so their sum is bounded; the oldest go first, as Meta's go after 30 days.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use gatepost_core::Timestamp;
use gatepost_vault::{constant_time_eq, hmac_sha256, sha256};
use serde_json::{Value, json};

use super::call::Call;
use super::reply::{Answer, GraphError, json_answer, success};
use super::world::{Number, World, locked};

/// Contents kept in all, bytes.
const KEPT_BYTES: usize = 256 * 1024 * 1024;
/// Objects kept in all.
const KEPT: usize = 50_000;
const MB: usize = 1024 * 1024;

/// What Meta takes: MIME type, kind, largest size in bytes (Meta, "Supported media types").
const TYPES: &[(&str, &str, usize)] = &[
    ("audio/aac", "audio", 16 * MB),
    ("audio/mp4", "audio", 16 * MB),
    ("audio/mpeg", "audio", 16 * MB),
    ("audio/amr", "audio", 16 * MB),
    ("audio/ogg", "audio", 16 * MB),
    ("audio/opus", "audio", 16 * MB),
    ("application/vnd.ms-powerpoint", "document", 100 * MB),
    ("application/msword", "document", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "document", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "document", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "document", 100 * MB),
    ("application/pdf", "document", 100 * MB),
    ("text/plain", "document", 100 * MB),
    ("application/vnd.ms-excel", "document", 100 * MB),
    ("image/jpeg", "image", 5 * MB),
    ("image/png", "image", 5 * MB),
    ("image/webp", "sticker", 500 * 1024),
    ("video/mp4", "video", 16 * MB),
    ("video/3gpp", "video", 16 * MB),
];

/// Largest sticker that does not move, bytes.
const STILL_STICKER_MAX: usize = 100 * 1024;

/// Something that was uploaded, or that a person sent.
pub(super) struct Media {
    pub id: String,
    pub phone_number_id: String,
    pub waba_id: String,
    pub mime_type: String,
    content: Bytes,
    digest: [u8; 32],
}

impl Media {
    /// `image`, `audio` … by its MIME type; nothing for one that a person sent and Meta would not take.
    pub(super) fn kind(&self) -> Option<&'static str> {
        type_of(&self.mime_type).map(|(_, kind, _)| *kind)
    }
}

fn type_of(mime_type: &str) -> Option<&'static (&'static str, &'static str, usize)> {
    let plain = mime_type.split(';').next().unwrap_or_default().trim();
    TYPES.iter().find(|(name, _, _)| name.eq_ignore_ascii_case(plain))
}

/// All media there are.
#[derive(Default)]
pub(super) struct MediaStore {
    items: HashMap<String, Arc<Media>>,
    order: VecDeque<String>,
    bytes: usize,
}

impl MediaStore {
    fn put(&mut self, media: Arc<Media>) {
        self.bytes += media.content.len();
        self.order.push_back(media.id.clone());
        self.items.insert(media.id.clone(), media);
        while self.bytes > KEPT_BYTES || self.order.len() > KEPT {
            let Some(oldest) = self.order.pop_front() else { break };
            self.remove(&oldest);
        }
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Media>> {
        self.items.get(id).cloned()
    }

    fn remove(&mut self, id: &str) -> bool {
        let removed = self.items.remove(id);
        if let Some(media) = &removed {
            self.bytes -= media.content.len();
        }
        removed.is_some()
    }
}

/// Keeps a content under a new id.
pub(super) fn keep(world: &World, number: &Number, mime_type: &str, content: Bytes) -> Arc<Media> {
    let media = Arc::new(Media {
        id: world.ids.object(),
        phone_number_id: number.phone_number_id.clone(),
        waba_id: number.waba_id.clone(),
        mime_type: mime_type.to_owned(),
        digest: sha256(&content),
        content,
    });
    locked(&world.media).put(Arc::clone(&media));
    media
}

/// `POST /{phone_number_id}/media`: a multipart form of `messaging_product`, `file` and `type`.
pub(super) fn upload(world: &World, call: &Call, number: &Arc<Number>) -> Answer {
    call.need_product()?;
    let file = call.files.iter().find(|part| part.name == "file").or_else(|| call.files.first());
    let file = file.ok_or_else(|| GraphError::parameter("The parameter file is required."))?;
    // What curl does not know it calls a stream of octets; then the parameter says what it is.
    let of_part = file.content_type.as_deref().filter(|kind| *kind != "application/octet-stream");
    let of_parameter = call.text("type").filter(|kind| kind.contains('/'));
    let mime_type = of_part
        .filter(|kind| type_of(kind).is_some())
        .or(of_parameter)
        .or(of_part)
        .unwrap_or("application/octet-stream");
    let Some((_, kind, max)) = type_of(mime_type) else {
        let known: Vec<&str> = TYPES.iter().map(|(name, _, _)| *name).collect();
        return Err(GraphError::parameter(format!(
            "Param file must be a file with one of the following types: {}. Received file of type '{mime_type}'.",
            known.join(", ")
        )));
    };
    let max = if *kind == "sticker" && !moves(&file.content) { STILL_STICKER_MAX } else { *max };
    if file.content.is_empty() || file.content.len() > max {
        return Err(GraphError::parameter(format!(
            "Param file has {} bytes; a {kind} may have 1 to {max}.",
            file.content.len()
        )));
    }
    let media = keep(world, number, mime_type, file.content.clone());
    json_answer(&json!({ "id": media.id }))
}

/// Whether a WebP picture is an animation: a flag of its extended header (RFC 9649, section 2.7).
fn moves(content: &[u8]) -> bool {
    content.get(12..16) == Some(b"VP8X") && content.get(20).is_some_and(|flags| flags & 2 != 0)
}

/// `GET /{media_id}[?phone_number_id=…]`.
pub(super) fn describe(world: &World, call: &Call, media: &Arc<Media>) -> Answer {
    of_its_number(call, media)?;
    json_answer(&json!({
        "messaging_product": "whatsapp",
        "url": address(world, media, &call.base_url()),
        "mime_type": media.mime_type,
        "sha256": hex(&media.digest),
        "file_size": media.content.len(),
        "id": media.id,
    }))
}

/// `DELETE /{media_id}[?phone_number_id=…]`.
pub(super) fn delete(world: &World, call: &Call, media: &Arc<Media>) -> Answer {
    of_its_number(call, media)?;
    if locked(&world.media).remove(&media.id) { success() } else { Err(GraphError::object(&media.id)) }
}

/// With `phone_number_id` the media must be that number's.
fn of_its_number(call: &Call, media: &Media) -> Result<(), GraphError> {
    match call.text("phone_number_id") {
        Some(id) if id != media.phone_number_id => Err(GraphError::object(&media.id)),
        _ => Ok(()),
    }
}

/// An address that works for as long as the configuration says.
fn address(world: &World, media: &Media, base: &str) -> String {
    let until = world.clock.now().plus(world.config.rules.media_url_life).seconds();
    let hash = hex(&seal(world, &media.id, until));
    format!("{base}/whatsapp_business/attachments/?mid={}&ext={until}&hash={hash}", media.id)
}

fn seal(world: &World, id: &str, until: i64) -> [u8; 32] {
    hmac_sha256(&world.config.seed.to_be_bytes(), format!("{id}|{until}").as_bytes())
}

/// `GET /whatsapp_business/attachments/?mid=…&ext=…&hash=…`: the content, whole or a range of it. Needs the token
/// as Meta's does; an address whose time is over answers 404 without any of Meta's errors.
pub(super) fn download(world: &World, call: &Call) -> Answer {
    let token = call.token().ok_or_else(GraphError::no_token)?;
    let numbers = world.numbers_of(token);
    if numbers.is_empty() {
        return Err(GraphError::token());
    }
    let found = || {
        let until = i64::try_from(call.number("ext")?).ok()?;
        let id = call.text("mid")?;
        let good = constant_time_eq(hex(&seal(world, id, until)).as_bytes(), call.text("hash")?.as_bytes());
        let media = locked(&world.media).get(id)?;
        let own = numbers.iter().any(|n| n.waba_id == media.waba_id);
        (good && own && world.clock.now() <= Timestamp::from_seconds(until)).then_some(media)
    };
    let Some(media) = found() else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    Ok(content(&media, call.header(header::RANGE.as_str())))
}

fn content(media: &Media, range: Option<&str>) -> Response {
    let total = media.content.len();
    let mut response = match range.and_then(|range| part_of(range, total)) {
        Some((from, to)) => {
            let mut response = (StatusCode::PARTIAL_CONTENT, Body::from(media.content.slice(from..to)));
            let stated = format!("bytes {from}-{}/{total}", to - 1);
            (response.0, [(header::CONTENT_RANGE, stated)], std::mem::take(&mut response.1)).into_response()
        }
        None => Body::from(media.content.clone()).into_response(),
    };
    if let Ok(kind) = media.mime_type.parse() {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// `bytes=from-to`, `bytes=from-` or `bytes=-last` as a half-open range; anything else means the whole.
fn part_of(range: &str, total: usize) -> Option<(usize, usize)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = if from.is_empty() {
        (total.saturating_sub(to.parse().ok()?), total)
    } else {
        let end = if to.is_empty() { total } else { to.parse::<usize>().ok()?.saturating_add(1) };
        (from.parse().ok()?, end.min(total))
    };
    (from < to).then_some((from, to))
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// What people send when they send media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sample {
    Image,
    Voice,
    Document,
    Video,
    Sticker,
}

impl Sample {
    pub(super) fn of(kind: &str) -> Option<Self> {
        [Self::Image, Self::Voice, Self::Document, Self::Video, Self::Sticker]
            .into_iter()
            .find(|sample| sample.kind() == kind)
    }

    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Voice => "audio",
            Self::Document => "document",
            Self::Video => "video",
            Self::Sticker => "sticker",
        }
    }

    const fn mime_type(self) -> &'static str {
        match self {
            Self::Image => "image/jpeg",
            Self::Voice => "audio/ogg; codecs=opus",
            Self::Document => "application/pdf",
            Self::Video => "video/mp4",
            Self::Sticker => "image/webp",
        }
    }

    const fn content(self) -> &'static [u8] {
        match self {
            Self::Image => include_bytes!("samples/image.jpg"),
            Self::Voice => include_bytes!("samples/voice.ogg"),
            Self::Document => include_bytes!("samples/document.pdf"),
            Self::Video => include_bytes!("samples/video.mp4"),
            Self::Sticker => include_bytes!("samples/sticker.webp"),
        }
    }
}

/// The node of an inbound message for a sample, whose content can be fetched.
pub(super) fn node(world: &World, number: &Number, sample: Sample) -> Value {
    let media = keep(world, number, sample.mime_type(), Bytes::from_static(sample.content()));
    let mut node = node_of(world, &media);
    match sample {
        Sample::Image => node["caption"] = "Grüße vom Markt 🥖".into(),
        Sample::Voice => node["voice"] = true.into(),
        Sample::Document => node["filename"] = "Größen & Preise.pdf".into(),
        Sample::Sticker => node["animated"] = false.into(),
        Sample::Video => {}
    }
    node
}

/// `{mime_type, sha256, id, url}` of a content as callbacks name it; the digest is in base64 there.
pub(super) fn node_of(world: &World, media: &Media) -> Value {
    json!({
        "mime_type": media.mime_type,
        "sha256": STANDARD.encode(media.digest),
        "id": media.id,
        "url": address(world, media, &format!("http://{}", world.addr)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (range, want) in [
            ("bytes=0-3", Some((0, 4))),
            ("bytes=5-", Some((5, 10))),
            ("bytes=-4", Some((6, 10))),
            ("bytes=0-99", Some((0, 10))),
            ("bytes=10-", None),
            ("bytes=4-2", None),
            ("lines=1-2", None),
            ("bytes=x-y", None),
        ] {
            assert_eq!(part_of(range, 10), want, "{range}");
        }
    }

    #[test]
    fn samples_are_what_they_say() {
        assert!(Sample::Image.content().starts_with(b"\xff\xd8\xff"));
        assert!(Sample::Voice.content().starts_with(b"OggS"));
        assert!(Sample::Document.content().starts_with(b"%PDF-"));
        assert_eq!(Sample::Video.content().get(4..8), Some(&b"ftyp"[..]));
        assert_eq!(Sample::Sticker.content().get(8..12), Some(&b"WEBP"[..]));
        assert_eq!(Sample::of("audio"), Some(Sample::Voice));
    }

    #[test]
    fn the_oldest_go_first() {
        let mut store = MediaStore::default();
        let media = |id: usize, size: usize| {
            Arc::new(Media {
                id: id.to_string(),
                phone_number_id: String::new(),
                waba_id: String::new(),
                mime_type: "text/plain".to_owned(),
                content: Bytes::from(vec![0; size]),
                digest: [0; 32],
            })
        };
        for id in 0..4 {
            store.put(media(id, KEPT_BYTES / 3));
        }
        assert!(store.get("0").is_none() && store.get("3").is_some());
        assert!(store.remove("3") && !store.remove("3"));
        assert!(store.bytes <= KEPT_BYTES);
    }
}

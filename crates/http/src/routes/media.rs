//! `/v1/media`

use axum::extract::State;
use gatepost_app::{App, Idempotent, MediaUpload};
use gatepost_core::access::permission::{MessageRead, MessageSend};
use gatepost_core::guard::Feature;
use gatepost_core::media::{MediaType, file_name};
use gatepost_core::{ChannelId, Code, Error, MediaId, Result};
use http::StatusCode;
use serde_json::{Value, json};

use crate::access::{Grant, delete, get, post};
use crate::attachment::attachment;
use crate::channel_header::ChannelHeader;
use crate::path::Id;
use crate::query::{Query, QueryParameter, invalid};
use crate::reply::{self, Answer, kept};
use crate::route::Route;
use crate::upload::Upload;
use crate::wire;

const UPLOAD: [QueryParameter; 2] = [
    QueryParameter::text(
        "channel_id",
        "The channel that will send it; may be left out where only one can be meant.",
        "chn_01kagq5rh8e5htqh9sk95d3x4w",
    ),
    QueryParameter::text("filename", "The file's name, without folders; at most 240 bytes.", "parcel.png"),
];

/// A picture of one pixel.
const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\nIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";

const META: [Code; 2] = [Code::MetaRefused, Code::MetaUnreachable];

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/v1/media", media_upload)
            .id("mediaUpload").feature(Feature::Media)
            .summary("Upload a file")
            .description("The body is the file itself and Content-Type its type: no form. It is passed on to Meta as it comes; nothing of it is stored here. Images (JPEG, PNG) up to 5 MB, audio (AAC, AMR, MP3, M4A, OGG with Opus) and video (MP4, 3GP) 16 MB, documents 100 MB, stickers (WebP) 100 KB, or 500 KB where they move. The file can be sent for 30 days: put its id where a message takes the id of media.")
            .tag("Media")
            .query(&UPLOAD)
            .takes_channel_header()
            .takes_file(MediaType::names(), ("image/png", PIXEL))
            .answer::<wire::Media<'static>>(201, "The file is at Meta.", example())
            .fails(&[
                Code::NotFound,
                Code::ChannelNotReady,
                Code::MetaRefused,
                Code::MetaUnreachable,
            ]),
        get("/v1/media/{media_id}", media_get)
            .id("mediaGet").feature(Feature::Media)
            .summary("Read what is known of a file")
            .tag("Media")
            .answer::<wire::Media<'static>>(200, "The file's particulars.", example()),
        get("/v1/media/{media_id}/content", media_content)
            .id("mediaContent").feature(Feature::Media)
            .summary("Fetch a file")
            .description("The file is fetched from Meta and passed on as it comes. Its digest is checked meanwhile: an answer that ends early is not the file. Content-Type is one of the types that can be uploaded, or application/octet-stream. Files that people send are other people's: treat them so.")
            .tag("Media")
            .answers_file("The file, as an attachment.")
            .fails(&[
                Code::ChannelNotReady,
                Code::MediaExpired,
                Code::MediaGone,
                Code::MediaTooLarge,
                Code::MediaRefused,
            ])
            .fails(&META),
        delete("/v1/media/{media_id}", media_delete)
            .id("mediaDelete")
            .summary("Delete a file")
            .description("It is deleted at Meta too. Messages that were sent with it keep it.")
            .tag("Media")
            .answers_nothing("The file is gone.")
            .fails(&META),
    ]
}

fn example() -> Value {
    json!({
        "id": "med_01kagq5rh8e5htqh9sk95d3x4w",
        "mode": "test",
        "channel_id": "chn_01kagq5rh8e5htqh9sk95d3x4w",
        "direction": "outbound",
        "provider_id": "1037543291543636",
        "mime_type": "image/png",
        "size": 67,
        "sha256": "71a501b8b2e4dd6d3a8ebd5aef6ad0ff0ff1a0ab0c9d0ac4d4b9a5b9e5d9c0a1",
        "filename": "parcel.png",
        "message_id": null,
        "url": "/v1/media/med_01kagq5rh8e5htqh9sk95d3x4w/content",
        "created_at": "2026-11-01T09:30:00Z",
        "expires_at": "2026-12-01T09:30:00Z",
    })
}

/// A channel that is named in the query; what is no id is one that nobody has.
fn channel(query: &Query) -> Result<Option<ChannelId>> {
    query.get("channel_id").map(|text| text.parse().map_err(|_| Error::of(Code::NotFound))).transpose()
}

fn filename(query: &Query) -> Result<Option<String>> {
    let Some(text) = query.get("filename") else { return Ok(None) };
    match file_name(text) {
        Some(clean) if clean == text => Ok(Some(clean)),
        _ => Err(invalid("filename: expected 1 to 240 bytes without folders or control characters")),
    }
}

async fn media_upload(
    grant: Grant<MessageSend>,
    State(app): State<App>,
    header: ChannelHeader,
    query: Query,
    mut upload: Upload,
) -> Answer {
    let idempotent = upload.take_key().map(|(key, request)| Idempotent { key, request, render: kept });
    let Upload { mime_type, length, content, .. } = upload;
    let channel = header.join(channel(&query)?)?;
    let command = MediaUpload { channel, mime_type, filename: filename(&query)?, length, content };
    let outcome = app.media_upload(&grant, command, idempotent).await?;
    Ok(reply::made(StatusCode::CREATED, outcome))
}

async fn media_get(grant: Grant<MessageRead>, State(app): State<App>, Id(id): Id<MediaId>) -> Answer {
    let view = app.media_get(&grant, id).await?;
    Ok(reply::ok(&wire::Media::from(&view)))
}

async fn media_content(grant: Grant<MessageRead>, State(app): State<App>, Id(id): Id<MediaId>) -> Answer {
    let media = app.media_content(&grant, id).await?;
    let mime_type = media.mime_type.map(MediaType::as_str);
    let (filename, size) = (media.filename.clone(), media.size);
    Ok(attachment(mime_type, &filename, size, media.into_stream()))
}

async fn media_delete(grant: Grant<MessageSend>, State(app): State<App>, Id(id): Id<MediaId>) -> Answer {
    app.media_delete(&grant, id).await?;
    Ok(reply::nothing())
}

//! The Resumable Upload API, whose handles template samples and profile pictures name (Graph API, "Resumable
//! Uploads").
//!
//! `POST /{app_id}/uploads` opens a session, `POST /upload:{session}` brings bytes from an offset on, and the answer to
//! the last of them is the handle. `GET /upload:{session}` tells how far it came.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::apps::{self, App};
use super::call::Call;
use super::reply::{Answer, GraphError, json_answer};
use super::world::{World, locked};

/// Largest file, bytes.
const FILE_MAX: u64 = 100 * 1024 * 1024;
/// Most sessions that wait for bytes, and most handles that are remembered.
const KEPT: usize = 1_000;

/// Sessions and handles.
#[derive(Default)]
pub(super) struct Uploads {
    sessions: HashMap<String, Session>,
    order: VecDeque<String>,
    handles: HashSet<String>,
}

/// A file on its way. Its bytes are counted, not kept: nobody can ask for them again.
struct Session {
    app_id: String,
    length: u64,
    file_type: String,
    offset: u64,
}

impl Uploads {
    /// Whether a handle was given here.
    pub(super) fn knows(&self, handle: &str) -> bool {
        self.handles.contains(handle)
    }
}

/// `POST /{app_id}/uploads?file_length=…&file_type=…[&file_name=…]` → `{"id":"upload:…"}`.
pub(super) fn open(world: &World, call: &Call, app: &Arc<App>) -> Answer {
    let length = call
        .number("file_length")
        .filter(|length| (1..=FILE_MAX).contains(length))
        .ok_or_else(|| GraphError::parameter("The parameter file_length is required: 1 to 104857600."))?;
    let file_type = call.need("file_type")?.to_owned();
    let id = format!("upload:{}", URL_SAFE_NO_PAD.encode(world.ids.number().to_be_bytes()));
    let mut uploads = locked(&world.uploads);
    if uploads.order.len() >= KEPT
        && let Some(oldest) = uploads.order.pop_front()
    {
        uploads.sessions.remove(&oldest);
    }
    uploads.order.push_back(id.clone());
    uploads.sessions.insert(id.clone(), Session { app_id: app.id.clone(), length, file_type, offset: 0 });
    json_answer(&json!({ "id": id }))
}

/// `POST /upload:{session}` with the header `file_offset` → `{"h":"…"}`.
pub(super) fn put(world: &World, call: &Call) -> Answer {
    let (id, token) = (session_id(call), call.token().ok_or_else(GraphError::no_token)?);
    let offset: u64 = call.header("file_offset").and_then(|text| text.parse().ok()).unwrap_or(0);
    let handle = {
        let mut uploads = locked(&world.uploads);
        let session = uploads.sessions.get_mut(id);
        let session = session.filter(|s| apps::of_token(world, token, &s.app_id).is_some());
        let session = session.ok_or_else(|| GraphError::object(id))?;
        if offset != session.offset {
            return Err(GraphError::parameter(format!(
                "The file_offset is {offset}, and {} bytes have arrived.",
                session.offset
            )));
        }
        let end = offset + call.body.len() as u64;
        if end > session.length {
            return Err(GraphError::parameter("More bytes than file_length said."));
        }
        session.offset = end;
        if end < session.length {
            return json_answer(&json!({ "id": id, "file_offset": end }));
        }
        let kind = URL_SAFE_NO_PAD.encode(&session.file_type);
        let handle = format!("4::{kind}:ARa{:016x}:e:{end}", world.ids.number());
        if uploads.handles.len() >= KEPT {
            uploads.handles.clear();
        }
        uploads.handles.insert(handle.clone());
        uploads.sessions.remove(id);
        handle
    };
    json_answer(&json!({ "h": handle }))
}

/// `GET /upload:{session}` → `{"id":"upload:…","file_offset":n}`.
pub(super) fn get(world: &World, call: &Call) -> Answer {
    let (id, token) = (session_id(call), call.token().ok_or_else(GraphError::no_token)?);
    let uploads = locked(&world.uploads);
    let session = uploads.sessions.get(id);
    let session = session.filter(|s| apps::of_token(world, token, &s.app_id).is_some());
    let session = session.ok_or_else(|| GraphError::object(id))?;
    json_answer(&json!({ "id": id, "file_offset": session.offset }))
}

fn session_id(call: &Call) -> &str {
    call.path.first().map(String::as_str).unwrap_or_default()
}

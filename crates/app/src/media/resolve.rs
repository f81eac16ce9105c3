//! From our ids of files to Meta's, before a message that names them is stored.

use std::collections::HashMap;

use gatepost_core::content::{Attached, Content};
use gatepost_core::media::{MediaKind, MediaType};
use gatepost_core::{ChannelId, Error, FieldError, MediaId, Result};
use gatepost_store::{MediaRow, WorkspaceScope};
use gatepost_vault::WorkspaceKeys;

use super::{Details, open};
use crate::App;

impl App {
    /// The same content with Meta's ids in the places of ours; `None` where it names no file of ours. The inner error
    /// is the caller's: every wrong id at once.
    pub(crate) async fn media_resolve(
        &self,
        scope: WorkspaceScope,
        keys: &WorkspaceKeys,
        channel: ChannelId,
        content: &Content,
    ) -> Result<Result<Option<Content>>> {
        let attached = content.attached();
        if attached.is_empty() {
            return Ok(Ok(None));
        }
        let mut ids: Vec<MediaId> = attached.iter().filter_map(|file| file.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let rows = self.0.store.read(scope, async move |tx| tx.media_get(&ids).await).await?;
        let mut known: HashMap<MediaId, (MediaRow, Details)> = HashMap::new();
        for row in rows.into_iter().flatten().filter(|row| row.channel == channel) {
            let details = open(keys, &row)?;
            known.insert(row.id, (row, details));
        }
        let now = self.now();
        let wrong: Vec<FieldError> = attached
            .iter()
            .filter_map(|file| {
                let found = file.id.and_then(|id| known.get(&id));
                let (code, detail) = match found {
                    None => ("not_found", "there is no such file on this channel".to_owned()),
                    Some((row, _)) if row.expires_at <= now => {
                        ("media_expired", "Meta does not keep this file any more: upload it again".to_owned())
                    }
                    Some((_, details)) => ("invalid_value", misfit(file, details)?),
                };
                Some(FieldError::new(&file.pointer, code, detail))
            })
            .collect();
        if !wrong.is_empty() {
            return Ok(Err(Error::fields(wrong)));
        }
        let ids = known.into_iter().map(|(id, (_, details))| (id, details.provider_id)).collect();
        Ok(Ok(Some(content.attaching(&ids).map_err(Error::internal)?)))
    }
}

/// Why a file cannot be shown as what it is named for. Anything can be a document.
fn misfit(file: &Attached, details: &Details) -> Option<String> {
    let kind = MediaType::parse(&details.mime_type)?.kind();
    let fits = file.kind == MediaKind::Document || file.kind == kind;
    (!fits).then(|| format!("this file is {} ({kind}), not {}", details.mime_type, file.kind))
}

//! The channel of a lane. It is read anew at each look, since it may have been changed or deleted; what is sealed of it is
//! opened only when it is not what it was.

use std::sync::{Arc, Mutex, PoisonError};

use gatepost_channels::cloud::CloudChannel;
use gatepost_core::channel::Mode;
use gatepost_core::{ChannelId, Error, Result};
use gatepost_store::{ChannelRow, MetaAppRow, WorkspaceScope};

use crate::App;

/// What a lane knows of its channel.
#[derive(Default)]
pub(super) struct Known(Mutex<Option<Opened>>);

/// A live channel that was opened, and the sealed bytes that it was opened from.
struct Opened {
    token: Vec<u8>,
    app_id: String,
    secret: Vec<u8>,
    channel: Arc<CloudChannel>,
}

impl Opened {
    fn is_of(&self, row: &ChannelRow, app: &MetaAppRow) -> bool {
        (&self.token, &self.app_id, &self.secret, &self.channel.phone_number_id)
            == (&row.token, &app.app_id, &app.secret, &row.phone_number_id)
    }
}

impl Known {
    /// The channel as it is now; `None` when it is gone.
    pub async fn channel(
        &self,
        app: &App,
        id: ChannelId,
    ) -> Result<Option<(WorkspaceScope, ChannelRow, Arc<CloudChannel>)>> {
        let found = app.0.store.read_system(async move |tx| tx.channel_find(id).await).await?;
        let Some((scope, row, meta_app)) = found else { return Ok(None) };
        let meta_app = meta_app.ok_or_else(|| Error::internal("a channel's Meta app is gone"))?;
        if let Some(channel) = self.opened(&row, &meta_app) {
            return Ok(Some((scope, row, channel)));
        }
        let channel = Arc::new(app.cloud_channel_on(scope, &row, &meta_app).await?);
        // A test channel makes itself known to the simulated Meta each time it is opened.
        if row.mode == Mode::Live {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Opened {
                token: row.token.clone(),
                app_id: meta_app.app_id,
                secret: meta_app.secret,
                channel: Arc::clone(&channel),
            });
        }
        Ok(Some((scope, row, channel)))
    }

    /// The one at hand, if it is of these rows.
    fn opened(&self, row: &ChannelRow, app: &MetaAppRow) -> Option<Arc<CloudChannel>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|opened| opened.is_of(row, app)).map(|opened| Arc::clone(&opened.channel))
    }
}

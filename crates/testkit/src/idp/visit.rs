//! The whole way of a person through a provider and back, without a browser's pages.

use gatepost_app::sso::Callback;
use gatepost_app::{SsoDone, SsoWish};
use gatepost_core::Error;

use super::Idp;
use crate::World;

impl World {
    /// What comes of a visit to the provider that is `key` here.
    ///
    /// # Panics
    /// When the provider does not send the person back.
    pub async fn visit(&self, idp: &Idp, key: &str, wish: SsoWish<'_>) -> Result<SsoDone, Error> {
        let started = self.app.sso_start(key, None, wish, "").await?;
        let back = idp.consent(&started.url).await;
        let get = |name: &str| back.get(name).cloned();
        let state = get("state").unwrap_or_default();
        let callback = Callback { state, code: get("code"), iss: get("iss"), error: get("error") };
        let finished = self.app.sso_finish(&self.caller(), key, started.browser.expose(), &callback).await?;
        Ok(finished.done)
    }
}

//! Verification pages as callers: what a visitor of such a page may cause in its workspace.
//!
//! Threat note. The address of a page is public, so it opens next to nothing: beginning and checking verifications by the
//! page's own channel. Defends against: a page that reads anything (it holds no permission to), one that outlives its
//! deletion (it is looked up for each request), a visitor who names another workspace or channel (both are the page's).
//! Does not defend against: visitors without end; the limits by address and the rules against fraud do.

use std::sync::Arc;

use super::permissions::{PermissionId, PermissionSet};
use super::principal::{KeyRules, Principal, TokenDigest};
use crate::channel::Mode;
use crate::guard::Entitlements;
use crate::id::{ChannelId, VerificationPageId, WorkspaceId};

/// A page as the database knows it.
#[derive(Clone)]
pub struct StoredPage {
    pub id: VerificationPageId,
    pub workspace: WorkspaceId,
    pub digest: TokenDigest,
    pub mode: Mode,
    pub channel: ChannelId,
    /// What its workspace may use.
    pub entitlements: Entitlements,
}

impl Principal {
    /// A page that a visitor opened by its address; `None` where the address is another's.
    pub fn verify_page(stored: &StoredPage, presented: &TokenDigest) -> Option<Self> {
        if stored.digest != *presented {
            return None;
        }
        let holds = PermissionSet::of([PermissionId::VerificationStart, PermissionId::VerificationCheck]);
        let rules = KeyRules { entitlements: stored.entitlements, ..KeyRules::default() };
        Some(Self::of_page(stored, holds, Arc::new(rules)))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use uuid::Uuid;

    use super::*;
    use crate::access::permission::{MessageRead, MessageSend, VerificationRead, VerificationStart};

    #[test]
    fn a_page_may_verify_people_and_nothing_else() {
        let stored = StoredPage {
            id: VerificationPageId::from_uuid(Uuid::max()),
            workspace: WorkspaceId::from_uuid(Uuid::max()),
            digest: TokenDigest::new([7; 32]),
            mode: Mode::Test,
            channel: ChannelId::from_uuid(Uuid::from_u128(1)),
            entitlements: Entitlements::default(),
        };
        assert!(Principal::verify_page(&stored, &TokenDigest::new([8; 32])).is_none());
        let page = Arc::new(Principal::verify_page(&stored, &TokenDigest::new([7; 32])).unwrap());
        let grant = page.grant::<VerificationStart>().unwrap();
        assert!(grant.reaches(stored.channel) && !grant.reaches(ChannelId::from_uuid(Uuid::from_u128(2))));
        assert!(grant.sees(Mode::Test) && !grant.sees(Mode::Live));
        assert!(page.grant::<MessageSend>().is_err() && page.grant::<MessageRead>().is_err());
        assert!(page.grant::<VerificationRead>().is_err());
    }
}

//! How many files pass through this process at a time. Each holds two connections and a few pieces in memory for as
//! long as its slower side likes (minutes at most), so their number is bounded: in all, and for each workspace, so that
//! none takes every place.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gatepost_core::{Code, Error, Result, WorkspaceId};

/// Files under way in all.
const ALL: usize = 256;
/// Files of one workspace under way.
const ONE_WORKSPACE: usize = 32;
/// When to ask again: transfers last seconds.
const AGAIN: Duration = Duration::from_secs(5);

/// The files under way.
#[derive(Default)]
pub(crate) struct Transfers(Mutex<HashMap<WorkspaceId, usize>>);

/// The place of one file, free again when dropped.
pub(crate) struct Transfer {
    transfers: Arc<Transfers>,
    workspace: WorkspaceId,
}

impl Transfers {
    fn lock(&self) -> MutexGuard<'_, HashMap<WorkspaceId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place.
    ///
    /// Errors: `unavailable` where there is none.
    pub fn begin(self: &Arc<Self>, workspace: WorkspaceId) -> Result<Transfer> {
        let mut under_way = self.lock();
        let full = under_way.values().sum::<usize>() >= ALL;
        let own = under_way.entry(workspace).or_default();
        if full || *own >= ONE_WORKSPACE {
            let nothing = *own == 0;
            if nothing {
                under_way.remove(&workspace);
            }
            return Err(Error::new(Code::Unavailable, "too many files are under way at this moment")
                .with_retry_after(AGAIN));
        }
        *own += 1;
        Ok(Transfer { transfers: Arc::clone(self), workspace })
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        let mut under_way = self.transfers.lock();
        if let Some(own) = under_way.get_mut(&self.workspace) {
            *own -= 1;
            if *own == 0 {
                under_way.remove(&self.workspace);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use uuid::Uuid;

    #[test]
    fn places_are_bounded_and_given_back() {
        let transfers = Arc::new(Transfers::default());
        let workspace = |number| WorkspaceId::from_uuid(Uuid::from_u128(number));
        let mut held: Vec<Transfer> =
            (0..ONE_WORKSPACE).map(|_| transfers.begin(workspace(1)).unwrap()).collect();
        let refused = transfers.begin(workspace(1)).err().unwrap();
        assert_eq!((refused.code(), refused.retry_after()), (Code::Unavailable, Some(AGAIN)));
        for other in 2.. {
            match transfers.begin(workspace(other)) {
                Ok(transfer) => held.push(transfer),
                Err(_) => break,
            }
        }
        assert_eq!(held.len(), ALL);
        held.pop();
        assert!(transfers.begin(workspace(1)).is_err(), "its own share is still used up");
        held.push(transfers.begin(workspace(9_999)).unwrap());
        held.clear();
        assert!(transfers.lock().is_empty(), "nothing is remembered of who is gone");
    }
}

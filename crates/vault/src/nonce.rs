//! Nonces that cannot repeat, and the budget of uses of a data key.
//!
//! Threat note. AES-GCM breaks completely when one key meets one nonce twice, so no nonce is left to chance or to a
//! single safeguard:
//!
//! * A nonce is the salt of a lease (8 random bytes) followed by a position (4 bytes, big-endian). Positions of a data
//!   key are leased in blocks from the store, by a committed transaction that moves the key's count of leased uses, so
//!   two processes on one store never hold the same position, and a process that dies takes its block with it: no
//!   nonce repeats by construction, whatever the salts are.
//! * The salt covers what a counter alone cannot: a backup restored, a database cloned, a virtual machine resumed
//!   twice. There the same positions are leased again, and only the fresh salt keeps the nonces apart; two leases of
//!   the same block then meet with a probability of 2^-64.
//! * A key is replaced after 2^30 leased uses, long before the 2^32 at which positions would end and at which
//!   SP 800-38D draws the line for random nonces.
//!
//! Does not defend against: a store that gives one block out twice *and* a generator that repeats itself.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gatepost_core::Entropy;

use crate::VaultError;
use crate::cipher::NONCE_LEN;

/// Uses in one lease. A process that starts and stops wastes at most this many of a key's 2^30, so a key survives 8,192
/// restarts; a workspace that seals 50,000 values a second needs a lease every 2.6 s.
pub const LEASE_USES: u32 = 1 << 17;

/// Leased uses after which a data key is replaced.
pub const USES_PER_KEY: u64 = 1 << 30;

/// A block of positions of one data key, to be used by one process and once: hence neither `Clone` nor `Copy`.
#[derive(Debug, PartialEq, Eq)]
pub struct Lease {
    first: u32,
    uses: u32,
}

impl Lease {
    /// How many values can be sealed under it; the store adds this to the key's count of leased uses, in the same
    /// transaction.
    pub const fn uses(&self) -> u32 {
        self.uses
    }
}

/// What the store does when a process asks for uses of a data key.
#[derive(Debug, PartialEq, Eq)]
pub enum LeaseDecision {
    /// Add `uses()` to the stored count, commit, then hand the lease to [`crate::WorkspaceKeys::add_lease`]. A lease
    /// whose transaction did not commit must be dropped.
    Grant(Lease),
    /// The key has served long enough: make the next version first, and lease from that.
    RotateFirst,
}

/// The next lease of a data key of which `leased` uses were given out so far, on all nodes together.
pub fn next_lease(leased: u64) -> LeaseDecision {
    match u32::try_from(leased) {
        Ok(first) if leased + u64::from(LEASE_USES) <= USES_PER_KEY => {
            LeaseDecision::Grant(Lease { first, uses: LEASE_USES })
        }
        _ => LeaseDecision::RotateFirst,
    }
}

/// The leases that this process holds for one data key.
pub(crate) struct Nonces(Mutex<Held>);

#[derive(Default)]
struct Held {
    blocks: VecDeque<Block>,
    /// One more than the last position ever held here: a lease that starts below it is an old one.
    frontier: u32,
}

struct Block {
    salt: [u8; 8],
    next: u32,
    end: u32,
}

impl Nonces {
    pub(crate) fn empty() -> Self {
        Self(Mutex::new(Held::default()))
    }

    #[expect(clippy::needless_pass_by_value, reason = "a lease is used once, so it is given away")]
    pub(crate) fn add(&self, lease: Lease, entropy: &dyn Entropy) -> Result<(), VaultError> {
        let Lease { first, uses } = lease;
        let mut held = self.lock();
        let end = first.checked_add(uses).ok_or(VaultError::LeaseRefused)?;
        if first < held.frontier || uses == 0 {
            return Err(VaultError::LeaseRefused);
        }
        held.blocks.push_back(Block { salt: entropy.array(), next: first, end });
        held.frontier = end;
        Ok(())
    }

    /// A nonce that was never given before, or `None` when the leases are spent.
    pub(crate) fn take(&self) -> Option<[u8; NONCE_LEN]> {
        let mut held = self.lock();
        let block = held.blocks.front_mut()?;
        let mut nonce = [0; NONCE_LEN];
        nonce[..8].copy_from_slice(&block.salt);
        nonce[8..].copy_from_slice(&block.next.to_be_bytes());
        block.next += 1;
        if block.next == block.end {
            held.blocks.pop_front();
        }
        Some(nonce)
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.lock().blocks.iter().map(|block| u64::from(block.end - block.next)).sum()
    }

    /// The guarded steps above leave the state whole at every point where they could end, so a poisoned lock is usable.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use crate::SystemEntropy;

    /// The worst generator there is: what holds under it holds by construction.
    struct Stuck;
    impl Entropy for Stuck {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    fn lease_at(leased: u64) -> Lease {
        match next_lease(leased) {
            LeaseDecision::Grant(lease) => lease,
            LeaseDecision::RotateFirst => panic!("no lease at {leased}"),
        }
    }

    fn position(nonce: [u8; NONCE_LEN]) -> u32 {
        u32::from_be_bytes(nonce[8..].try_into().unwrap())
    }

    /// Ten million nonces over three processes that lease in turn from one count, one of which dies half-way, with a
    /// generator that gives the same salt each time: every position is seen at most once (one bit each).
    #[test]
    fn ten_million_nonces_never_repeat() {
        const WANTED: usize = 10_000_000;
        let mut seen = vec![0_u64; 1 << 20];
        let mut mark = |nonce: [u8; NONCE_LEN]| {
            assert_eq!(nonce[..8], [0; 8]);
            let at = position(nonce) as usize;
            let bit = 1 << (at % 64);
            assert_eq!(seen[at / 64] & bit, 0, "position {at} came twice");
            seen[at / 64] |= bit;
        };
        let mut nodes = [Nonces::empty(), Nonces::empty(), Nonces::empty()];
        let mut leased = 0;
        let mut taken = 0;
        let mut turn = 0;
        while taken < WANTED {
            turn += 1;
            let node = turn % 3;
            if nodes[node].remaining() < 1_000 {
                let lease = lease_at(leased);
                leased += u64::from(lease.uses());
                nodes[node].add(lease, &Stuck).unwrap();
            }
            for _ in 0..1_000 {
                mark(nodes[node].take().unwrap());
                taken += 1;
            }
            if turn == 5_000 {
                nodes[0] = Nonces::empty();
            }
        }
        assert!(leased < USES_PER_KEY);
    }

    /// A restored backup leases the same block again: the positions meet, the nonces do not.
    #[test]
    fn a_block_leased_twice_still_gives_other_nonces() {
        let (before, after) = (Nonces::empty(), Nonces::empty());
        before.add(lease_at(0), &SystemEntropy).unwrap();
        after.add(lease_at(0), &SystemEntropy).unwrap();
        let (one, other) = (before.take().unwrap(), after.take().unwrap());
        assert_eq!(position(one), position(other));
        assert_ne!(one, other);
    }

    #[test]
    fn a_spent_lease_gives_nothing_and_the_next_one_follows_on() {
        let nonces = Nonces::empty();
        assert_eq!(nonces.take(), None, "no lease, no nonce");
        nonces.add(lease_at(0), &SystemEntropy).unwrap();
        for expected in 0..LEASE_USES {
            assert_eq!(nonces.remaining(), u64::from(LEASE_USES - expected));
            assert_eq!(position(nonces.take().unwrap()), expected);
        }
        assert_eq!((nonces.remaining(), nonces.take()), (0, None));
        nonces.add(lease_at(u64::from(LEASE_USES)), &SystemEntropy).unwrap();
        assert_eq!(position(nonces.take().unwrap()), LEASE_USES);
    }

    #[test]
    fn a_lease_held_before_is_refused() {
        let nonces = Nonces::empty();
        nonces.add(lease_at(0), &SystemEntropy).unwrap();
        assert_eq!(nonces.add(lease_at(0), &SystemEntropy), Err(VaultError::LeaseRefused));
        assert_eq!(
            nonces.add(lease_at(u64::from(LEASE_USES) - 1), &SystemEntropy),
            Err(VaultError::LeaseRefused)
        );
        assert_eq!(nonces.remaining(), u64::from(LEASE_USES));
    }

    #[test]
    fn threads_share_a_lease_without_overlap() {
        let nonces = Nonces::empty();
        nonces.add(lease_at(0), &SystemEntropy).unwrap();
        let mut positions: Vec<u32> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| std::iter::from_fn(|| nonces.take()).map(position).collect::<Vec<_>>())
                })
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        positions.sort_unstable();
        assert!(positions.into_iter().eq(0..LEASE_USES));
    }

    #[test]
    fn a_key_is_replaced_long_before_two_to_the_32() {
        let mut leased = 0;
        while let LeaseDecision::Grant(lease) = next_lease(leased) {
            leased += u64::from(lease.uses());
        }
        assert_eq!(leased, USES_PER_KEY);
        const { assert!(USES_PER_KEY <= (1 << 32) / 4) };
        for beyond in [USES_PER_KEY, (1 << 32) - 1, 1 << 32, u64::MAX] {
            assert_eq!(next_lease(beyond), LeaseDecision::RotateFirst, "{beyond}");
        }
    }
}

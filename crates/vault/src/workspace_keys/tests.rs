#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
use super::*;
use crate::nonce::{LeaseDecision, next_lease};
use crate::{MasterKey, PLATFORM, SystemEntropy};
use proptest::prelude::*;
use std::sync::LazyLock;

fn lease(leased: u64) -> Lease {
    match next_lease(leased) {
        LeaseDecision::Grant(lease) => lease,
        LeaseDecision::RotateFirst => panic!("no lease at {leased}"),
    }
}

fn material(version: u32) -> KeyMaterial {
    KeyMaterial::from_bytes(std::array::from_fn(|i| u8::try_from(i).unwrap() ^ version.to_be_bytes()[3]))
}

/// Keys of versions 1 to `newest`, the same for every workspace: only the place keeps values apart.
fn keys(workspace: Uuid, newest: u32) -> WorkspaceKeys {
    let data: Vec<_> = (1..=newest).map(|version| (version, material(version))).collect();
    let keys = WorkspaceKeys::new(workspace, &material(77), &data).unwrap();
    keys.add_lease(newest, lease(0), &SystemEntropy).unwrap();
    keys
}

fn place(workspace: Uuid, table: &'static str, column: &'static str, row: u8) -> Aad {
    Aad { workspace, table, column, row: [row; 16] }
}

const A: Uuid = Uuid::from_u128(0xa);
const B: Uuid = Uuid::from_u128(0xb);

#[test]
fn generated_keys_unwrap_seal_and_open() {
    let ring = MasterKeyring::new(MasterKey::generate(&SystemEntropy).unwrap(), Vec::new());
    for workspace in [A, PLATFORM] {
        let new = NewWorkspaceKeys::generate(workspace, &ring, &SystemEntropy).unwrap();
        let keys =
            WorkspaceKeys::unwrap(workspace, &ring, &new.blind_index, &[(FIRST_VERSION, new.data)]).unwrap();
        let aad = place(workspace, "messages", "body", 1);
        assert_eq!(keys.seal(&aad, b"early"), Err(VaultError::BudgetExhausted), "no lease yet");
        keys.add_lease(FIRST_VERSION, lease(0), &SystemEntropy).unwrap();
        let sealed = keys.seal(&aad, b"hello").unwrap();
        let again =
            WorkspaceKeys::unwrap(workspace, &ring, &new.blind_index, &[(FIRST_VERSION, new.data)]).unwrap();
        assert_eq!(again.open(&aad, sealed.as_bytes()).ok().unwrap().expose(), b"hello");
        assert_eq!(again.blind_index("d", b"v"), keys.blind_index("d", b"v"));
        let swapped = WorkspaceKeys::unwrap(workspace, &ring, &new.data, &[(FIRST_VERSION, new.blind_index)]);
        assert_eq!(swapped.err(), Some(VaultError::NotAuthentic), "purposes do not mix");
    }
}

/// Fifty-four values at places that differ in one thing or several, under one pair of keys: every value is tried at every
/// place and opens at its own only.
#[test]
fn no_value_opens_at_another_place() {
    let mut sealed = Vec::new();
    for workspace in [A, B, PLATFORM] {
        for version in [1, 2] {
            let keys = keys(workspace, version);
            for (table, column) in [("messages", "body"), ("messages", "phone"), ("contacts", "phone")] {
                for row in [1, 2, 3] {
                    let aad = place(workspace, table, column, row);
                    sealed.push((aad, version, keys.seal(&aad, b"the same text").unwrap()));
                }
            }
        }
    }
    assert_eq!(sealed.len(), 54);
    for (to, version, _) in &sealed {
        let keys = keys(to.workspace, 2);
        for (from, other_version, bytes) in &sealed {
            let opened = keys.open_content(to, bytes.as_bytes());
            if from == to {
                assert_eq!(opened.unwrap(), b"the same text");
            } else {
                assert_eq!(opened, Err(VaultError::NotAuthentic), "{from:?} at {to:?}");
            }
            // The version in the header is no free choice either.
            if version != other_version {
                let mut relabelled = bytes.as_bytes().to_vec();
                relabelled[1..5].copy_from_slice(&version.to_be_bytes());
                let at_home = from.workspace == to.workspace;
                let expected = if at_home { VaultError::NotAuthentic } else { VaultError::ForeignWorkspace };
                assert_eq!(keys.open_content(from, &relabelled), Err(expected));
            }
        }
    }
}

/// Even where two versions hold the same bytes, the version binds.
#[test]
fn the_key_version_is_authenticated_itself() {
    let data = [(1, material(1)), (2, material(1))];
    let keys = WorkspaceKeys::new(A, &material(77), &data).unwrap();
    keys.add_lease(2, lease(0), &SystemEntropy).unwrap();
    let aad = place(A, "t", "c", 0);
    let mut sealed = keys.seal(&aad, b"text").unwrap().into_vec();
    sealed[4] = 1;
    assert_eq!(keys.open_content(&aad, &sealed), Err(VaultError::NotAuthentic));
}

#[test]
fn every_changed_bit_and_every_cut_is_refused() {
    let keys = keys(A, 1);
    let aad = place(A, "messages", "body", 1);
    let sealed = keys.seal(&aad, b"a text of some length").unwrap().into_vec();
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let refused = keys.open_content(&aad, &changed).unwrap_err();
        let expected = match bit / 8 {
            0 => refused == VaultError::Malformed,
            1..5 => matches!(refused, VaultError::UnknownKeyVersion(_)),
            _ => refused == VaultError::NotAuthentic,
        };
        assert!(expected, "bit {bit}: {refused:?}");
    }
    for length in 0..sealed.len() {
        assert!(keys.open_content(&aad, &sealed[..length]).is_err(), "cut to {length}");
    }
    let mut longer = sealed;
    longer.push(0);
    assert_eq!(keys.open_content(&aad, &longer), Err(VaultError::NotAuthentic));
}

#[test]
fn keys_serve_their_own_workspace_only() {
    let keys = keys(A, 1);
    let foreign = place(B, "messages", "body", 1);
    assert_eq!(keys.seal(&foreign, b"x"), Err(VaultError::ForeignWorkspace));
    let sealed = keys.seal(&place(A, "messages", "body", 1), b"x").unwrap();
    assert_eq!(keys.open_content(&foreign, sealed.as_bytes()), Err(VaultError::ForeignWorkspace));
}

#[test]
fn another_key_opens_nothing() {
    let aad = place(A, "messages", "body", 1);
    let sealed = keys(A, 1).seal(&aad, b"x").unwrap();
    let other = WorkspaceKeys::new(A, &material(77), &[(1, material(9))]).unwrap();
    assert_eq!(other.open_content(&aad, sealed.as_bytes()), Err(VaultError::NotAuthentic));
    let later = WorkspaceKeys::new(A, &material(77), &[(2, material(1))]).unwrap();
    assert_eq!(later.open_content(&aad, sealed.as_bytes()), Err(VaultError::UnknownKeyVersion(1)));
}

#[test]
fn after_a_rotation_the_newest_seals_and_all_open() {
    let aad = place(A, "messages", "body", 1);
    let old = keys(A, 1).seal(&aad, b"old").unwrap();
    let rotated = WorkspaceKeys::new(A, &material(77), &[(1, material(1)), (2, material(2))]).unwrap();
    assert_eq!(
        rotated.add_lease(1, lease(0), &SystemEntropy),
        Err(VaultError::LeaseRefused),
        "of the old version"
    );
    rotated.add_lease(2, lease(0), &SystemEntropy).unwrap();
    let new = rotated.seal(&aad, b"new").unwrap();
    assert_eq!((old.key_version(), new.key_version(), rotated.current_version()), (1, 2, 2));
    assert_eq!(rotated.open_content(&aad, old.as_bytes()).unwrap(), b"old");
    assert_eq!(rotated.open_content(&aad, new.as_bytes()).unwrap(), b"new");
}

#[test]
fn a_spent_budget_refuses_and_a_lease_revives() {
    let keys = keys(A, 1);
    let aad = place(A, "messages", "body", 1);
    assert!(!keys.wants_lease());
    for left in (0..u64::from(LEASE_USES)).rev() {
        keys.nonces.take().unwrap();
        if left % 1_000 == 0 {
            assert_eq!((keys.remaining(), keys.wants_lease()), (left, left < LOW_WATER));
        }
    }
    assert_eq!(keys.seal(&aad, b"x"), Err(VaultError::BudgetExhausted));
    keys.add_lease(1, lease(u64::from(LEASE_USES)), &SystemEntropy).unwrap();
    let sealed = keys.seal(&aad, b"x").unwrap();
    assert_eq!(keys.remaining(), u64::from(LEASE_USES) - 1);
    assert_eq!(keys.open_content(&aad, sealed.as_bytes()).unwrap(), b"x");
}

#[test]
fn key_sets_without_a_single_newest_key_are_refused() {
    assert_eq!(WorkspaceKeys::new(A, &material(1), &[]).err(), Some(VaultError::KeySetInvalid));
    let twice = [(3, material(1)), (1, material(2)), (3, material(4))];
    assert_eq!(WorkspaceKeys::new(A, &material(1), &twice).err(), Some(VaultError::KeySetInvalid));
}

#[test]
fn typed_values_come_back_as_their_type() {
    let keys = keys(A, 1);
    let aad = place(A, "channels", "token", 1);
    let text = keys.seal_value(&aad, &Secret::new("EAAG-token".to_owned())).unwrap();
    assert_eq!(keys.open_value(&aad, &text).ok().unwrap().expose(), "EAAG-token");
    let raw = Sealed::<String>::new(keys.seal(&aad, &[0xff, 0xfe]).unwrap());
    assert_eq!(keys.open_value(&aad, &raw), Err(VaultError::Malformed), "not UTF-8");
}

#[test]
fn blind_indexes_separate_domains_workspaces_and_borders() {
    let ours = keys(A, 1);
    let index = ours.blind_index("contacts.phone", b"+12025550123");
    assert_eq!(index, keys(A, 2).blind_index("contacts.phone", b"+12025550123"), "a rotation keeps it");
    assert_ne!(index, ours.blind_index("messages.phone", b"+12025550123"));
    assert_ne!(index, ours.blind_index("contacts.phone", b"+12025550124"));
    assert_ne!(ours.blind_index("contacts.phon", b"e+1"), ours.blind_index("contacts.phone", b"+1"));
    let theirs = WorkspaceKeys::new(B, &material(78), &[(1, material(1))]).unwrap();
    assert_ne!(index, theirs.blind_index("contacts.phone", b"+12025550123"));
}

/// Indexes are stored: were the construction to change, every lookup would miss.
#[test]
fn blind_indexes_are_stable() {
    // Computed with another implementation of HMAC.
    let index = keys(A, 1).blind_index("contacts.phone", b"+12025550123");
    assert_eq!(crate::digest::parse_hex("c739874a98c6ca1d00077898b0327cb7"), Some(index));
}

#[test]
fn debug_shows_no_key() {
    let shown = format!("{:?}", keys(A, 1));
    assert_eq!(shown, "WorkspaceKeys { workspace: 00000000-0000-0000-0000-00000000000a, current: 1, .. }");
}

static SHARED: LazyLock<WorkspaceKeys> = LazyLock::new(|| keys(A, 1));

proptest! {
    #[test]
    fn values_round_trip(plain in proptest::collection::vec(any::<u8>(), 0..2_000), row: [u8; 16]) {
        let aad = Aad { workspace: A, table: "messages", column: "body", row };
        let sealed = SHARED.seal(&aad, &plain).unwrap();
        prop_assert_eq!(sealed.as_bytes().len(), plain.len() + crate::SEAL_OVERHEAD);
        prop_assert!(plain.len() < 8 || !sealed.as_bytes().windows(plain.len()).any(|w| w == plain));
        prop_assert_eq!(SHARED.open_content(&aad, sealed.as_bytes()).unwrap(), plain);
    }

    #[test]
    fn bytes_from_anywhere_never_open_or_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let aad = place(A, "messages", "body", 1);
        prop_assert!(SHARED.open_content(&aad, &bytes).is_err());
        let mut headed = vec![1, 0, 0, 0, 1];
        headed.extend(&bytes);
        prop_assert!(SHARED.open_content(&aad, &headed).is_err());
    }
}

//! Keyring, envelope encryption, blind indexes, token and password digests, signatures.
//!
//! Everything secret in Gatepost passes through this crate, and only this crate names a cryptographic library. It is
//! pure: no async, no database; the one file that it touches is the master-key file.
//!
//! The keys form three levels. A [`MasterKey`] (from a variable or file) wraps the keys of each workspace
//! ([`WrappedKey`], kept by the store); a workspace's data keys seal its columns and its blind-index key makes their
//! lookups ([`WorkspaceKeys`]). Re-wrapping moves the second level to a new master key without touching a sealed
//! column; destroying the second level makes a workspace's columns unreadable.
//!
//! Each module begins with a threat note: what it defends against, and what it does not.

mod base62;
mod cipher;

pub mod access_token;
pub mod api_key;
pub mod audit;
pub mod digest;
pub mod error;
#[doc(hidden)]
pub mod fuzz;
pub mod master;
pub mod master_file;
pub mod meta;
pub mod nonce;
pub mod passkey;
pub mod password;
pub mod random;
pub mod recovery_code;
pub mod sealed;
pub mod stripe;
pub mod totp;
pub mod webhook;
pub mod workspace_keys;
pub mod wrap;

pub use access_token::{
    AccessClaims, AccessTokenFault, AccessTokenKey, TokenSubject, refresh_digest, refresh_token,
};
pub use api_key::{API_KEY_REGEX, ApiKeyToken, NotAnApiKey, PlainToken, TokenDisplay};
pub use cipher::KeyMaterial;
pub use digest::{HmacKey, Sha256, constant_time_eq, hmac_sha256, sha256};
pub use error::VaultError;
pub use master::{MasterKey, MasterKeyFault, MasterKeyId, MasterKeyRefused, MasterKeyring, Weakness};
pub use master_file::MasterKeyFileError;
pub use meta::{AppSecret, AppSecretMissing, verify_hub_signature};
pub use nonce::{LEASE_USES, Lease, LeaseDecision, USES_PER_KEY, next_lease};
pub use passkey::{
    Answered, Ceremony, NewPasskey, PasskeyFault, PasskeyPerson, PasskeySite, Passkeys, Proven,
};
pub use random::{SystemEntropy, random_token};
pub use recovery_code::{RECOVERY_CODES, RecoveryCode};
pub use sealed::{Aad, SEAL_OVERHEAD, Sealable, Sealed, SealedBytes, key_version};
pub use stripe::StripeSecret;
pub use totp::{TotpSecret, TotpStep};
pub use webhook::{
    DeliveryHeaders, DeliveryKeys, SigningKey, WebhookPublicKey, WebhookSecret, WebhookSeed,
    WebhookSigningError, delivery_headers, loginwa_headers, sign_raw_body, sign_standard,
};
pub use workspace_keys::{FIRST_VERSION, NewWorkspaceKeys, WorkspaceKeys};
pub use wrap::{KeyLabel, KeyPurpose, PLATFORM, WRAPPED_KEY_LEN, WrappedKey};

//! Keyring, envelope encryption, blind indexes, token and password digests, signatures.

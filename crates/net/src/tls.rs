//! TLS for every way out: version 1.2 or later, certificates always checked.
//!
//! Threat: somebody between us and the receiver. There is no setting that skips verification and no fall-back to
//! plain HTTP; a receiver with a private authority is reached by naming that authority. The crypto provider is
//! passed explicitly, because the process default belongs to whoever set it first.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;

use crate::client::ClientError;

/// Which authorities may sign a receiver's certificate.
#[derive(Debug, Clone, Default)]
pub enum TlsRoots {
    /// The machine's own; where it has none (a minimal container), Mozilla's list as compiled in.
    #[default]
    System,
    /// [`TlsRoots::System`] and these, DER encoded.
    SystemAnd(Vec<CertificateDer<'static>>),
    /// Mozilla's list as compiled in, whatever the machine has.
    Bundled,
    /// These and no others, DER encoded.
    Only(Vec<CertificateDer<'static>>),
}

impl TlsRoots {
    fn store(self) -> Result<RootCertStore, ClientError> {
        let (mut store, extra) = match self {
            Self::System => (system(), Vec::new()),
            Self::SystemAnd(extra) => (system(), extra),
            Self::Bundled => (bundled(), Vec::new()),
            Self::Only(extra) => (RootCertStore::empty(), extra),
        };
        for certificate in extra {
            store.add(certificate).map_err(ClientError::Root)?;
        }
        if store.is_empty() { Err(ClientError::NoRoots) } else { Ok(store) }
    }
}

fn system() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "a system certificate could not be read");
    }
    let mut store = RootCertStore::empty();
    // Machines carry certificates that are too odd to parse; one of them must not cost all the others.
    let (added, _ignored) = store.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::info!("this machine has no CA certificates, using the compiled-in ones");
        return bundled();
    }
    store
}

fn bundled() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

/// The configuration that a client keeps for its lifetime; it also holds the sessions for resumption. `protocols` are
/// offered to the server (ALPN); where there are none, none is named.
pub(crate) fn client_config(roots: TlsRoots, protocols: &[&[u8]]) -> Result<Arc<ClientConfig>, ClientError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(ClientError::Tls)?
        .with_root_certificates(roots.store()?)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

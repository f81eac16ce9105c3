//! The certificate of the public address.
//!
//! Threat note. Defends against: an old protocol (TLS 1.2 or later), a private key that others can read, a process-wide
//! crypto provider that somebody else set (ours is passed explicitly). Does not defend against: a certificate that
//! nobody renews; `serve` reads it at its start.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::Server;
use crate::failure::{Failure, Result};

/// The TLS set-up of the public address; `None` where it has none.
pub fn load(server: &Server) -> Result<Option<RustlsConfig>> {
    let (Some(certificate), Some(key)) = (&server.tls_certificate, &server.tls_key) else { return Ok(None) };
    refuse_open_key(key)?;
    let unreadable = |key: &str, path: &Path, error: rustls_pki_types::pem::Error| {
        Failure::usage(format!("{key}: {} cannot be read: {error}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable("server.tls_certificate", certificate, error))?;
    if chain.is_empty() {
        return Err(Failure::usage(format!(
            "server.tls_certificate: {} holds no certificate",
            certificate.display()
        )));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("server.tls_key", key, error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| Failure::usage(format!("server.tls_certificate and server.tls_key: {error}")))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(RustlsConfig::from_config(Arc::new(config))))
}

fn refuse_open_key(path: &Path) -> Result<()> {
    let metadata = fs::metadata(path).map_err(|error| {
        Failure::usage(format!("server.tls_key: {} cannot be read: {error}", path.display()))
    })?;
    // The group may read: certificate tools hand keys to a group such as ssl-cert.
    if metadata.mode() & 0o037 != 0 {
        return Err(Failure::usage(format!(
            "server.tls_key: {} can be read or changed by others",
            path.display()
        ))
        .hint(format!("chmod 600 {}", path.display())));
    }
    Ok(())
}

//! TLS to the server, with our own provider and roots.
//!
//! Defends against reading (every mode with TLS) and against a server in the middle (`verify-full`; `verify-ca` trusts
//! every name under its roots). `prefer` and `require` follow libpq: they do not look at the certificate.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::engine::error::{Error, Result};

/// What of the server's certificate is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verify {
    Nothing,
    Chain,
    ChainAndName,
}

/// Connects with or without TLS.
pub(super) struct Connector {
    tls: Option<(Verify, MakeRustlsConnect)>,
}

impl Connector {
    /// `None` for no TLS; `roots` is a PEM file that replaces every other root.
    pub(super) fn new(verify: Option<Verify>, roots: Option<&Path>) -> Result<Self> {
        let Some(verify) = verify else { return Ok(Self { tls: None }) };
        let failed = |error: rustls::Error| Error::other(format!("cannot set up TLS to PostgreSQL: {error}"));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(failed)?;
        let config = if verify == Verify::ChainAndName {
            builder.with_root_certificates(load_roots(roots)?).with_no_client_auth()
        } else {
            let chain = match verify {
                Verify::Nothing => None,
                Verify::Chain | Verify::ChainAndName => {
                    let roots = Arc::new(load_roots(roots)?);
                    let built =
                        WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
                    Some(built.map_err(|error| Error::other(format!("cannot set up TLS roots: {error}")))?)
                }
            };
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Lenient { chain, provider }))
                .with_no_client_auth()
        };
        Ok(Self { tls: Some((verify, MakeRustlsConnect::new(config))) })
    }

    /// Opens a connection; its traffic is carried by a task on the current local set.
    pub(super) async fn connect(&self, config: &Config) -> Result<Client, tokio_postgres::Error> {
        match &self.tls {
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::task::spawn_local(carry(connection));
                Ok(client)
            }
            Some((_, tls)) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                tokio::task::spawn_local(carry(connection));
                Ok(client)
            }
        }
    }

    #[cfg(test)]
    pub(super) fn verify(&self) -> Option<Verify> {
        self.tls.as_ref().map(|(verify, _)| *verify)
    }
}

async fn carry(connection: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    if let Err(error) = connection.await {
        tracing::warn!(error = %Error::from_postgres("connection", &error), "a connection to PostgreSQL ended");
    }
}

/// The file's roots, or the machine's own and the compiled-in ones (a machine may have none).
fn load_roots(file: Option<&Path>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        let failed = |why: String| Error::other(format!("cannot read sslrootcert {}: {why}", file.display()));
        let certificates = CertificateDer::pem_file_iter(file).map_err(|error| failed(error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| failed(error.to_string()))?;
            roots.add(certificate).map_err(|error| failed(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(failed("it holds no certificate".into()));
        }
        return Ok(roots);
    }
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    Ok(roots)
}

/// Looks at the chain only, or at nothing; the handshake's signature is always checked.
#[derive(Debug)]
struct Lenient {
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is checked last: everything before it was in order.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

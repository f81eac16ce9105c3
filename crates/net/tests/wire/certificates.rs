//! Certificates are checked and TLS is 1.2 or later: a receiver that fails is a failed attempt, never a plainer one.

use gatepost_net::{
    Resolver, Scheme, SendError, TlsRoots, TrustedBody, TrustedBudgets, TrustedClient, class,
};

use crate::lab::{self, Authority, NAME, OK, Server, post};

async fn answering(tls: std::sync::Arc<rustls::ServerConfig>) -> Server {
    Server::start("127.0.0.1:0", Some(tls), |mut peer| async move {
        while peer.request().await.is_some() && peer.write(OK).await {}
    })
    .await
}

fn resolver() -> Resolver {
    lab::names(&[(NAME, "127.0.0.1")])
}

async fn outcome(server: &Server, roots: TlsRoots) -> gatepost_net::Attempt {
    let client = lab::client(lab::policy(&["127.0.0.1"], server.port(), Scheme::Https), resolver(), roots);
    post(&client, &format!("https://{NAME}:{}/", server.port())).await
}

#[tokio::test]
async fn a_good_certificate_passes() {
    let authority = Authority::new();
    let server = answering(authority.server(NAME, 2090)).await;
    let attempt = outcome(&server, authority.roots()).await;
    assert!(attempt.is_success(), "{attempt:?}");
    assert_eq!(server.requests().len(), 1);
    let extra = outcome(&server, TlsRoots::SystemAnd(vec![authority.root()])).await;
    assert!(extra.is_success(), "{extra:?}");
}

#[tokio::test]
async fn bad_certificates_fail() {
    let authority = Authority::new();
    for (what, tls) in [
        ("self-signed", lab::self_signed(NAME)),
        ("expired", authority.server(NAME, 2020)),
        ("wrong name", authority.server("other.shop.example", 2090)),
        ("other authority", Authority::new().server(NAME, 2090)),
    ] {
        let server = answering(tls).await;
        let attempt = outcome(&server, authority.roots()).await;
        assert_eq!((lab::class(&attempt), attempt.status), (class::CERTIFICATE_INVALID, None), "{what}");
        assert_eq!(server.requests().len(), 0, "{what}: nothing was sent");
        assert_eq!(server.connections(), 1, "{what}: and nothing was tried again in another way");

        let trusted = TrustedClient::new(resolver(), TrustedBudgets::default(), authority.roots()).unwrap();
        let url = format!("https://{NAME}:{}/", server.port());
        let error = trusted.send(crate::trusted::request(&url, TrustedBody::Empty)).await.unwrap_err();
        assert!(matches!(&error, SendError::NotSent(f) if f.class == class::CERTIFICATE_INVALID), "{error}");
    }
}

/// rustls cannot serve TLS 1.1, so the server's half of the negotiation is written out: a ServerHello that chooses
/// version 1.0 or 1.1 (RFC 2246 and 4346, section 7.4.1.3).
#[tokio::test]
async fn old_tls_fails() {
    for version in [1, 2] {
        let server = Server::start("127.0.0.1:0", None, move |mut peer| async move {
            let mut hello = vec![3, version];
            hello.extend([7; 32]); // random
            hello.extend([0, 0x00, 0x2f, 0]); // no session, RSA with AES-128-CBC and SHA, no compression
            let mut record = vec![22, 3, version, 0, 42, 2, 0, 0, 38];
            record.extend(hello);
            let mut client_hello = [0; 5];
            tokio::io::AsyncReadExt::read_exact(&mut peer.io, &mut client_hello).await.unwrap();
            peer.write(record).await;
            peer.wait_for_close().await;
        })
        .await;
        let attempt = outcome(&server, TlsRoots::Bundled).await;
        assert_eq!(lab::class(&attempt), class::TLS_FAILED, "TLS 1.{}", version - 1);
    }
}

#[tokio::test]
async fn what_does_not_speak_tls_fails() {
    let plain = Server::start("127.0.0.1:0", None, |mut peer| async move {
        peer.write(OK).await;
        peer.wait_for_close().await;
    })
    .await;
    assert_eq!(lab::class(&outcome(&plain, TlsRoots::Bundled).await), class::TLS_FAILED);
    let silent =
        Server::start("127.0.0.1:0", None, |mut peer| async move { peer.wait_for_close().await }).await;
    let client =
        lab::client(lab::policy(&["127.0.0.1"], silent.port(), Scheme::Https), resolver(), TlsRoots::Bundled);
    let attempt = lab::post_briefly(&client, &format!("https://{NAME}:{}/", silent.port())).await;
    assert_eq!(lab::class(&attempt), class::TIMEOUT_TLS);
}

#[tokio::test]
async fn a_machine_always_has_roots() {
    for roots in [TlsRoots::System, TlsRoots::Bundled] {
        assert!(TrustedClient::new(resolver(), TrustedBudgets::default(), roots).is_ok());
    }
    assert!(TrustedClient::new(resolver(), TrustedBudgets::default(), TlsRoots::Only(Vec::new())).is_err());
}

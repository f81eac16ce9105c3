//! What a response or the environment asks for is not done: redirects, hints, proxies; and refused URLs reach
//! nothing.

use std::process::Command;

use gatepost_net::{Decision, Resolver, Scheme, TlsRoots, UrlPolicy, class};

use crate::lab::{self, OK, Server, post};

#[tokio::test]
async fn redirects_and_hints_are_not_followed() {
    let inside = Server::answering(OK).await;
    let location = format!("http://127.0.0.1:{}/inside", inside.port());
    for status in [300, 301, 302, 303, 304, 305, 307, 308] {
        let answer = format!(
            "HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nRefresh: 0; url={location}\r\n\
             Link: <{location}>; rel=preload\r\nContent-Length: 0\r\n\r\n"
        );
        let server = Server::start("127.0.0.1:0", None, move |mut peer| {
            let answer = answer.clone();
            async move { while peer.request().await.is_some() && peer.write(&answer).await {} }
        })
        .await;
        let attempt = post(&lab::plain_client(&server), &server.url()).await;
        assert_eq!((attempt.status, lab::class(&attempt)), (Some(status), class::REDIRECT_REFUSED));
        assert_eq!(server.requests().len(), 1);
    }
    let hints = Server::start("127.0.0.1:0", None, move |mut peer| {
        let answer = format!(
            "HTTP/1.1 200 OK\r\nAlt-Svc: h2=\"127.0.0.1:{}\"\r\nRefresh: 0; url={location}\r\n\
             Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n",
            inside_port(&location)
        );
        async move { while peer.request().await.is_some() && peer.write(&answer).await {} }
    })
    .await;
    let client = lab::plain_client(&hints);
    assert!(post(&client, &hints.url()).await.is_success());
    assert!(post(&client, &hints.url()).await.is_success());
    assert!(!hints.requests()[1].to_lowercase().contains("cookie"));
    inside.assert_untouched().await;
}

fn inside_port(location: &str) -> &str {
    location.trim_start_matches("http://127.0.0.1:").trim_end_matches("/inside")
}

#[tokio::test]
async fn refused_urls_reach_nothing() {
    let inside = Server::answering(OK).await;
    let port = inside.port();
    let resolver = lab::names(&[(lab::NAME, "127.0.0.1"), ("localhost", "127.0.0.1")]);
    let client = lab::client(UrlPolicy::default(), resolver, TlsRoots::Bundled);
    for (url, rule) in [
        (format!("http://127.0.0.1:{port}/"), "address_loopback"),
        (format!("https://127.0.0.1:{port}/"), "address_loopback"),
        (format!("https://2130706433:{port}/"), "address_loopback"),
        (format!("https://[::ffff:127.0.0.1]:{port}/"), "address_loopback"),
        (format!("https://localhost:{port}/"), "host_loopback"),
        (format!("https://{}:{port}/", lab::NAME), "address_loopback"),
        (format!("http://{}:{port}/", lab::NAME), "scheme_not_allowed"),
        (format!("https://a@127.0.0.1:{port}/"), "userinfo_present"),
    ] {
        let attempt = post(&client, &url).await;
        assert_eq!(attempt.decision, Decision::Blocked(rule), "{url}");
        assert_eq!((lab::class(&attempt), attempt.connected_to), (class::URL_BLOCKED, None));
        let detail = attempt.error.unwrap().detail;
        assert!(!detail.contains("127.0.0.1"), "an answer's address is not told: {detail}");
    }
    inside.assert_untouched().await;
}

#[tokio::test]
async fn an_exception_opens_its_port_and_scheme_only() {
    let (open, shut) = (Server::answering(OK).await, Server::answering(OK).await);
    let client = lab::client(
        lab::policy(&[lab::NAME], open.port(), Scheme::Http),
        lab::names(&[(lab::NAME, "127.0.0.1"), ("other.shop.example", "127.0.0.1")]),
        TlsRoots::Bundled,
    );
    assert!(post(&client, &format!("http://{}:{}/", lab::NAME, open.port())).await.is_success());
    for url in [
        format!("http://{}:{}/", lab::NAME, shut.port()),
        format!("https://{}:{}/", lab::NAME, open.port()),
        format!("http://other.shop.example:{}/", open.port()),
        open.url(),
    ] {
        assert!(matches!(post(&client, &url).await.decision, Decision::Blocked(_)), "{url}");
    }
    shut.assert_untouched().await;
    assert_eq!(open.connections(), 1);
}

/// The environment can be set for a child only, so the test runs itself again as one.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "tells the child from the parent")]
async fn proxies_of_the_environment_are_ignored() {
    const CHILD: &str = "GATEPOST_TEST_PROXY_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let server = Server::answering(OK).await;
        let attempt = post(&lab::plain_client(&server), &server.url()).await;
        assert!(attempt.is_success(), "{attempt:?}");
        assert_eq!(server.connections(), 1);
        return;
    }
    let proxy = Server::answering("HTTP/1.1 502 Proxy\r\nContent-Length: 0\r\n\r\n").await;
    let address = format!("http://{}", proxy.address);
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "redirects::proxies_of_the_environment_are_ignored"]).env(CHILD, "1");
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        child.env(name, &address);
    }
    child.env_remove("no_proxy").env_remove("NO_PROXY");
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    proxy.assert_untouched().await;
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_an_outcome() {
    let client = lab::client(UrlPolicy::default(), Resolver::fixed::<String>([]), TlsRoots::Bundled);
    let attempt = post(&client, "https://hooks.shop.example/").await;
    assert_eq!((lab::class(&attempt), attempt.decision), (class::DNS_NOT_FOUND, Decision::Allowed));
}

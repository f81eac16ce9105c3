//! GitHub, which speaks OAuth 2.0 without ID tokens (GitHub Docs, "Authorizing OAuth apps", "REST API endpoints for
//! users").
//!
//! Threat note. With no signed token, everything hangs on who answers: TLS to GitHub's own hosts, a code that GitHub gave
//! to us (client secret, PKCE), and the account's number: its name can change hands, the number cannot.

use gatepost_core::Secret;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::discovery::{ClientAuth, Discovery};
use super::fault::{SsoFault, SsoReason};
use super::http::{Caller, document};
use super::provider::SsoHosts;
use super::{SsoEmail, SsoIdentity, plain_name};

/// What we ask to see: the account and its addresses.
pub(super) const SCOPES: &str = "read:user user:email";

/// GitHub's endpoints, in the form of those that others publish.
pub(super) fn endpoints(hosts: &SsoHosts) -> Discovery {
    Discovery {
        authorization_endpoint: format!("{}/login/oauth/authorize", hosts.github),
        token_endpoint: format!("{}/login/oauth/access_token", hosts.github),
        userinfo_endpoint: None,
        jwks_uri: String::new(),
        client_auth: ClientAuth::Post,
        promises_issuer: false,
    }
}

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "email")]
    address: String,
    primary: bool,
    verified: bool,
}

/// Whose access token it is.
pub(super) async fn identity(
    caller: &Caller,
    hosts: &SsoHosts,
    access_token: &Secret<String>,
) -> Result<SsoIdentity, SsoFault> {
    let user: User = read(caller, &format!("{}/user", hosts.github_api), access_token).await?;
    if user.id == 0 {
        return Err(SsoFault::of(SsoReason::Subject));
    }
    // `email` of the account itself is what the person chose to show, verified or not; the list says which is which.
    let emails: Vec<Listed> =
        read(caller, &format!("{}/user/emails", hosts.github_api), access_token).await?;
    let primary = emails.into_iter().find(|email| email.primary);
    Ok(SsoIdentity {
        issuer: hosts.github.clone(),
        subject: user.id.to_string(),
        email: primary.and_then(|email| SsoEmail::plausible(&email.address, email.verified)),
        name: user.name.as_deref().and_then(plain_name).or_else(|| plain_name(&user.login)),
    })
}

async fn read<T: DeserializeOwned>(
    caller: &Caller,
    url: &str,
    access_token: &Secret<String>,
) -> Result<T, SsoFault> {
    let bearer = Secret::new(format!("Bearer {}", access_token.expose()));
    let headers = [
        ("accept", "application/vnd.github+json"),
        ("x-github-api-version", "2022-11-28"),
        ("authorization", bearer.expose().as_str()),
    ];
    let answer = caller.get(url, &headers).await;
    let answer = answer.map_err(|failure| SsoFault::call(SsoReason::Userinfo, &failure))?;
    document(&answer)
        .ok_or_else(|| SsoFault::new(SsoReason::Userinfo, format_args!("status {}", answer.status)))
}

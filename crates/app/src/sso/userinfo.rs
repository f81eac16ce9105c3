//! The userinfo endpoint (OpenID Connect Core 1.0, section 5.3), asked where an ID token has no e-mail address.

use gatepost_core::Secret;
use serde::Deserialize;

use super::fault::{SsoFault, SsoReason};
use super::http::{Caller, document};
use super::id_token::is_true;
use super::{SsoEmail, SsoIdentity, plain_name};

#[derive(Deserialize)]
struct Answer {
    sub: String,
    email: Option<String>,
    email_verified: Option<serde_json::Value>,
    name: Option<String>,
}

/// Adds what the endpoint knows of the same person; what speaks of another is a fault (section 5.3.2).
pub(super) async fn complete(
    caller: &Caller,
    url: &str,
    access_token: &Secret<String>,
    identity: &mut SsoIdentity,
) -> Result<(), SsoFault> {
    let bearer = Secret::new(format!("Bearer {}", access_token.expose()));
    let headers = [("accept", "application/json"), ("authorization", bearer.expose().as_str())];
    let answer = caller.get(url, &headers).await;
    let answer = answer.map_err(|failure| SsoFault::call(SsoReason::Userinfo, &failure))?;
    let answer: Answer =
        document(&answer).ok_or_else(|| SsoFault::new(SsoReason::Userinfo, "not a userinfo response"))?;
    if answer.sub != identity.subject {
        return Err(SsoFault::new(SsoReason::Userinfo, "of another subject"));
    }
    let verified = answer.email_verified.as_ref().is_some_and(is_true);
    identity.email = answer.email.and_then(|email| SsoEmail::plausible(&email, verified));
    if identity.name.is_none() {
        identity.name = answer.name.as_deref().and_then(plain_name);
    }
    Ok(())
}

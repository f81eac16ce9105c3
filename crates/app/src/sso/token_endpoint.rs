//! The exchange of a code for tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepost_core::Secret;
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::attempt::Attempt;
use super::discovery::ClientAuth;
use super::fault::{SsoFault, SsoReason};
use super::http::{Caller, document};
use super::provider::Provider;

/// Longest access token that is carried on, bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// What a code is worth. Not `Debug`; none of it is kept.
pub(super) struct Tokens {
    pub access_token: Secret<String>,
    pub id_token: Option<Secret<String>>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Secret<String>,
    token_type: String,
    id_token: Option<Secret<String>>,
    /// GitHub says 200 to a wrong code, and this.
    error: Option<IgnoredAny>,
}

/// Gives the code back to where it came from. It works once, so this is not tried again.
pub(super) async fn exchange(
    caller: &Caller,
    url: &str,
    auth: ClientAuth,
    provider: &Provider,
    attempt: &Attempt,
    code: &str,
) -> Result<Tokens, SsoFault> {
    let (form, basic) = request(auth, provider, attempt, code);
    let mut headers = vec![("accept", "application/json")];
    headers.extend(basic.iter().map(|value| ("authorization", value.expose().as_str())));
    let answer = caller.post(url, &headers, form).await;
    let answer = answer.map_err(|failure| SsoFault::call(SsoReason::TokenEndpointUnreachable, &failure))?;
    let refused = |detail| SsoFault::new(SsoReason::TokenRefused, detail);
    if answer.status != 200 {
        return Err(refused(format!("status {}", answer.status)));
    }
    let answer: Answer = document(&answer).ok_or_else(|| refused("not a token response".to_owned()))?;
    if answer.error.is_some() || !answer.token_type.eq_ignore_ascii_case("bearer") {
        return Err(refused("an error or another type of token".to_owned()));
    }
    if !(1..=MAX_TOKEN).contains(&answer.access_token.expose().len()) {
        return Err(refused("an access token of no use".to_owned()));
    }
    Ok(Tokens { access_token: answer.access_token, id_token: answer.id_token })
}

/// The form, and the header where the client says there who it is.
fn request(
    auth: ClientAuth,
    provider: &Provider,
    attempt: &Attempt,
    code: &str,
) -> (String, Option<Secret<String>>) {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", &attempt.redirect_uri)
        .append_pair("code_verifier", attempt.verifier.expose());
    let secret = provider.client_secret.expose();
    let basic = match auth {
        ClientAuth::Basic => {
            // RFC 6749 section 2.3.1: both are form-encoded before they are joined.
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let pair = Secret::new(format!("{}:{}", encoded(&provider.client_id), encoded(secret)));
            Some(Secret::new(format!("Basic {}", STANDARD.encode(pair.expose()))))
        }
        ClientAuth::Post => {
            form.append_pair("client_id", &provider.client_id).append_pair("client_secret", secret);
            None
        }
    };
    (form.finish(), basic)
}

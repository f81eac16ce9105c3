//! What the provider answers.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepost_vault::sha256;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{CLIENT_ID, CLIENT_SECRET, Canned, Consent, Idp, Keys, Part, Person, encode};

/// The parameters of a URL.
pub fn pairs(uri: &Uri) -> HashMap<String, String> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

pub async fn answer(
    State(idp): State<Idp>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    let canned = {
        let mut side = idp.side();
        side.asked.push(path.clone());
        side.canned.get(&path).cloned()
    };
    if let Some(canned) = canned {
        return as_canned(canned).await;
    }
    if let Some(prefix) = path.strip_suffix("/.well-known/openid-configuration") {
        return json_answer(200, &idp.twisted(Part::Discovery, idp.discovery(prefix)));
    }
    match (method, path.as_str()) {
        (Method::GET, "/authorize" | "/login/oauth/authorize") => idp.authorize(&pairs(&uri)),
        (Method::POST, "/token" | "/login/oauth/access_token") => {
            idp.token(path != "/token", &headers, &form_urlencoded::parse(&body).into_owned().collect())
        }
        (Method::GET, "/keys") => json_answer(200, &idp.twisted(Part::Keys, idp.keys.set())),
        (Method::GET, "/userinfo" | "/api/user" | "/api/user/emails") => idp.about(&path, &headers),
        _ => json_answer(404, &json!({ "error": "not_found" })),
    }
}

async fn as_canned(canned: Canned) -> Response {
    if canned.stalls {
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
    let mut answer = Response::builder().status(canned.status);
    for (name, value) in canned.headers {
        answer = answer.header(name, value);
    }
    answer.body(Body::from(canned.body)).expect("an answer")
}

fn json_answer(status: u16, value: &Value) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    let answer = Response::builder().status(status).header("content-type", "application/json; charset=utf-8");
    answer.body(Body::from(value.to_string())).expect("an answer")
}

impl Idp {
    fn discovery(&self, prefix: &str) -> Value {
        let base = &self.issuer;
        let template = prefix.replace("/common/", "/{tenantid}/").replace("/organizations/", "/{tenantid}/");
        json!({
            "issuer": format!("{base}{template}"),
            "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"),
            "userinfo_endpoint": format!("{base}/userinfo"),
            "jwks_uri": format!("{base}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        })
    }

    /// The person is signed in and says yes.
    fn authorize(&self, asked: &HashMap<String, String>) -> Response {
        let text = |name: &str| asked.get(name).cloned().unwrap_or_default();
        let good = text("response_type") == "code"
            && text("client_id") == CLIENT_ID
            && text("code_challenge_method") == "S256"
            && text("code_challenge").len() == 43
            && !text("state").is_empty();
        if !good {
            return json_answer(400, &json!({ "error": "invalid_request", "asked": asked }));
        }
        let code = {
            let mut side = self.side();
            side.made += 1;
            let code = format!("code-{}", side.made);
            let consent = Consent {
                person: side.person.clone(),
                redirect_uri: text("redirect_uri"),
                challenge: text("code_challenge"),
                nonce: asked.get("nonce").cloned(),
            };
            side.codes.insert(code.clone(), consent);
            code
        };
        let callback = self.twisted(Part::Callback, json!({ "code": code, "state": text("state") }));
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in callback.as_object().expect("an object") {
            query.append_pair(name, value.as_str().expect("a text"));
        }
        let location = format!("{}?{}", text("redirect_uri"), query.finish());
        Response::builder().status(303).header("location", location).body(Body::empty()).expect("an answer")
    }

    fn token(&self, github: bool, headers: &HeaderMap, form: &HashMap<String, String>) -> Response {
        let text = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let refused = |error: &str| json_answer(if github { 200 } else { 400 }, &json!({ "error": error }));
        if who(headers, form) != Some((CLIENT_ID.to_owned(), CLIENT_SECRET.to_owned())) {
            return refused("invalid_client");
        }
        let (access_token, consent, signer) = {
            let mut side = self.side();
            let Some(consent) = side.codes.remove(text("code")) else { return refused("invalid_grant") };
            let challenge = encode(sha256(text("code_verifier").as_bytes()));
            if consent.redirect_uri != text("redirect_uri") || consent.challenge != challenge {
                return refused("invalid_grant");
            }
            side.made += 1;
            let access_token = format!("access-{}", side.made);
            side.tokens.insert(access_token.clone(), consent.person.clone());
            (access_token, consent, side.signer)
        };
        let mut answer = json!({ "access_token": access_token, "token_type": "Bearer", "expires_in": 3600 });
        if !github {
            let claims = self.twisted(Part::Claims, self.claims(&consent, &access_token));
            let header = self.twisted(Part::Header, Keys::header(signer));
            answer["id_token"] = self.keys.sign(signer, &header, &claims, CLIENT_SECRET).into();
        }
        json_answer(200, &self.twisted(Part::Tokens, answer))
    }

    fn claims(&self, consent: &Consent, access_token: &str) -> Value {
        let now = self.clock.now().seconds();
        let Person { sub, email, verified, name } = &consent.person;
        let mut claims = json!({
            "iss": self.issuer, "sub": sub, "aud": CLIENT_ID, "iat": now, "exp": now + 300,
            "email": email, "email_verified": verified, "name": name,
            // OpenID Connect Core 1.0, section 3.1.3.6: the left half of the digest; right for the 256-bit algorithms.
            "at_hash": encode(&sha256(access_token.as_bytes())[..16]),
        });
        if let Some(nonce) = &consent.nonce {
            claims["nonce"] = nonce.as_str().into();
        }
        claims
    }

    /// What the bearer may know.
    fn about(&self, path: &str, headers: &HeaderMap) -> Response {
        let bearer = headers.get("authorization").and_then(|value| value.to_str().ok());
        let token = bearer.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let Some(person) = self.side().tokens.get(token).cloned() else {
            return json_answer(401, &json!({ "error": "invalid_token" }));
        };
        let Person { sub, email, verified, name } = person;
        let (part, value) = match path {
            "/userinfo" => (
                Part::Userinfo,
                json!({ "sub": sub, "email": email, "email_verified": verified, "name": name }),
            ),
            "/api/user" => {
                let id: u64 = sub.parse().expect("GitHub's accounts have numbers");
                (
                    Part::User,
                    json!({ "id": id, "login": "ada", "name": name, "email": "shown@elsewhere.example" }),
                )
            }
            _ => {
                let other = json!({ "email": "other@shop.example", "primary": false, "verified": true });
                (Part::Emails, json!([other, { "email": email, "primary": true, "verified": verified }]))
            }
        };
        json_answer(200, &self.twisted(part, value))
    }
}

/// The client's name and secret, by header or in the form.
fn who(headers: &HeaderMap, form: &HashMap<String, String>) -> Option<(String, String)> {
    let Some(value) = headers.get("authorization") else {
        return Some((form.get("client_id")?.clone(), form.get("client_secret")?.clone()));
    };
    let basic = STANDARD.decode(value.to_str().ok()?.strip_prefix("Basic ")?).ok()?;
    let (id, secret) = std::str::from_utf8(&basic).ok()?.split_once(':')?;
    // A pair of a form without a value has the encoded text as its name.
    let decoded = |text: &str| Some(form_urlencoded::parse(text.as_bytes()).next()?.0.into_owned());
    Some((decoded(id)?, decoded(secret)?))
}

//! An identity provider on loopback that can be made to lie in every answer: an OpenID provider, and beside it GitHub's
//! pages and API.

mod jose;
mod pages;
mod visit;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::http::Uri;
use gatepost_app::IdentityProviderCreate;
use gatepost_app::sso::{Provider, ProviderKind, SsoHosts};
use gatepost_core::{Clock, Secret};
use serde_json::Value;
use tokio::net::TcpListener;

pub use jose::{Keys, Signer, encode};

/// Who we are at this provider.
pub const CLIENT_ID: &str = "gatepost client";
/// Our secret there; its characters must be encoded.
pub const CLIENT_SECRET: &str = "a:secret&with+all/kinds=%";

/// An answer, or a part of one, that can be changed before it goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The discovery document.
    Discovery,
    /// The key set.
    Keys,
    /// The parameters of the callback.
    Callback,
    /// The header of the ID token.
    Header,
    /// Its claims.
    Claims,
    /// The token endpoint's answer.
    Tokens,
    /// The userinfo endpoint's answer.
    Userinfo,
    /// GitHub's answer about the account.
    User,
    /// GitHub's answer about its addresses.
    Emails,
}

/// A whole answer that is given in the place of the right one.
#[derive(Debug, Clone, Default)]
pub struct Canned {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Never answers.
    pub stalls: bool,
}

impl Canned {
    /// HTML with a script in it, as from a broken proxy.
    pub fn html(status: u16) -> Self {
        let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
        Self { status, headers, body: b"<script>alert(1)</script>".to_vec(), stalls: false }
    }

    /// Leads elsewhere.
    pub fn redirect(to: &str) -> Self {
        let headers = vec![("location".to_owned(), to.to_owned())];
        Self { status: 302, headers, ..Self::default() }
    }

    /// Good JSON, and too much of it.
    pub fn endless() -> Self {
        let mut body = br#"{"keys":["#.to_vec();
        body.resize(2 * 1024 * 1024, b' ');
        body.extend_from_slice(b"]}");
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status: 200, headers, body, stalls: false }
    }

    /// No answer at all.
    pub fn nothing() -> Self {
        Self { stalls: true, ..Self::default() }
    }
}

/// Who is signed in at the provider and consents at once.
#[derive(Debug, Clone)]
pub struct Person {
    pub sub: String,
    pub email: String,
    pub verified: bool,
    pub name: String,
}

type Twist = Arc<dyn Fn(&mut Value) + Send + Sync>;

struct Side {
    person: Person,
    signer: Signer,
    twists: HashMap<Part, Twist>,
    canned: HashMap<String, Canned>,
    codes: HashMap<String, Consent>,
    /// Access tokens and whom they are for.
    tokens: HashMap<String, Person>,
    asked: Vec<String>,
    made: u64,
}

/// What a code stands for.
struct Consent {
    person: Person,
    redirect_uri: String,
    challenge: String,
    nonce: Option<String>,
}

/// The provider. Its answers are right until a test says otherwise.
#[derive(Clone)]
pub struct Idp {
    /// Its issuer: where it listens, without a slash at the end.
    pub issuer: String,
    clock: Arc<dyn Clock>,
    keys: Arc<Keys>,
    side: Arc<Mutex<Side>>,
}

impl Idp {
    /// What a workspace says to add it as a provider of its own.
    pub fn registration(&self) -> IdentityProviderCreate {
        IdentityProviderCreate {
            name: "Ours".to_owned(),
            kind: ProviderKind::Oidc { issuer: self.issuer.clone() },
            client_id: CLIENT_ID.to_owned(),
            client_secret: Secret::new(CLIENT_SECRET.to_owned()),
            enabled: true,
            trusts_second_factor: false,
            domains: Vec::new(),
            join_role: None,
        }
    }

    /// Starts one; its tokens are of the clock's time.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let side = Side {
            person: Person {
                sub: "248289761001".to_owned(),
                email: "ada@shop.example".to_owned(),
                verified: true,
                name: "Ada Lovelace".to_owned(),
            },
            signer: Signer::default(),
            twists: HashMap::new(),
            canned: HashMap::new(),
            codes: HashMap::new(),
            tokens: HashMap::new(),
            asked: Vec::new(),
            made: 0,
        };
        let idp = Self { issuer, clock, keys: Keys::shared(), side: Arc::new(Mutex::new(side)) };
        let router = Router::new().fallback(pages::answer).with_state(idp.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        idp
    }

    /// Where the built-in kinds of providers are found when all of them are this one.
    pub fn hosts(&self) -> SsoHosts {
        SsoHosts {
            google: self.issuer.clone(),
            microsoft: self.issuer.clone(),
            github: self.issuer.clone(),
            github_api: format!("{}/api", self.issuer),
        }
    }

    /// This provider as a generic one.
    pub fn provider(&self) -> Provider {
        Self::provider_of(ProviderKind::Oidc { issuer: self.issuer.clone() })
    }

    /// A provider with our name and secret here.
    ///
    /// # Panics
    /// Never: they are good.
    pub fn provider_of(kind: ProviderKind) -> Provider {
        Provider::new(kind, CLIENT_ID.to_owned(), Secret::new(CLIENT_SECRET.to_owned())).expect("a provider")
    }

    /// From now on this person is signed in here.
    pub fn sign_in(&self, person: Person) {
        self.side().person = person;
    }

    /// Who is signed in here.
    pub fn person(&self) -> Person {
        self.side().person.clone()
    }

    /// From now on ID tokens are signed so.
    pub fn sign_with(&self, signer: Signer) {
        self.side().signer = signer;
    }

    /// From now on this part goes out changed.
    pub fn twist(&self, part: Part, twist: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.side().twists.insert(part, Arc::new(twist));
    }

    /// From now on this path answers so.
    pub fn answer(&self, path: &str, canned: Canned) {
        self.side().canned.insert(path.to_owned(), canned);
    }

    /// Right in everything again.
    pub fn straighten(&self) {
        let mut side = self.side();
        side.twists.clear();
        side.canned.clear();
        side.signer = Signer::default();
    }

    /// The paths that were asked for, and how often.
    pub fn asked(&self, path: &str) -> usize {
        self.side().asked.iter().filter(|asked| *asked == path).count()
    }

    /// What is not in any set, as a public key.
    pub fn stranger_key(&self, kid: &str) -> Value {
        self.keys.stranger(kid)
    }

    /// What the browser does: follows the way to the provider, where the person consents, and brings back the callback's
    /// parameters.
    ///
    /// # Panics
    /// When the provider does not send it back.
    #[expect(clippy::disallowed_methods, reason = "tests call over loopback")]
    pub async fn consent(&self, url: &str) -> HashMap<String, String> {
        let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let browser = browser.build().expect("a client without TLS needs nothing");
        let answer = browser.get(url).send().await.expect("an answer");
        let status = answer.status();
        let location =
            answer.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = answer.text().await.unwrap_or_default();
        let location = location.unwrap_or_else(|| panic!("no way back: {status} {text}"));
        pages::pairs(&location.parse::<Uri>().expect("a URL"))
    }

    fn side(&self) -> MutexGuard<'_, Side> {
        self.side.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A part as it goes out.
    fn twisted(&self, part: Part, mut value: Value) -> Value {
        let twist = self.side().twists.get(&part).cloned();
        if let Some(twist) = twist {
            twist(&mut value);
        }
        value
    }
}

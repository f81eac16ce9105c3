//! A relying party, a provider, and a browser between them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gatepost_app::sso::{
    Attempt, Callback, Provider, RelyingParty, SsoConfig, SsoFault, SsoIdentity, SsoReason,
};
use gatepost_net::{Budgets, EgressConfig, Exception, Resolver, SafeClient, Scheme, TlsRoots, UrlPolicy};
use gatepost_testkit::TestClock;
use gatepost_testkit::idp::Idp;
use gatepost_vault::SystemEntropy;

pub const KEY: &str = "corp";
pub const BROWSER: &str = "the cookie of this browser";
pub const CALLBACK: &str = "https://gatepost.example/sso/corp/callback";

/// Something that is made wrong.
pub type Change = fn(&mut serde_json::Value);

pub struct Lab {
    pub idp: Idp,
    pub party: RelyingParty,
    pub clock: Arc<TestClock>,
    pub provider: Provider,
}

/// A client that may call the provider, and nothing else inside.
pub fn party(idp: &Idp, clock: &Arc<TestClock>) -> RelyingParty {
    let port = idp.issuer.rsplit(':').next().unwrap().parse().unwrap();
    let exceptions = vec![Exception::new("127.0.0.1", Some(port), Scheme::Http).unwrap()];
    let policy = UrlPolicy::new(EgressConfig { exceptions, ..EgressConfig::default() });
    let safe = SafeClient::new(
        Arc::new(policy),
        Resolver::fixed::<String>([]),
        Budgets::default(),
        TlsRoots::Bundled,
    )
    .unwrap();
    let timeout = Duration::from_millis(1_500);
    let config = SsoConfig { hosts: idp.hosts(), timeout, ..SsoConfig::default() };
    RelyingParty::new(safe, Arc::clone(clock) as _, Arc::new(SystemEntropy), config)
}

/// The callback's parameters as our server reads them.
pub fn callback(parameters: &HashMap<String, String>) -> Callback {
    let get = |name: &str| parameters.get(name).cloned();
    Callback {
        state: get("state").unwrap_or_default(),
        code: get("code"),
        iss: get("iss"),
        error: get("error"),
    }
}

impl Lab {
    pub async fn start() -> Self {
        let clock = Arc::<TestClock>::default();
        let idp = Idp::start(Arc::clone(&clock) as _).await;
        Self { party: party(&idp, &clock), provider: idp.provider(), idp, clock }
    }

    /// The same provider, and a relying party that knows nothing of it yet.
    pub fn forget(&mut self) {
        self.party = party(&self.idp, &self.clock);
    }

    /// A sign-in under way: the attempt, and what the browser brings back.
    pub async fn begun(&self) -> Result<(Attempt, Callback), SsoFault> {
        let started = self.party.start(KEY, &self.provider, BROWSER, CALLBACK, false).await?;
        let parameters = self.idp.consent(&started.url).await;
        Ok((started.attempt, callback(&parameters)))
    }

    pub async fn finish(&self, attempt: Attempt, callback: &Callback) -> Result<SsoIdentity, SsoReason> {
        let finished = self.party.finish(KEY, &self.provider, attempt, BROWSER, callback).await;
        finished.map_err(|fault| {
            assert_own_words(&fault);
            fault.reason()
        })
    }

    /// The whole way.
    pub async fn sign_in(&self) -> Result<SsoIdentity, SsoReason> {
        let (attempt, callback) = self.begun().await.map_err(|fault| {
            assert_own_words(&fault);
            fault.reason()
        })?;
        self.finish(attempt, &callback).await
    }
}

/// Nothing that the provider says may reach a page or a log line.
fn assert_own_words(fault: &SsoFault) {
    let text = fault.to_string();
    for theirs in ["<script", "evil", "127.0.0.1", "eyJ", "access-", "code-", "ada@"] {
        assert!(!text.contains(theirs), "{text}");
    }
}

//! The providers that can be named, and the issuer that each must be.

use std::fmt;
use std::time::Duration;

use gatepost_core::Secret;
use url::Url;

use super::fault::{SsoFault, SsoReason};

/// Longest issuer, bytes.
const MAX_ISSUER: usize = 512;
/// Longest client id and secret, bytes.
const MAX_CREDENTIAL: usize = 1_024;
/// The tenant that personal Microsoft accounts belong to (Microsoft identity platform, "ID token claims reference").
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
/// What stands for the tenant in the issuer of Microsoft's multi-tenant discovery documents.
const TENANT_ID: &str = "{tenantid}";

/// An identity provider, as a workspace or the operator's configuration names it.
#[derive(Clone)]
pub struct Provider {
    /// What it is.
    pub kind: ProviderKind,
    /// Our name there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Secret<String>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("kind", &self.kind)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// The kinds of providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderKind {
    /// Any OpenID provider that publishes a discovery document.
    Oidc {
        /// Its issuer, exactly as its discovery document and its tokens write it.
        issuer: String,
    },
    /// Google accounts.
    Google,
    /// Microsoft Entra ID and personal Microsoft accounts.
    Microsoft(MicrosoftTenant),
    /// GitHub's OAuth.
    GitHub,
}

/// Whose accounts a Microsoft sign-in takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MicrosoftTenant {
    /// One organisation: its tenant id, a UUID in lower case.
    Tenant(String),
    /// Any organisation.
    Organizations,
    /// Personal accounts.
    Consumers,
    /// Any of these.
    Common,
}

/// Where the built-in providers live. Theirs by default; a test puts its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoHosts {
    /// Google's issuer.
    pub google: String,
    /// What Microsoft's issuers begin with.
    pub microsoft: String,
    /// GitHub's pages; also what stands for its issuer.
    pub github: String,
    /// GitHub's API.
    pub github_api: String,
}

impl Default for SsoHosts {
    fn default() -> Self {
        Self {
            google: "https://accounts.google.com".to_owned(),
            microsoft: "https://login.microsoftonline.com".to_owned(),
            github: "https://github.com".to_owned(),
            github_api: "https://api.github.com".to_owned(),
        }
    }
}

/// Settings of signing in with providers.
#[derive(Debug, Clone)]
pub struct SsoConfig {
    /// Where the built-in providers live.
    pub hosts: SsoHosts,
    /// The limit of one call to a provider, from the call to the last byte. A person is waiting.
    pub timeout: Duration,
    /// The operator's own providers: a button for each on the sign-in page.
    pub providers: Vec<OperatorProvider>,
}

/// A provider of the whole installation.
#[derive(Debug, Clone)]
pub struct OperatorProvider {
    /// Its place in our addresses: 1 to 32 of `a`–`z`, `0`–`9` and `-`.
    pub key: String,
    /// What people call it.
    pub name: String,
    pub provider: Provider,
}

impl OperatorProvider {
    /// Whether a text can be the key of one.
    pub fn is_key(text: &str) -> bool {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        (1..=32).contains(&text.len()) && text.bytes().all(plain)
    }
}

impl Default for SsoConfig {
    fn default() -> Self {
        Self { hosts: SsoHosts::default(), timeout: Duration::from_secs(10), providers: Vec::new() }
    }
}

/// What is wrong with a provider as it was named: which field, and a sentence about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidProvider {
    /// `issuer`, `tenant`, `client_id` or `client_secret`.
    pub field: &'static str,
    /// What the field takes.
    pub detail: &'static str,
}

impl ProviderKind {
    /// `oidc`, `google`, `microsoft` or `github`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Oidc { .. } => "oidc",
            Self::Google => "google",
            Self::Microsoft(_) => "microsoft",
            Self::GitHub => "github",
        }
    }

    /// The number stored in the database; never reused.
    pub const fn number(&self) -> i64 {
        match self {
            Self::Oidc { .. } => 1,
            Self::Google => 2,
            Self::Microsoft(_) => 3,
            Self::GitHub => 4,
        }
    }

    /// The kind of a number, with its place.
    pub fn from_number(number: i64, place: Option<&str>) -> Option<Self> {
        let kind = match number {
            1 => "oidc",
            2 => "google",
            3 => "microsoft",
            4 => "github",
            _ => return None,
        };
        Self::parse(kind, place).ok()
    }

    /// Reads a kind and its place: the issuer of `oidc`, the tenant of `microsoft`; the others have none.
    pub fn parse(kind: &str, place: Option<&str>) -> Result<Self, InvalidProvider> {
        let invalid = |field, detail| Err(InvalidProvider { field, detail });
        match (kind, place) {
            ("oidc", Some(issuer)) => Ok(Self::Oidc { issuer: issuer_text(issuer)? }),
            ("oidc", None) => {
                invalid("issuer", "is needed: the issuer's URL, as its discovery document writes it")
            }
            ("google", None) => Ok(Self::Google),
            ("github", None) => Ok(Self::GitHub),
            ("google" | "github", Some(_)) => invalid("issuer", "this kind has its own"),
            ("microsoft", Some(tenant)) => MicrosoftTenant::parse(tenant).map(Self::Microsoft),
            ("microsoft", None) => invalid("tenant", MicrosoftTenant::TAKES),
            _ => invalid("kind", "expected oidc, google, microsoft or github"),
        }
    }

    /// What [`ProviderKind::parse`] takes beside the kind.
    pub fn place(&self) -> Option<&str> {
        match self {
            Self::Oidc { issuer } => Some(issuer),
            Self::Google | Self::GitHub => None,
            Self::Microsoft(tenant) => Some(tenant.as_str()),
        }
    }

    /// Whether accounts of this issuer come from here.
    pub(crate) fn speaks_as(&self, issuer: &str, hosts: &SsoHosts) -> bool {
        match self.issuer_rule(hosts) {
            IssuerRule::Exact(own) => own == issuer,
            rule @ IssuerRule::PerTenant { .. } => {
                let tenant = rule.tenant_of(issuer);
                tenant.is_some_and(|tenant| rule.of_token(Some(tenant)).is_ok_and(|own| own == issuer))
            }
        }
    }

    pub(super) fn issuer_rule(&self, hosts: &SsoHosts) -> IssuerRule {
        let microsoft = |tenant: &str| format!("{}/{tenant}/v2.0", hosts.microsoft);
        match self {
            Self::Oidc { issuer } => IssuerRule::exact(issuer.clone()),
            Self::Google => IssuerRule::exact(hosts.google.clone()),
            Self::GitHub => IssuerRule::exact(hosts.github.clone()),
            Self::Microsoft(MicrosoftTenant::Tenant(id)) => IssuerRule::exact(microsoft(id)),
            Self::Microsoft(MicrosoftTenant::Consumers) => IssuerRule::exact(microsoft(CONSUMERS)),
            Self::Microsoft(tenant @ (MicrosoftTenant::Organizations | MicrosoftTenant::Common)) => {
                IssuerRule::PerTenant {
                    asked: microsoft(tenant.as_str()),
                    template: microsoft(TENANT_ID),
                    consumers: *tenant == MicrosoftTenant::Common,
                }
            }
        }
    }
}

impl MicrosoftTenant {
    const TAKES: &str = "expected a tenant id (a UUID), organizations, consumers or common";

    /// Reads a tenant id or one of the three words. A domain name is refused: the issuer has the id in its place.
    pub fn parse(text: &str) -> Result<Self, InvalidProvider> {
        match text {
            "organizations" => Ok(Self::Organizations),
            "consumers" => Ok(Self::Consumers),
            "common" => Ok(Self::Common),
            id => match uuid::Uuid::try_parse(id) {
                Ok(uuid) if !uuid.is_nil() => Ok(Self::Tenant(uuid.hyphenated().to_string())),
                _ => Err(InvalidProvider { field: "tenant", detail: Self::TAKES }),
            },
        }
    }

    /// What [`MicrosoftTenant::parse`] takes.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tenant(id) => id,
            Self::Organizations => "organizations",
            Self::Consumers => "consumers",
            Self::Common => "common",
        }
    }
}

impl Provider {
    /// A provider of this kind with our name and secret there.
    pub fn new(
        kind: ProviderKind,
        client_id: String,
        client_secret: Secret<String>,
    ) -> Result<Self, InvalidProvider> {
        let good = |text: &str| {
            (1..=MAX_CREDENTIAL).contains(&text.len()) && text.bytes().all(|b| (b' '..=b'~').contains(&b))
        };
        let detail = "expected 1 to 1,024 visible ASCII characters";
        if !good(&client_id) {
            return Err(InvalidProvider { field: "client_id", detail });
        }
        if !good(client_secret.expose()) {
            return Err(InvalidProvider { field: "client_secret", detail });
        }
        Ok(Self { kind, client_id, client_secret })
    }
}

/// Keeps the issuer as it was written: it is compared byte by byte, so a slash at its end counts.
fn issuer_text(text: &str) -> Result<String, InvalidProvider> {
    let invalid = |detail| InvalidProvider { field: "issuer", detail };
    if text.len() > MAX_ISSUER || text.bytes().any(|b| !(b'!'..=b'~').contains(&b)) {
        return Err(invalid("expected a URL of at most 512 visible ASCII characters"));
    }
    let url = Url::parse(text).map_err(|_| invalid("expected an absolute URL"))?;
    if !matches!(url.scheme(), "https" | "http") || !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("expected an https URL without a user name"));
    }
    // OpenID Connect Core 1.0, section 2: "no query or fragment components".
    if text.contains(['?', '#']) {
        return Err(invalid("an issuer has no query and no fragment"));
    }
    Ok(text.to_owned())
}

/// What an issuer must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IssuerRule {
    /// This one.
    Exact(String),
    /// Microsoft's for many tenants: the discovery document has a template, and each token's issuer must be that
    /// template with the token's own tenant in it ("Validate the issuer", Microsoft identity platform). Both are
    /// compared exactly, after the substitution; the tenant must be a UUID in its canonical form, so nothing else can
    /// be smuggled into the URL.
    PerTenant {
        /// What the discovery document is found under.
        asked: String,
        /// What it says its issuer is.
        template: String,
        /// Whether personal accounts may come.
        consumers: bool,
    },
}

impl IssuerRule {
    fn exact(issuer: String) -> Self {
        Self::Exact(issuer)
    }

    /// Where the discovery document is (OpenID Connect Discovery 1.0, section 4.1).
    pub(super) fn discovery_url(&self) -> String {
        let (Self::Exact(base) | Self::PerTenant { asked: base, .. }) = self;
        format!("{}/.well-known/openid-configuration", base.strip_suffix('/').unwrap_or(base))
    }

    /// What the discovery document must say its issuer is.
    pub(super) fn of_discovery(&self) -> &str {
        match self {
            Self::Exact(issuer) => issuer,
            Self::PerTenant { template, .. } => template,
        }
    }

    /// The tenant in an issuer of many tenants; whether it is one is [`Self::of_token`]'s to say.
    fn tenant_of<'i>(&self, issuer: &'i str) -> Option<&'i str> {
        let Self::PerTenant { template, .. } = self else { return None };
        let (before, after) = template.split_once(TENANT_ID)?;
        issuer.strip_prefix(before)?.strip_suffix(after)
    }

    /// What a token of this tenant must say its issuer is.
    pub(super) fn of_token(&self, tenant: Option<&str>) -> Result<String, SsoFault> {
        let (template, consumers) = match self {
            Self::Exact(issuer) => return Ok(issuer.clone()),
            Self::PerTenant { template, consumers, .. } => (template, *consumers),
        };
        let wrong = |detail| SsoFault::new(SsoReason::Issuer, detail);
        let tenant = tenant.ok_or_else(|| wrong("no tenant in the token"))?;
        let canonical =
            uuid::Uuid::try_parse(tenant).is_ok_and(|uuid| uuid.hyphenated().to_string() == tenant);
        if !canonical {
            return Err(wrong("the token's tenant is not a tenant id"));
        }
        if tenant == CONSUMERS && !consumers {
            return Err(wrong("a personal account"));
        }
        Ok(template.replace(TENANT_ID, tenant))
    }

    /// Whether a key that is said to belong to `key_issuer` may sign for `issuer`. Microsoft's key sets say so of each
    /// key, with the same template.
    pub(super) fn key_fits(&self, key_issuer: Option<&str>, issuer: &str) -> bool {
        match (self, key_issuer) {
            (Self::PerTenant { template, .. }, Some(key_issuer)) => {
                key_issuer == template || key_issuer == issuer
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const ACME: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    #[test]
    fn a_provider_speaks_as_its_own_issuers() {
        let hosts = SsoHosts::default();
        let speaks = |kind: &ProviderKind, issuer: &str| kind.speaks_as(issuer, &hosts);
        let own = ProviderKind::parse("oidc", Some("https://id.example/")).unwrap();
        assert!(speaks(&own, "https://id.example/") && !speaks(&own, "https://id.example"));
        assert!(speaks(&ProviderKind::Google, "https://accounts.google.com"));
        assert!(!speaks(&ProviderKind::GitHub, "https://accounts.google.com"));
        let acme = format!("https://login.microsoftonline.com/{ACME}/v2.0");
        let personal = format!("https://login.microsoftonline.com/{CONSUMERS}/v2.0");
        let one = |tenant: &str| ProviderKind::parse("microsoft", Some(tenant)).unwrap();
        assert!(speaks(&one(ACME), &acme) && !speaks(&one(ACME), &personal));
        assert!(speaks(&one("common"), &acme) && speaks(&one("common"), &personal));
        assert!(speaks(&one("organizations"), &acme) && !speaks(&one("organizations"), &personal));
        assert!(!speaks(&one("common"), "https://login.microsoftonline.com/{tenantid}/v2.0"));
        assert!(!speaks(&one("common"), "https://login.microsoftonline.com/"));
    }

    #[test]
    fn issuers_are_kept_as_written() {
        for issuer in
            ["https://id.example", "https://id.example/", "https://ID.example/realms/a", "http://127.0.0.1:1"]
        {
            let kind = ProviderKind::parse("oidc", Some(issuer)).unwrap();
            assert_eq!(kind.place(), Some(issuer));
        }
        for issuer in [
            "",
            "id.example",
            "https://id.example?a=b",
            "https://id.example#a",
            "https://user@id.example",
            "https://id.example/a b",
            "ftp://id.example",
            "javascript:alert(1)",
            "https://id.exämple",
        ] {
            assert_eq!(ProviderKind::parse("oidc", Some(issuer)).unwrap_err().field, "issuer", "{issuer}");
        }
        assert!(
            ProviderKind::parse("oidc", Some(&format!("https://id.example/{}", "a".repeat(512)))).is_err()
        );
    }

    #[test]
    fn the_discovery_document_is_found_without_a_doubled_slash() {
        for (issuer, url) in [
            ("https://id.example", "https://id.example/.well-known/openid-configuration"),
            ("https://id.example/", "https://id.example/.well-known/openid-configuration"),
            ("https://id.example/realms/a", "https://id.example/realms/a/.well-known/openid-configuration"),
        ] {
            assert_eq!(IssuerRule::exact(issuer.to_owned()).discovery_url(), url);
        }
    }

    #[test]
    fn a_tenant_is_put_into_microsofts_template_and_nothing_else_is() {
        let hosts = SsoHosts::default();
        let rule = |tenant: &str| ProviderKind::parse("microsoft", Some(tenant)).unwrap().issuer_rule(&hosts);
        let of = |id: &str| format!("https://login.microsoftonline.com/{id}/v2.0");
        assert_eq!(rule(ACME).of_token(None), Ok(of(ACME)));
        assert_eq!(rule("consumers").of_token(None), Ok(of(CONSUMERS)));
        assert_eq!(rule("common").of_token(Some(ACME)), Ok(of(ACME)));
        assert_eq!(rule("common").of_token(Some(CONSUMERS)), Ok(of(CONSUMERS)));
        assert_eq!(rule("common").of_discovery(), "https://login.microsoftonline.com/{tenantid}/v2.0");
        assert_eq!(rule("organizations").of_token(Some(ACME)), Ok(of(ACME)));
        for tenant in [
            None,
            Some(""),
            Some("common"),
            Some(CONSUMERS),
            Some("0F8FAD5B-D9CB-469F-A165-70867728950E"),
            Some("0f8fad5bd9cb469fa16570867728950e"),
            Some("{0f8fad5b-d9cb-469f-a165-70867728950e}"),
            Some("x/../0f8fad5b-d9cb-469f-a165-70867728950e"),
        ] {
            assert_eq!(
                rule("organizations").of_token(tenant).unwrap_err().reason(),
                SsoReason::Issuer,
                "{tenant:?}"
            );
        }
        assert!(MicrosoftTenant::parse("contoso.onmicrosoft.com").is_err());
        let rule = rule("organizations");
        assert!(rule.key_fits(Some("https://login.microsoftonline.com/{tenantid}/v2.0"), &of(ACME)));
        assert!(rule.key_fits(Some(&of(ACME)), &of(ACME)));
        assert!(rule.key_fits(None, &of(ACME)));
        assert!(!rule.key_fits(Some(&of(CONSUMERS)), &of(ACME)));
    }

    #[test]
    fn credentials_are_visible_ascii() {
        let new = |id: &str, secret: &str| {
            Provider::new(ProviderKind::Google, id.to_owned(), Secret::new(secret.to_owned())).map(drop)
        };
        assert_eq!(new("id", "secret"), Ok(()));
        assert_eq!(new("", "secret").unwrap_err().field, "client_id");
        assert_eq!(new("id\n", "secret").unwrap_err().field, "client_id");
        assert_eq!(new("id", "").unwrap_err().field, "client_secret");
    }
}

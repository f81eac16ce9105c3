//! `[[sso.providers]]`: identity providers that everybody may sign in through.

use std::path::PathBuf;

use gatepost_app::sso::{OperatorProvider, Provider, ProviderKind};
use gatepost_core::{Secret, text};
use serde::Deserialize;

use super::secret_file;
use crate::failure::{Failure, Result};

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sso {
    pub providers: Vec<SsoProvider>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SsoProvider {
    pub key: String,
    pub name: String,
    pub kind: String,
    pub issuer: Option<String>,
    pub tenant: Option<String>,
    pub client_id: String,
    pub client_secret: Option<Secret<String>>,
    pub client_secret_file: Option<PathBuf>,
}

/// The section as the application takes it. Nobody is called.
///
/// Errors: what does not fit together; a file that cannot be read.
pub fn sso_providers(sso: &Sso) -> Result<Vec<OperatorProvider>> {
    let mut providers: Vec<OperatorProvider> = Vec::new();
    for given in &sso.providers {
        let at = |field: &str, why: &dyn std::fmt::Display| {
            Failure::usage(format!("sso.providers: {field} of {:?}: {why}", given.key))
        };
        if !OperatorProvider::is_key(&given.key) {
            return Err(at("key", &"expected 1 to 32 of a-z, 0-9 and -"));
        }
        if providers.iter().any(|known| known.key == given.key) {
            return Err(at("key", &"is there twice"));
        }
        let name = text::name(&given.name, 60).map_err(|why| at("name", &why))?;
        let place = match (&given.issuer, &given.tenant, given.kind.as_str()) {
            (Some(_), Some(_), _) => return Err(at("issuer", &"give issuer or tenant, not both")),
            (Some(_), None, "microsoft") => return Err(at("issuer", &"microsoft takes a tenant instead")),
            (None, Some(_), kind) if kind != "microsoft" => {
                return Err(at("tenant", &"only microsoft takes one"));
            }
            (issuer, tenant, _) => issuer.as_deref().or(tenant.as_deref()),
        };
        let kind = ProviderKind::parse(&given.kind, place).map_err(|why| at(why.field, &why.detail))?;
        let secret = match (&given.client_secret, &given.client_secret_file) {
            (Some(secret), None) => secret.clone(),
            (None, Some(file)) => {
                secret_file::first_line(file).map_err(|why| at("client_secret_file", &why))?
            }
            _ => return Err(at("client_secret", &"give it, or client_secret_file, and not both")),
        };
        let provider =
            Provider::new(kind, given.client_id.clone(), secret).map_err(|why| at(why.field, &why.detail))?;
        providers.push(OperatorProvider { key: given.key.clone(), name, provider });
    }
    Ok(providers)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(text: &str) -> Result<Vec<OperatorProvider>, String> {
        sso_providers(&toml::from_str(text).unwrap()).map_err(|failure| failure.to_string())
    }

    fn entry(more: &str) -> String {
        format!("[[providers]]\nkey = \"acme\"\nname = \"Acme ID\"\nclient_id = \"gatepost\"\n{more}\n")
    }

    #[test]
    fn providers_of_each_kind() {
        let secret = "client_secret = \"hunter2hunter2\"";
        for kind in [
            "kind = \"google\"",
            "kind = \"github\"",
            "kind = \"microsoft\"\ntenant = \"organizations\"",
            "kind = \"oidc\"\nissuer = \"https://id.acme.example/\"",
        ] {
            let known = read(&entry(&format!("{kind}\n{secret}"))).unwrap();
            assert_eq!((known.len(), known[0].key.as_str()), (1, "acme"), "{kind}");
        }
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secret");
        std::fs::write(&file, "from a file\r\nsecond line\n").unwrap();
        let known = read(&entry(&format!("kind = \"google\"\nclient_secret_file = {file:?}"))).unwrap();
        assert_eq!(known[0].provider.client_secret.expose(), "from a file");
    }

    #[test]
    fn what_does_not_fit_is_named_and_shows_no_secret() {
        let secret = "client_secret = \"hunter2hunter2\"";
        let twice = format!("{0}{0}", entry(&format!("kind = \"google\"\n{secret}")));
        for (text, field) in [
            (twice, "key"),
            (entry(&format!("kind = \"oidc\"\n{secret}")), "issuer"),
            (entry(&format!("kind = \"oidc\"\nissuer = \"ftp://a\"\n{secret}")), "issuer"),
            (entry(&format!("kind = \"google\"\nissuer = \"https://a\"\n{secret}")), "issuer"),
            (entry(&format!("kind = \"google\"\ntenant = \"common\"\n{secret}")), "tenant"),
            (entry(&format!("kind = \"microsoft\"\ntenant = \"acme.example\"\n{secret}")), "tenant"),
            (entry(&format!("kind = \"myspace\"\n{secret}")), "kind"),
            (entry("kind = \"google\""), "client_secret"),
            (entry("kind = \"google\"\nclient_secret_file = \"/nowhere/at/all\""), "client_secret_file"),
            (entry(&format!("kind = \"google\"\n{secret}")).replace("\"acme\"", "\"Acme ID\""), "key"),
        ] {
            let said = read(&text).err().unwrap();
            assert!(said.contains(&format!("{field} of ")), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}

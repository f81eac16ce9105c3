//! Whether passkeys work on the page that is open. Browsers bind them to the name of the console's address, so a button
//! for them anywhere else would only fail; there the page says where they do work.

use std::net::IpAddr;

use gatepost_app::App;
use gatepost_core::access::SessionKind;
use maud::{Markup, html};

use crate::console::view::View;

/// Where passkeys work, seen from a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasskeyPlace {
    Here,
    /// The same pages at this origin take them.
    At(String),
    /// They belong to the console at this origin, and these pages have no address where they work.
    Elsewhere(String),
    /// The console's address has no name, or is in the clear.
    Nowhere,
}

impl PasskeyPlace {
    pub fn of(app: &App, view: &View) -> Self {
        Self::seen(app.passkey_origins(), &view.host, view.kind)
    }

    /// `origins` are those at which passkeys work, the console's own first; `host` is what the browser calls this server.
    fn seen(origins: Vec<String>, host: &str, kind: SessionKind) -> Self {
        let authority = |origin: &str| origin.split_once("://").map(|(_, authority)| authority.to_owned());
        let at = |wanted: &str| origins.iter().find(|origin| authority(origin).as_deref() == Some(wanted));
        if at(host).is_some() {
            return Self::Here;
        }
        if let Some(origin) = by_name(host).and_then(|named| at(&named)) {
            return Self::At(origin.clone());
        }
        match (origins.into_iter().next(), kind) {
            (None, _) => Self::Nowhere,
            (Some(console), SessionKind::Console) => Self::At(console),
            (Some(console), SessionKind::Operator) => Self::Elsewhere(console),
        }
    }

    pub fn here(&self) -> bool {
        *self == Self::Here
    }

    /// Where they work, for who looks for them in vain; nothing where they work here. `path` is the page to open there.
    pub fn hint(&self, path: &str) -> Markup {
        html! {
            @match self {
                Self::Here | Self::Nowhere => {},
                Self::At(origin) => p class="muted" {
                    "Passkeys work at " a href={ (origin) (path) } { (origin) } ", not at the address that is open now."
                },
                Self::Elsewhere(origin) => p class="muted" {
                    "Passkeys belong to the console at " bdi dir="ltr" { (origin) } " and do not work at this address. "
                    "Here a code of an authenticator app does, or a recovery code."
                },
            }
        }
    }
}

/// This machine's name in the place of its address, with the same port.
fn by_name(host: &str) -> Option<String> {
    let (address, port) = match host.rsplit_once(':') {
        Some((address, port)) if !port.ends_with(']') => (address, format!(":{port}")),
        _ => (host, String::new()),
    };
    let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
    address.is_loopback().then(|| format!("localhost{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(origins: &[&str], host: &str, kind: SessionKind) -> PasskeyPlace {
        PasskeyPlace::seen(origins.iter().map(|&origin| origin.to_owned()).collect(), host, kind)
    }

    #[test]
    fn on_the_machine_itself() {
        let local = ["http://localhost:8080", "http://localhost:8180"];
        let at = |origin: &str| PasskeyPlace::At(origin.to_owned());
        for kind in [SessionKind::Console, SessionKind::Operator] {
            assert_eq!(seen(&local, "localhost:8180", kind), PasskeyPlace::Here);
            for address in ["127.0.0.1:8180", "[::1]:8180"] {
                assert_eq!(seen(&local, address, kind), at("http://localhost:8180"), "{address}");
            }
            assert_eq!(seen(&["http://localhost"], "127.0.0.1", kind), at("http://localhost"));
            assert_eq!(seen(&[], "127.0.0.1:8080", kind), PasskeyPlace::Nowhere);
        }
    }

    #[test]
    fn behind_a_name() {
        let named = ["https://gate.example", "https://gate.example:8180"];
        let console = || "https://gate.example".to_owned();
        assert_eq!(seen(&named, "gate.example", SessionKind::Console), PasskeyPlace::Here);
        assert_eq!(seen(&named, "203.0.113.5", SessionKind::Console), PasskeyPlace::At(console()));
        assert_eq!(seen(&named, "gate.example:8180", SessionKind::Operator), PasskeyPlace::Here);
        // Through a tunnel to the operators' listener on loopback.
        for tunnel in ["localhost:8180", "127.0.0.1:8180"] {
            assert_eq!(
                seen(&named, tunnel, SessionKind::Operator),
                PasskeyPlace::Elsewhere(console()),
                "{tunnel}"
            );
        }
    }
}

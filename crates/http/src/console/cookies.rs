//! Cookies of the console beside the session's own ([`crate::session`]).
//!
//! All but the theme's carry the prefix `__Host-`: a browser takes such a cookie only over TLS (or from loopback), for
//! this host alone and for every path, so neither a sub-domain nor a neighbour in the clear can plant one.
//! They are `SameSite=Lax`, like the session's. `Strict` would withhold the session from a page that is opened by a link
//! in a mail of ours, and the visit from the way back out of an identity provider, both of which are reading; a form that
//! another site posts carries a `Lax` cookie no more than a `Strict` one. The other two locks do not rest on this one;
//! see [`csrf`](super::csrf).
//!
//! Defends against: a cookie planted from elsewhere, one that is there twice (it counts as none: nobody can say which is
//! ours), reading by scripts.
//! Does not defend against: another program that serves the same host name on another port (cookies know no ports), or
//! whoever reads the browser's own store.

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};

use super::notice::Notice;
use crate::session;

/// A visit before anybody signed in: what forms are bound to then.
const VISIT: &str = "__Host-gatepost-visit";
/// What was done by the request before.
const NOTICE: &str = "__Host-gatepost-notice";
/// Light or dark; nothing hangs on it.
const THEME: &str = "gatepost-theme";

const LOCKED: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// How pages are coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system is.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text)
    }

    pub fn of(headers: &HeaderMap) -> Self {
        get(headers, THEME).and_then(Self::parse).unwrap_or_default()
    }
}

/// The value of the one cookie of that name; `None` where there is none or more than one.
fn get<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    session::cookie(headers, name).ok().flatten()
}

/// The visit; hexadecimal digits, as [`set_visit`] got them.
pub fn visit(headers: &HeaderMap) -> Option<&str> {
    get(headers, VISIT)
        .filter(|value| value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

pub fn notice(headers: &HeaderMap) -> Option<Notice> {
    Notice::parse(get(headers, NOTICE)?)
}

pub fn set_notice(answer: &mut HeaderMap, notice: Notice) {
    append(answer, format!("{NOTICE}={}; {LOCKED}; Max-Age=60", notice.word()));
}

pub fn clear_notice(answer: &mut HeaderMap) {
    append(answer, format!("{NOTICE}=; {LOCKED}; Max-Age=0"));
}

/// Sets the visit, for as long as the browser is open.
pub fn set_visit(answer: &mut HeaderMap, value: &str) {
    append(answer, format!("{VISIT}={value}; {LOCKED}"));
}

/// Takes the lock of `SameSite` off every cookie of an answer, for tests of the other locks.
pub fn loosen(answer: &mut HeaderMap) {
    let all: Vec<HeaderValue> = answer.get_all(SET_COOKIE).iter().cloned().collect();
    answer.remove(SET_COOKIE);
    for cookie in all.iter().filter_map(|cookie| cookie.to_str().ok()) {
        append(answer, cookie.replace("SameSite=Lax", "SameSite=None"));
    }
}

/// Keeps the theme for a year.
pub fn set_theme(answer: &mut HeaderMap, theme: Theme) {
    append(answer, format!("{THEME}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000", theme.as_str()));
}

fn append(answer: &mut HeaderMap, cookie: String) {
    // Names and words of ours, and digits: always fit for a header.
    if let Ok(value) = HeaderValue::try_from(cookie) {
        answer.append(SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use http::header::COOKIE;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for value in values {
            map.append(COOKIE, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn a_visit_is_what_we_gave() {
        let given = "0123456789abcdef0123456789abcdef";
        let one = format!("a=1; {VISIT}={given}; b=2");
        assert_eq!(visit(&headers(&[&one])), Some(given));
        assert_eq!(visit(&headers(&[&one, &one])), None, "twice");
        for other in ["", "0", "0123456789abcdef0123456789abcdeg", "session:0123456789abcdef01234567"] {
            assert_eq!(visit(&headers(&[&format!("{VISIT}={other}")])), None, "{other}");
        }
    }

    #[test]
    fn only_what_is_known() {
        assert_eq!(Theme::of(&headers(&["gatepost-theme=dark"])), Theme::Dark);
        assert_eq!(Theme::of(&headers(&["gatepost-theme=\"><script>"])), Theme::System);
        assert_eq!(notice(&headers(&["__Host-gatepost-notice=<b>"])), None);
    }
}

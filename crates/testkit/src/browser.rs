//! A browser without scripts: cookies, pages, forms with their hidden fields, redirects.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gatepost_app::SessionBegun;

use crate::client::{Answer, Client};
use crate::{Somebody, World};

/// The cookie of a session of the console.
const SESSION: &str = "__Host-gatepost";
/// The cookie that recognises a browser.
const DEVICE: &str = "__Host-gatepost-device";
/// Redirects that are followed for one request.
const HOPS: usize = 10;

/// One person's browser. It keeps `Secure` cookies on loopback, as real ones do, and sends what they send with forms.
pub struct Browser {
    client: Client,
    base: String,
    jar: Mutex<BTreeMap<String, String>>,
    page: Mutex<(String, String)>,
    headers: Vec<(String, String)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// A browser that was never here.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.base)
    }

    /// A browser in which somebody has just signed in, without the pages for it.
    ///
    /// # Panics
    /// When the password alone does not do.
    pub async fn browser_of(&self, somebody: &Somebody) -> Browser {
        let browser = self.browser();
        browser.adopt(&self.sign_in(somebody).await);
        browser
    }
}

impl Browser {
    /// A browser that shows what is at `base`.
    pub fn new(base: &str) -> Self {
        Self {
            client: Client::without_redirects(base),
            base: base.to_owned(),
            jar: Mutex::default(),
            page: Mutex::default(),
            headers: Vec::new(),
        }
    }

    /// The same cookies in another place: somebody stole them, or another node answers now.
    #[must_use]
    pub fn at_node(&self, world: &World) -> Self {
        let other = Self::new(&world.base);
        (*lock(&other.jar)).clone_from(&lock(&self.jar));
        other
    }

    /// Sends one more header with every request.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes the cookies of a session that has begun.
    pub fn adopt(&self, session: &SessionBegun) {
        self.set_cookie(SESSION, session.token.expose());
        self.set_cookie(DEVICE, session.device.expose());
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        lock(&self.jar).get(name).cloned()
    }

    /// The token of the console's session, where there is one.
    pub fn session(&self) -> Option<String> {
        self.cookie(SESSION)
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        lock(&self.jar).insert(name.to_owned(), value.to_owned());
    }

    pub fn forget(&self, name: &str) {
        lock(&self.jar).remove(name);
    }

    /// Path and query of the page that is shown.
    pub fn at(&self) -> String {
        lock(&self.page).0.clone()
    }

    /// The page that is shown, as HTML.
    pub fn html(&self) -> String {
        lock(&self.page).1.clone()
    }

    /// Opens a page, as if its address was typed, and follows redirects.
    ///
    /// # Panics
    /// When no answer comes, or redirects do not end.
    pub async fn open(&self, path: &str) -> Answer {
        let answer = self.send("GET", path, &[("sec-fetch-site", "none")], None).await;
        self.follow(path, answer).await
    }

    /// Fills in the form of the page that is shown whose `action` is this, and sends it: hidden fields (and so the token
    /// against forged forms) as they are, then `fields`. Follows redirects.
    ///
    /// # Panics
    /// When the page has no such form.
    #[track_caller]
    pub fn submit<'b>(
        &'b self,
        action: &'b str,
        fields: &'b [(&'b str, &'b str)],
    ) -> impl Future<Output = Answer> + 'b {
        let all = self.filled(action, fields);
        async move {
            let all: Vec<(&str, &str)> = all.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let answer = self.post(action, &all).await;
            self.follow(action, answer).await
        }
    }

    /// The fields that [`Browser::submit`] would send.
    ///
    /// # Panics
    /// When the page has no such form.
    #[track_caller]
    pub fn filled(&self, action: &str, fields: &[(&str, &str)]) -> Vec<(String, String)> {
        let page = self.html();
        let form = form_of(&page, action);
        assert!(form.is_some(), "{} has no form for {action}:\n{page}", self.at());
        let mut all = hidden_fields(form.unwrap_or_default());
        for (name, value) in fields {
            all.retain(|(known, _)| known != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        all
    }

    /// The token against forged forms of the page that is shown.
    pub fn csrf(&self) -> Option<String> {
        let page = self.html();
        hidden_fields(&page).into_iter().find(|(name, _)| name == "csrf").map(|(_, value)| value)
    }

    /// Sends exactly these fields, as a form of this site's own would be sent. Follows nothing.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = self.base.clone();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", "same-origin"),
            ("origin", origin.as_str()),
        ];
        self.send("POST", path, &headers, Some(encoded(fields))).await
    }

    /// One request with the cookies and these headers. Follows nothing; keeps the cookies that come.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let cookies: Vec<String> = lock(&self.jar).iter().map(|(n, v)| format!("{n}={v}")).collect();
        let cookies = cookies.join("; ");
        let mut all = vec![("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
        all.extend(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        all.extend_from_slice(headers);
        if !cookies.is_empty() {
            all.push(("cookie", &cookies));
        }
        let answer = self.client.raw(method, path, &all, body.map(String::into_bytes)).await;
        self.keep(&answer);
        answer
    }

    fn keep(&self, answer: &Answer) {
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().expect("a cookie is ASCII");
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a name");
            if name.starts_with("__Host-") {
                // A real browser keeps no other.
                let lower = attributes.to_ascii_lowercase();
                let whole = lower.contains("secure") && lower.contains("path=/") && !lower.contains("domain");
                assert!(whole, "{line}");
            }
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                self.forget(name.trim());
            } else {
                self.set_cookie(name.trim(), value.trim());
            }
        }
    }

    async fn follow(&self, path: &str, first: Answer) -> Answer {
        let (mut path, mut answer) = (path.to_owned(), first);
        for _ in 0..HOPS {
            let to =
                answer.headers.get("location").map(|to| to.to_str().expect("a location is ASCII").to_owned());
            match to {
                Some(to) if (300..400).contains(&answer.status) => {
                    assert!(to.starts_with('/') && !to.starts_with("//"), "{to} is elsewhere");
                    answer = self.send("GET", &to, &[("sec-fetch-site", "same-origin")], None).await;
                    path = to;
                }
                _ => {
                    *lock(&self.page) = (path, answer.text.clone());
                    return answer;
                }
            }
        }
        panic!("redirects without end at {path}");
    }
}

/// `application/x-www-form-urlencoded`.
fn encoded(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        text.bytes().fold(String::new(), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || b"-_.*".contains(&byte) {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
            out
        })
    };
    let pairs: Vec<String> = fields.iter().map(|(n, v)| format!("{}={}", escape(n), escape(v))).collect();
    pairs.join("&")
}

/// The inside of the form with that action.
fn form_of<'p>(page: &'p str, action: &str) -> Option<&'p str> {
    page.split("<form").skip(1).find_map(|rest| {
        let (tag, inside) = rest.split_once('>')?;
        (attribute(tag, "action").as_deref() == Some(action))
            .then(|| inside.split_once("</form>").map_or(inside, |(inside, _)| inside))
    })
}

/// Names and values of the hidden inputs of a piece of HTML.
fn hidden_fields(html: &str) -> Vec<(String, String)> {
    html.split("<input")
        .skip(1)
        .filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag))
        .filter(|tag| attribute(tag, "type").as_deref() == Some("hidden"))
        .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default())))
        .collect()
}

/// An attribute in double quotes, as maud writes them.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split_once(&format!(" {name}=\""))?.1;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<form action="/theme" method="post"><input type="hidden" name="csrf" value="a"></form>
<form method="post" action="/sign-in" class="fields"><input type="hidden" name="csrf" value="t&amp;1">
<input type="email" name="email" value="x"><input type="hidden" name="next" value="/w?a=1&amp;b=&quot;"></form>"#;

    #[test]
    fn the_right_form_with_its_hidden_fields() {
        let fields = hidden_fields(form_of(PAGE, "/sign-in").unwrap_or_default());
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(fields, [pair("csrf", "t&1"), pair("next", "/w?a=1&b=\"")]);
        assert_eq!(form_of(PAGE, "/sign"), None);
        assert_eq!(encoded(&[("a b", "ü&="), ("c", "1")]), "a%20b=%C3%BC%26%3D&c=1");
    }
}

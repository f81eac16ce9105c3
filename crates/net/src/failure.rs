//! Why a request did not end with an answer: a stable class for programs, a sentence for people.

/// A failed request. Details are fit for the person who chose the URL: no path, no query, no address that a resolver
/// gave, nothing of the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Failure {
    /// One of the names in [`class`].
    pub class: &'static str,
    /// One sentence, lower case, at most a few hundred characters.
    pub detail: String,
}

/// The stable names that [`Failure::class`] and [`crate::AttemptError`] take.
pub mod class {
    /// The URL policy refused the destination.
    pub const URL_BLOCKED: &str = "url_blocked";
    /// The request itself cannot be sent: a header that is not one, or one that belongs to the client.
    pub const REQUEST_INVALID: &str = "request_invalid";
    /// The host name does not exist or has no address.
    pub const DNS_NOT_FOUND: &str = "dns_not_found";
    /// The resolver could not say.
    pub const DNS_FAILED: &str = "dns_failed";
    /// No address accepted a connection.
    pub const CONNECT_FAILED: &str = "connect_failed";
    /// No common TLS version or cipher, or something that is not TLS.
    pub const TLS_FAILED: &str = "tls_failed";
    /// The certificate is self-signed, expired, for another name, or otherwise not to be trusted.
    pub const CERTIFICATE_INVALID: &str = "certificate_invalid";
    /// Time ran out while asking DNS.
    pub const TIMEOUT_DNS: &str = "timeout_dns";
    /// Time ran out while connecting.
    pub const TIMEOUT_CONNECT: &str = "timeout_connect";
    /// Time ran out in the TLS handshake.
    pub const TIMEOUT_TLS: &str = "timeout_tls";
    /// Time ran out while sending or while waiting for the head of the response.
    pub const TIMEOUT_RESPONSE: &str = "timeout_response";
    /// Time ran out while reading the body.
    pub const TIMEOUT_BODY: &str = "timeout_body";
    /// The connection ended before the response did.
    pub const CONNECTION_LOST: &str = "connection_lost";
    /// What came is not an HTTP/1.1 response.
    pub const RESPONSE_INVALID: &str = "response_invalid";
    /// The head or the body of the response is over its budget.
    pub const RESPONSE_TOO_LARGE: &str = "response_too_large";
    /// The response points elsewhere; it is never followed.
    pub const REDIRECT_REFUSED: &str = "redirect_refused";
}

/// Longest detail, characters: some libraries quote what the other side sent.
const MAX_DETAIL: usize = 300;

impl Failure {
    pub(crate) fn new(class: &'static str, detail: impl std::fmt::Display) -> Self {
        let mut detail = detail.to_string();
        if let Some((end, _)) = detail.char_indices().nth(MAX_DETAIL) {
            detail.truncate(end);
        }
        Self { class, detail }
    }

    /// What hyper met after a connection was up.
    pub(crate) fn from_hyper(error: &hyper::Error) -> Self {
        if error.is_parse_too_large() {
            Self::new(class::RESPONSE_TOO_LARGE, "the head of the response is too large")
        } else if error.is_parse() {
            Self::new(class::RESPONSE_INVALID, "the response is not valid HTTP/1.1")
        } else {
            Self::new(class::CONNECTION_LOST, "the connection ended before the response was complete")
        }
    }

    /// What a TLS handshake ended with.
    pub(crate) fn from_tls(error: &std::io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
                Self::new(class::CERTIFICATE_INVALID, error)
            }
            _ => Self::new(class::TLS_FAILED, format_args!("tls handshake failed: {error}")),
        }
    }
}

/// How far a request has come; decides which time-out it is, and what is known when time runs out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    #[default]
    Dns,
    Connect,
    Tls,
    Response,
    Body,
}

impl Stage {
    pub(crate) fn timed_out(self) -> Failure {
        let (class, what) = match self {
            Self::Dns => (class::TIMEOUT_DNS, "asking DNS"),
            Self::Connect => (class::TIMEOUT_CONNECT, "connecting"),
            Self::Tls => (class::TIMEOUT_TLS, "in the TLS handshake"),
            Self::Response => (class::TIMEOUT_RESPONSE, "waiting for the response"),
            Self::Body => (class::TIMEOUT_BODY, "reading the response"),
        };
        Failure::new(class, format_args!("time ran out while {what}"))
    }

    /// Whether bytes of the request may have left.
    pub(crate) const fn may_have_sent(self) -> bool {
        matches!(self, Self::Response | Self::Body)
    }
}

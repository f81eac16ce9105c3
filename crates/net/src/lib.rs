//! The one way out: address policy, pinned DNS answers, budgets, no redirects.
//!
//! Gatepost calls two kinds of destinations, each with its own client, and hands mail to one server:
//!
//! | client | who chose the destination | address policy |
//! |---|---|---|
//! | [`SafeClient`] | a customer (webhook endpoints, identity providers) | [`UrlPolicy`], at every attempt |
//! | [`TrustedClient`] | the operator's configuration (Meta's base URL, the simulated Meta) | none |
//! | [`Mailer`] | the operator's configuration (the mail server) | none; SMTP |
//!
//! Both stand on the same few parts: a [`Resolver`], a dialer that checks before and after it connects, TLS 1.2 or
//! later with checked certificates, an HTTP/1.1 exchange with budgets, and a pool of idle connections. What a client
//! for customers' URLs must not do (follow redirects, use a proxy of the environment, decompress, keep cookies,
//! send a referer) is not switched off here: it does not exist.
//!
//! [`url_check_line`] judges one JSON line by the same code that guards deliveries.

mod address;
mod body;
mod check_line;
mod client;
mod config;
mod connect;
mod download;
mod event_stream;
mod exchange;
mod failure;
mod fetch;
#[doc(hidden)]
pub mod fuzz;
mod mail;
mod multipart;
mod names;
mod policy;
mod pool;
mod ports;
mod resolver;
mod safe;
mod target;
mod tls;
mod trusted;
mod verdict;

pub use body::BodyStream;
pub use check_line::url_check_line;
pub use client::ClientError;
pub use config::{EgressConfig, Exception, ExceptionHost, InvalidException, Scheme};
pub use download::{Download, DownloadBudgets, Reach};
pub use event_stream::{EventStreamParser, Said, ServerEvent, TooLarge};
pub use failure::{Failure, class};
pub use fetch::{Fetched, SafeFetch};
pub use mail::{
    InvalidMailConfig, MailBudgets, MailConfig, MailError, MailFault, MailLetter, MailLogin, MailName,
    MailSecurity, MailStage, Mailer,
};
pub use multipart::Multipart;
pub use policy::UrlPolicy;
pub use resolver::{ResolveError, Resolver};
pub use safe::{Attempt, AttemptError, Budgets, Decision, SafeClient, SafeRequest};
pub use target::Target;
pub use tls::TlsRoots;
pub use trusted::{
    Method, SendError, TrustedBody, TrustedBudgets, TrustedClient, TrustedRequest, TrustedResponse,
};
pub use verdict::{Rule, Verdict};

/// `Gatepost/<version>`: what both clients say they are, unless told otherwise.
pub const USER_AGENT: &str = concat!("Gatepost/", env!("CARGO_PKG_VERSION"));

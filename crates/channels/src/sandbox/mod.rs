//! A simulated Meta: the Cloud API's contract over real sockets, with callbacks signed like Meta's.
//!
//! A test channel is a Cloud channel whose base URL points here; there is no second code path. The demo, the tests
//! and the benchmark run it in process, `gatepost sandbox` runs it alone.
//!
//! It holds messages of every kind, media, templates, numbers, accounts, subscriptions and tokens; its table of routes
//! says which paths there are. Public clients of the Cloud API work against it with only their base URL changed.
//!
//! Some numbers behave in a way of their own (see [`people`]); faults can be asked for ([`Fault`]); callbacks of every
//! field can be had on demand ([`SandboxHandle::emit`]); everything that was accepted can be looked at afterwards
//! ([`SandboxHandle::sends`]). Message ids come from a counter and a seed,
//! so a run can be repeated, and two runs that one gateway hears must have different seeds.
//!
//! Threat note. Defends against: being reached from elsewhere (loopback only, unless told otherwise), web pages
//! that call loopback (every way in, the control ways too, asks for a configured token), and growing without
//! bound (callbacks that wait, the log of sends and the contents of media are limited; a full house refuses like an
//! overloaded Meta). Does not defend against: whoever holds one of its tokens, who can have callbacks posted to any
//! address that answers the handshake; they are test credentials, do not use real ones.

mod accounts;
mod apps;
mod ascii;
mod call;
mod check;
mod config;
mod content;
mod control;
mod faults;
mod field_samples;
mod fields;
mod form;
mod handle;
mod interactive;
mod limits;
mod line;
mod media;
mod messages;
mod news;
mod numbers;
pub mod people;
mod postman;
mod profile;
mod quota;
mod registration;
mod render;
mod replies;
mod reply;
mod request;
mod routes;
mod server;
mod subscriptions;
mod template_rules;
mod template_send;
mod templates;
mod timer;
mod uploads;
mod wamid;
mod world;

pub use config::{
    CallbackPace, PairLimit, SandboxApp, SandboxConfig, SandboxLimits, SandboxNumber, SandboxRules,
    SandboxTimings, Window,
};
pub use faults::{Fault, Reach};
pub use field_samples::FIELDS;
pub use handle::{Observed, SandboxHandle, Say, VerifyError};
pub use server::{Sandbox, SandboxError};
pub use world::{Fate, SendRecord};

#[cfg(test)]
mod tests;

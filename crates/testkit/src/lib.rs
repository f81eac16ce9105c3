//! The whole of Gatepost in process, for tests: real router, real store on either engine, real Cloud client against a
//! simulated Meta over real sockets, a webhook receiver that verifies what it gets, and a clock that tests can move.
#![expect(clippy::expect_used, clippy::panic, reason = "a test kit: what does not work must fail the test")]

mod audit;
mod browser;
mod client;
mod clock;
mod dump;
mod factors;
mod fixtures;
pub mod idp;
mod listening;
mod live;
mod mail_server;
mod people;
mod received_mail;
mod receiver;
pub mod soft_passkey;
mod world;

pub use audit::export_lines;
pub use browser::Browser;
pub use client::{Answer, Client};
pub use clock::TestClock;
pub use dump::{Dump, Place, hex, tables, workspace_tables};
pub use factors::ORIGIN;
pub use fixtures::Fixtures;
pub use listening::{Frame, Listening};
pub use live::{Live, MetaSide};
pub use mail_server::{MAIL_HOST, MailOffer, MailServer};
pub use people::{PASSWORD, Somebody};
pub use received_mail::ReceivedMail;
pub use receiver::{Received, Receiver};
pub use world::{Engines, Setup, Tenant, World, sandbox};

/// Tries until `check` gives something, for at most fifteen seconds.
///
/// # Panics
/// When the time is over; `what` says what was waited for.
pub async fn eventually<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let start = std::time::Instant::now();
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(start.elapsed() < std::time::Duration::from_mins(1), "waited too long for {what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

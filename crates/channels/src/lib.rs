//! The WhatsApp side: Meta's contract, the Cloud client, the simulated Meta.
//!
//! - [`graph`]: Meta's wire shapes; tolerant reading of callbacks, exact writing of sends.
//! - [`errors`]: what each of Meta's error codes asks of us and of the customer.
//! - [`cloud`]: the client of the Cloud API.
//! - [`sandbox`]: a simulated Meta over real sockets, for test channels, the demo, tests and the benchmark.

pub mod cloud;
pub mod errors;
pub mod graph;
pub mod sandbox;

#[cfg(test)]
mod testing;

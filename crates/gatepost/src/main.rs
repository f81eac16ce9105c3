//! Gatepost: a self-hosted, multi-tenant WhatsApp gateway.
//!
//! This binary reads the configuration, wires the crates together and is the command line.

mod answer;
mod api_client;
mod cli;
mod commands;
mod config;
mod environment;
mod event_source;
mod failure;
mod installation;
mod operator_client;
mod output;
mod server;
mod telemetry;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}

//! One file for each command.

pub mod audit;
mod audit_verify;
pub mod channel;
pub mod channel_cloud;
pub mod channel_number;
pub mod deliveries;
pub mod demo;
pub mod doctor;
pub mod documents;
pub mod endpoint;
pub mod events;
mod forward;
pub mod key;
pub mod listen;
pub mod media;
pub mod meta_app;
pub mod migrate;
pub mod mode;
pub mod moment;
pub mod replay;
pub mod sandbox;
pub mod send;
pub mod serve;
pub mod template;
pub mod url;
pub mod vault;
pub mod workspace;

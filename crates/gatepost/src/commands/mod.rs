//! One file for each command.

pub mod channel;
pub mod channel_cloud;
pub mod channel_number;
pub mod demo;
pub mod doctor;
pub mod documents;
pub mod endpoint;
pub mod endpoint_settings;
pub mod endpoint_test;
pub mod key;
pub mod listen;
pub mod media;
pub mod meta_app;
pub mod migrate;
pub mod mode;
pub mod sandbox;
pub mod send;
pub mod serve;
pub mod template;
pub mod url;
pub mod vault;
pub mod workspace;

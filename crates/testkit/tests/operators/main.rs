//! Operators: their own listener, visits, what they set for workspaces, logs, roles.
#![expect(clippy::unwrap_used, reason = "tests")]

mod listener;
mod logs;
mod roles;
mod standing;
mod support;
mod visits;

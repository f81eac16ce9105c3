//! The delivery engine, end to end on both engines: the schedule, the circuit, disabling, order, fairness, and receivers
//! that mean harm.
#![expect(clippy::unwrap_used, clippy::cast_possible_wrap, reason = "tests")]

mod circuit;
mod disabling;
mod fairness;
mod harm;
mod order;
mod queue;
mod schedule;
mod support;

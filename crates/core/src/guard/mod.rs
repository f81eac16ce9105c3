//! The guard: the rules that decide whether an outbound message may go. Pure: what is asked is passed in.

pub mod risk;

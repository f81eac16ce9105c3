//! The benchmark of Gatepost and the ceilings it compares with.
fn main() {}

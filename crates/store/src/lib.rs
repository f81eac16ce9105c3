//! All SQL of Gatepost, on both engines.

//! The whole of Gatepost in process, for tests.

//! A person comes from a session that was verified alone.
use gatepost_core::access::{Person, SessionKind};

pub fn forge(user: gatepost_core::UserId, session: gatepost_core::SessionId, now: gatepost_core::Timestamp) -> Person {
    Person {
        user,
        session,
        kind: SessionKind::Console,
        proved_at: now,
        second_factor: true,
        provider: None,
        confined_to: None,
        operator: None,
    }
}

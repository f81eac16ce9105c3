//! An operator's grant comes from the operator at the socket, or a session, alone.
use gatepost_http::access::{Operator, operator_permission};

pub fn forge() -> Operator<operator_permission::VaultManage> {
    Operator { by: gatepost_core::access::OperatorIdentity::Local(0), request: None, client: None, permission: std::marker::PhantomData }
}

//! A grant comes from a principal alone.
use gatepost_http::access::{Grant, permission};

pub fn forge(other: Grant<permission::MessageRead>) -> Grant<permission::KeyManage> {
    Grant { principal: other.principal, permission: std::marker::PhantomData }
}

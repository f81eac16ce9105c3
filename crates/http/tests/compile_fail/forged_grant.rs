//! A grant comes from a principal alone.
use gatepost_http::access::{Grant, permission};

pub fn forge() -> Grant<permission::KeyManage> {
    Grant { principal: unreachable!(), request: None, client: None, permission: std::marker::PhantomData }
}

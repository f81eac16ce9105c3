//! Addresses of callers, and networks to compare them with.

use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

/// Where a request came from: the address of the caller itself, behind whatever proxies the operator named. A v4 address
/// that arrived in its v6 form (`::ffff:192.0.2.1`, RFC 4291, 2.5.5.2) is the v4 address, so that no rule can be got
/// around by the way it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientAddr(IpAddr);

impl ClientAddr {
    pub const fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    pub const fn ip(self) -> IpAddr {
        self.0
    }
}

impl From<IpAddr> for ClientAddr {
    fn from(address: IpAddr) -> Self {
        Self::new(address)
    }
}

impl fmt::Display for ClientAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for ClientAddr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

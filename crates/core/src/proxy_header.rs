//! The PROXY protocol, version 2 (haproxy.org, proxy-protocol.txt, section 2.2): what a TCP proxy says about the
//! connection that it passes on, in front of everything else.
//!
//! Threat note. Defends against: a header that two readers would read differently, or that makes us wait or store: it is
//! taken only from proxies that the operator named, whole, of known kind, of bounded length, and with parts that fill it
//! exactly. Whoever else sends one is refused as bad HTTP.
//! Does not defend against: a named proxy that lies.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What every header begins with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// The part of fixed length: signature, version and command, family and protocol, length of the rest.
pub const FIXED: usize = 16;
/// Longest rest that is taken: addresses of v6 (36), and extensions such as a TLS client's names.
pub const REST_MAX: usize = 2_048;

/// Why a header is refused; for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadHeader {
    /// Something else than a header of this version.
    Signature,
    Version,
    Command,
    /// Neither TCP over v4 nor over v6.
    Family,
    Length,
    /// An extension that reaches beyond the header.
    Extension,
}

impl std::fmt::Display for BadHeader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Signature => "not a PROXY header of version 2",
            Self::Version => "unknown version",
            Self::Command => "unknown command",
            Self::Family => "neither TCP over IPv4 nor over IPv6",
            Self::Length => "wrong length",
            Self::Extension => "an extension reaches beyond the header",
        })
    }
}

/// The fixed part of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    source: Source,
    /// Bytes that follow.
    pub rest: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The proxy speaks for itself, as in a health check.
    Itself,
    V4,
    V6,
}

/// Reads the fixed part.
pub fn head(bytes: &[u8; FIXED]) -> Result<Head, BadHeader> {
    let [signature @ .., command, family, high, low] = bytes;
    if *signature != SIGNATURE {
        return Err(BadHeader::Signature);
    }
    if command >> 4 != 2 {
        return Err(BadHeader::Version);
    }
    let source = match (command & 0x0f, family) {
        (0, _) | (1, 0x00) => Source::Itself,
        (1, 0x11) => Source::V4,
        (1, 0x21) => Source::V6,
        (1, _) => return Err(BadHeader::Family),
        _ => return Err(BadHeader::Command),
    };
    let rest = usize::from(u16::from_be_bytes([*high, *low]));
    let least = match source {
        Source::Itself => 0,
        Source::V4 => 12,
        Source::V6 => 36,
    };
    if rest < least || rest > REST_MAX { Err(BadHeader::Length) } else { Ok(Head { source, rest }) }
}

/// Reads what follows the fixed part: who called the proxy; `None` where it speaks for itself.
pub fn source(head: Head, rest: &[u8]) -> Result<Option<SocketAddr>, BadHeader> {
    if rest.len() != head.rest {
        return Err(BadHeader::Length);
    }
    // Source address, destination address, source port, destination port.
    let (address, after): (IpAddr, &[u8]) = match head.source {
        Source::Itself => return Ok(None),
        Source::V4 => {
            let (source, after) = rest.split_first_chunk::<4>().ok_or(BadHeader::Length)?;
            (Ipv4Addr::from(*source).into(), after.get(4..).ok_or(BadHeader::Length)?)
        }
        Source::V6 => {
            let (source, after) = rest.split_first_chunk::<16>().ok_or(BadHeader::Length)?;
            (Ipv6Addr::from(*source).into(), after.get(16..).ok_or(BadHeader::Length)?)
        }
    };
    let (port, after) = after.split_first_chunk::<2>().ok_or(BadHeader::Length)?;
    let (_, extensions) = after.split_first_chunk::<2>().ok_or(BadHeader::Length)?;
    check_extensions(extensions)?;
    Ok(Some(SocketAddr::new(address, u16::from_be_bytes(*port))))
}

/// Type, length, value, one after the other to the very end; none of them says anything that is used here.
fn check_extensions(mut rest: &[u8]) -> Result<(), BadHeader> {
    while !rest.is_empty() {
        let ([_, high, low], after) = rest.split_first_chunk::<3>().ok_or(BadHeader::Extension)?;
        rest = after.get(usize::from(u16::from_be_bytes([*high, *low]))..).ok_or(BadHeader::Extension)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut out = SIGNATURE.to_vec();
        out.extend([command, family]);
        out.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
        out.extend(rest);
        out
    }

    fn read(bytes: &[u8]) -> Result<Option<String>, BadHeader> {
        let (fixed, rest) = bytes.split_first_chunk::<FIXED>().ok_or(BadHeader::Length)?;
        source(head(fixed)?, rest).map(|found| found.map(|address| address.to_string()))
    }

    const V4: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0x1f, 0x90, 0, 80];

    fn v6() -> Vec<u8> {
        let (from, to): (Ipv6Addr, Ipv6Addr) = ("2001:db8::7".parse().unwrap(), "::1".parse().unwrap());
        [&from.octets()[..], &to.octets(), &[0x1f, 0x90, 0, 80]].concat()
    }

    #[test]
    fn who_called_the_proxy() {
        assert_eq!(read(&header(0x21, 0x11, &V4)), Ok(Some("192.0.2.7:8080".into())));
        assert_eq!(read(&header(0x21, 0x21, &v6())), Ok(Some("[2001:db8::7]:8080".into())));
        let with_extension = [&V4[..], &[0x02, 0, 3, b'a', b'b', b'c', 0x04, 0, 0]].concat();
        assert_eq!(read(&header(0x21, 0x11, &with_extension)), Ok(Some("192.0.2.7:8080".into())));
        for own in [header(0x20, 0x00, &[]), header(0x20, 0x11, &V4), header(0x21, 0x00, &[1, 2, 3])] {
            assert_eq!(read(&own), Ok(None), "the proxy speaks for itself");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let good = header(0x21, 0x11, &V4);
        let mut other = good.clone();
        other[3] ^= 1;
        for (bytes, why) in [
            (other, BadHeader::Signature),
            (header(0x11, 0x11, &V4), BadHeader::Version),
            (header(0x22, 0x11, &V4), BadHeader::Command),
            (header(0x21, 0x12, &V4), BadHeader::Family),
            (header(0x21, 0x31, &[0; 216]), BadHeader::Family),
            (header(0x21, 0x11, &V4[..11]), BadHeader::Length),
            (header(0x21, 0x21, &V4), BadHeader::Length),
            (header(0x21, 0x11, &[0; REST_MAX + 1]), BadHeader::Length),
            (header(0x21, 0x11, &[&V4[..], &[2, 0]].concat()), BadHeader::Extension),
            (header(0x21, 0x11, &[&V4[..], &[2, 0, 9, b'a']].concat()), BadHeader::Extension),
            (good[..20].to_vec(), BadHeader::Length),
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 8080 80\r\n".to_vec(), BadHeader::Signature),
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), BadHeader::Signature),
        ] {
            assert_eq!(read(&bytes), Err(why), "{bytes:?}");
        }
    }
}

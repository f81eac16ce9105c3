//! The URL policy against a corpus of hostile and benign URLs, and against the address space.

#![expect(clippy::unwrap_used, reason = "tests")]
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gatepost_net::{UrlPolicy, url_check_line};
use proptest::prelude::*;
use serde::Deserialize;

/// One JSON object a line: `url`, `answers` (the resolver's, optional), `expect` (`allow` or `deny`), `group`.
const CORPUS: &str = include_str!("urls.jsonl");

#[derive(Deserialize)]
struct Row {
    group: String,
    expect: String,
}

#[derive(Deserialize)]
struct Judged {
    verdict: String,
    rule: String,
}

#[test]
fn the_corpus_is_judged_as_expected() {
    let policy = UrlPolicy::default();
    let (mut hostile, mut benign, mut wrong) = (0, 0, Vec::new());
    for line in CORPUS.lines() {
        let row: Row = serde_json::from_str(line).unwrap();
        let judged: Judged = serde_json::from_str(&url_check_line(&policy, line)).unwrap();
        *(if row.expect == "deny" { &mut hostile } else { &mut benign }) += 1;
        if judged.verdict != row.expect {
            wrong.push(format!("{} [{}] by {}: {line}", row.group, judged.verdict, judged.rule));
        }
    }
    assert!(hostile >= 500 && benign >= 150, "the corpus shrank: {hostile} hostile, {benign} benign");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), hostile + benign, wrong.join("\n"));
}

/// A second reading of "not global", from the standard library's own predicates where they exist.
fn is_plainly_inside(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_unspecified()
        || a == 0
        || a >= 240
        || (a == 100 && b & 0xc0 == 64)
        || (a == 198 && b & 0xfe == 18)
}

/// Every IPv6 form that carries `v4`.
fn disguises(v4: Ipv4Addr, free: u64) -> Vec<Ipv6Addr> {
    let v = u128::from(u32::from(v4));
    let [f0, f1, f2, f3] = [0, 16, 32, 48].map(|shift| u128::from(free >> shift & 0xffff));
    let prefix = 0x2a00_0000 << 96 | f0 << 80 | f1 << 64;
    [
        0xffff << 32 | v,
        v,
        0xffff_0000 << 32 | v,
        0x0064_ff9b << 96 | v,
        0x0064_ff9b_0001 << 80 | f2 << 32 | v,
        0x2002 << 112 | v << 80 | f0 << 64 | f1 << 32 | f3,
        0x2001_0000 << 96 | f0 << 64 | f1 << 32 | (v ^ 0xffff_ffff),
        0x2001_0000 << 96 | v << 64 | f2,
        prefix | 0x5efe << 32 | v,
        prefix | 0x0200_5efe << 32 | v,
    ]
    .map(Ipv6Addr::from)
    .to_vec()
}

fn verdict(ip: IpAddr) -> bool {
    let policy = UrlPolicy::default();
    let url = match ip {
        IpAddr::V4(v4) => format!("https://{v4}/"),
        IpAddr::V6(v6) => format!("https://[{v6}]/"),
    };
    let literal = policy.check_url(&url).allow;
    let target = policy.target("https://hooks.example.com/").unwrap();
    let answered = policy.check_answers(&target, &[ip]).allow;
    assert_eq!(literal, answered, "a literal and an answer are judged alike: {ip}");
    literal
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_inside_ipv4_passes(bits in any::<u32>()) {
        let ip = Ipv4Addr::from(bits);
        if is_plainly_inside(ip) {
            prop_assert!(!verdict(ip.into()), "{}", ip);
        }
    }

    #[test]
    fn no_disguised_ipv4_passes(bits in any::<u32>(), free in any::<u64>()) {
        for ip in disguises(Ipv4Addr::from(bits), free) {
            prop_assert!(!verdict(ip.into()), "{}", ip);
        }
    }

    #[test]
    fn nothing_outside_global_unicast_passes(bits in any::<u128>()) {
        let ip = Ipv6Addr::from(bits);
        if bits >> 125 != 1 {
            prop_assert!(!verdict(ip.into()), "{}", ip);
        }
    }

    #[test]
    fn ordinary_space_passes(bits in any::<u32>(), low in any::<u64>()) {
        let v4 = Ipv4Addr::from(bits % (0x09ff_ffff - 0x0100_0000) + 0x0100_0000);
        prop_assert!(verdict(v4.into()), "{}", v4);
        let v6 = Ipv6Addr::from(0x2a00_1450 << 96 | u128::from(low) >> 8);
        prop_assume!(v6.segments()[5] != 0x5efe);
        prop_assert!(verdict(v6.into()), "{}", v6);
    }

    #[test]
    fn any_text_is_judged_without_a_panic(text in "\\PC{0,80}", host in "[a-z0-9.:%@\\[\\]\\\\/x-]{0,40}") {
        let policy = UrlPolicy::default();
        let _ = url_check_line(&policy, &text);
        let _ = policy.check_url(&text);
        let _ = policy.check_url(&format!("https://{host}/"));
    }

    #[test]
    fn every_notation_of_an_inside_address_is_refused(
        bits in prop_oneof![
            Just(0x7f00_0001_u32), 0x0a00_0000..0x0aff_ffff_u32, 0xc0a8_0000..0xc0a8_ffff_u32, Just(0xa9fe_a9fe_u32)
        ],
        radix in proptest::array::uniform4(0..3_u8),
        parts in 1..=4_usize,
    ) {
        let [a, b, c, d] = bits.to_be_bytes().map(u32::from);
        let numbers = match parts {
            1 => vec![bits],
            2 => vec![a, bits & 0x00ff_ffff],
            3 => vec![a, b, bits & 0xffff],
            _ => vec![a, b, c, d],
        };
        let host: Vec<String> = numbers.iter().zip(radix).map(|(number, radix)| match radix {
            0 => format!("{number}"),
            1 => format!("0{number:o}"),
            _ => format!("0X{number:x}"),
        }).collect();
        let url = format!("https://{}/", host.join("."));
        prop_assert!(!UrlPolicy::default().check_url(&url).allow, "{}", url);
    }
}

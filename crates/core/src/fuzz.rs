//! The fuzz bodies of this crate's parsers: plain functions over any bytes, so that any fuzzer can drive them, and
//! proptest does with every test run. Each says what must hold of whatever comes; none may panic otherwise.

use std::net::IpAddr;

use crate::content::{Content, ContentKind};
use crate::guard::risk::{
    Acquaintance, Counters, ENCODED_MAX, Facts, Features, OwnNames, Quality, Tuning, Words, assess, sameness,
};
use crate::optout::{Classifier, Label, OwnKeyword, payload};
use crate::proxy_header::{self, FIXED};
use crate::verification::fraud::{
    End, FraudRules, Held, RECORD_MAX, Record, Subject, admit, country_of, ended, ranges,
};
use crate::verification::{spoken_code, without_digits};
use crate::{Bsuid, ClientAddr, Network, Origin, Phone, Recipient, Timestamp, json};

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// What parses as a phone number is E.164, reads the same again in both of its forms, and hides itself.
pub fn phone(bytes: &[u8]) {
    let Ok(phone) = Phone::parse(text(bytes)) else { return };
    let digits = phone.digits();
    assert!((7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()), "E.164");
    assert!(!digits.starts_with('0') && phone.as_e164().strip_prefix('+') == Some(digits), "E.164");
    for form in [phone.as_e164(), digits] {
        assert_eq!(Phone::parse(form).as_ref(), Ok(&phone), "another reading of {form}");
    }
    let (range, region) = ranges(&phone);
    assert!(digits.starts_with(range) && range.starts_with(region) && range.len() < digits.len(), "a range");
    assert!(country_of(&phone).is_none_or(|country| country.as_str().len() == 2), "two letters");
    let shown = format!("{phone:?}");
    assert!(shown.bytes().filter(u8::is_ascii_digit).count() <= 4, "{shown} shows too much");
}

/// What is read as a code that somebody sent is one of six or eight digits, and reads the same as we ask for it.
pub fn spoken(bytes: &[u8]) {
    let Some(spoken) = spoken_code(text(bytes)) else { return };
    let digits = spoken.code.digits();
    assert!(matches!(digits.len(), 6 | 8) && digits.bytes().all(|b| b.is_ascii_digit()), "six or eight");
    let asked = spoken_code(&format!("LOGIN {digits}"));
    let again = asked.as_ref().filter(|asked| asked.alone).map(|asked| asked.code.digits());
    assert_eq!(again, Some(digits), "another reading");
    let shown = without_digits(text(bytes));
    assert!(spoken_code(&shown).is_none() && !shown.contains(digits), "a code is shown");
}

/// A recipient is a phone number or a BSUID and never both, and reads the same again.
pub fn recipient(bytes: &[u8]) {
    let Ok(recipient) = Recipient::parse(text(bytes)) else { return };
    let written = match (recipient.phone(), recipient.bsuid()) {
        (Some(phone), None) => phone.as_e164(),
        (None, Some(bsuid)) => bsuid.as_str(),
        _ => unreachable!("a recipient is one of the two"),
    };
    assert_eq!(Recipient::parse(written).as_ref(), Ok(&recipient), "another reading of {written}");
    assert_eq!(Bsuid::parse(written).is_ok(), recipient.bsuid().is_some(), "{written} reads as both");
    assert!(!format!("{recipient:?}").contains(written), "{written} is shown");
}

/// The strict reader takes nothing that serde_json does not, refuses for another reason than syntax where serde_json does
/// take it, and points at where it stands.
pub fn json(bytes: &[u8]) {
    let theirs = serde_json::from_slice::<serde_json::Value>(bytes);
    let Err(error) = json::decode(bytes, |_| Some(())) else {
        assert!(theirs.is_ok(), "what no other reader takes");
        return;
    };
    let [fault] = error.field_errors() else { unreachable!("one reason, and at once") };
    assert!(fault.pointer.is_empty() || fault.pointer.starts_with('/'), "{} is no pointer", fault.pointer);
    let byte_order_mark = bytes.starts_with(b"\xef\xbb\xbf");
    assert!(fault.code != "syntax" || theirs.is_err() || byte_order_mark, "{}", fault.detail);
}

/// The first line names a kind; what follows is its object. What is taken is kept byte for byte and reads the same for
/// ever; what is refused is refused with reasons that say where.
pub fn content(bytes: &[u8]) {
    let Some((kind, object)) = text(bytes).split_once('\n') else { return };
    let Some(kind) = ContentKind::parse(kind) else { return };
    match Content::parse(kind, object) {
        Ok(content) => {
            assert_eq!(content.kind(), kind, "the kind");
            assert_eq!(content.object().get(), object.trim(), "the object was changed");
            // It is read again from the database, without a check.
            let stored = Content::stored(kind, content.object().to_owned());
            assert_eq!(stored.words(), content.words(), "the words");
            assert!(Content::parse(kind, stored.object().get()).is_ok(), "refused the second time");
            assert_eq!(kind == ContentKind::Reaction, content.reacts_to().is_some(), "what it is on");
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            for error in errors {
                assert!(!error.detail.is_empty() && !error.code.is_empty(), "a reason without words");
                assert!(
                    error.pointer.is_empty() || error.pointer.starts_with('/'),
                    "{} is no pointer",
                    error.pointer
                );
            }
        }
    }
}

/// What parses as a network reads the same again as it is shown, holds its own first address, and never holds callers of
/// the other family.
pub fn network(bytes: &[u8]) {
    let Ok(network) = Network::parse(text(bytes)) else { return };
    let shown = network.to_string();
    assert_eq!(Network::parse(&shown).as_ref(), Ok(&network), "another reading of {shown}");
    let first = shown.split('/').next().and_then(|address| address.parse::<IpAddr>().ok());
    let Some(first) = first else { unreachable!("{shown} begins with an address") };
    assert!(network.contains(ClientAddr::new(first)), "{shown} does not hold its own address");
    let stranger: IpAddr =
        if first.is_ipv4() { [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into() } else { [192, 0, 2, 1].into() };
    assert!(!network.contains(ClientAddr::new(stranger)), "{shown} holds {stranger}");
}

/// What parses as an origin is what browsers would send, byte for byte, over https unless it is this machine.
pub fn origin(bytes: &[u8]) {
    let written = text(bytes);
    let Ok(origin) = Origin::parse(written) else { return };
    assert_eq!(origin.as_str(), written, "another spelling passed");
    assert!(written.is_ascii() && !written.contains(['*', '@', ' ', ',', '?', '#', '\\']), "{written}");
    let rest = written.strip_prefix("https://").or_else(|| written.strip_prefix("http://"));
    assert!(rest.is_some_and(|rest| !rest.is_empty() && !rest.contains('/')), "{written}");
    let local = ["localhost", "127.", "[::1]"].iter().any(|own| written.contains(own));
    assert!(written.starts_with("https://") || local, "{written} crosses the network in the clear");
}

/// A PROXY header that is taken is taken whole, by what the specification says of each place.
pub fn proxy_header(bytes: &[u8]) {
    let Some((fixed, after)) = bytes.split_first_chunk::<FIXED>() else { return };
    let Ok(head) = proxy_header::head(fixed) else { return };
    assert!(fixed.starts_with(b"\r\n\r\n\0\r\nQUIT\n") && fixed[12] >> 4 == 2, "another kind");
    let Some(rest) = after.get(..head.rest) else { return };
    let cut = rest.get(1..).is_some_and(|cut| proxy_header::source(head, cut).is_ok());
    assert!(!cut, "a header that is too short");
    let Ok(Some(found)) = proxy_header::source(head, rest) else { return };
    let same = match found.ip() {
        IpAddr::V4(ip) => fixed[13] == 0x11 && rest.starts_with(&ip.octets()),
        IpAddr::V6(ip) => fixed[13] == 0x21 && rest.starts_with(&ip.octets()),
    };
    assert!(same && fixed[12] == 0x21, "an address that is not there");
}

/// Every text has a verdict, the same one each time and whatever stands around it; what decides has a name, and a word
/// that may be an own keyword is one.
pub fn optout(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let base = Classifier::default();
    let verdict = base.classify(&text);
    assert_eq!(base.classify(&text), verdict, "another verdict");
    assert_eq!(verdict.label == Label::Neither, verdict.rule.is_none(), "a decision without a rule");
    assert_eq!(verdict.language.is_some(), verdict.rule.is_some(), "a rule without a language");
    let _ = payload(&text);
    let Ok(own) = OwnKeyword::parse(&text, Label::OptOut) else { return };
    let found = Classifier::new(&[own]).classify(&text);
    assert!(matches!(found.label, Label::OptOut | Label::Review), "an own keyword is not known");
}

/// The words of a message are read in bounded numbers, the same each time; its first line is the workspace's name and
/// host.
pub fn risk_words(bytes: &[u8]) {
    let (name, words) = text(bytes).split_once('\n').unwrap_or(("", text(bytes)));
    let own = OwnNames::new(&[name], &[name]);
    let words = Words { texts: &[words], urls: &[words] };
    let features = Features::of(words, &own);
    assert_eq!(Features::of(words, &own), features, "another reading");
    assert!(features.look_alike <= 100 && features.secrets_asked <= 8, "{features:?}");
    assert!(features.shortened.max(features.raw_hosts) <= features.links, "{features:?}");
    assert!(!features.secret_entry || features.links > 0, "{features:?}");
    let form = sameness(words.texts);
    assert!(form.is_none_or(|form| !form.contains(['\n', '\t', '\u{200b}'])), "signs are left");
}

/// Counters that decode are the same when they are written again, as short as they may be, and can be gone on with at any
/// time; the first eight bytes are the time.
pub fn risk_counters(bytes: &[u8]) {
    let Some((time, row)) = bytes.split_first_chunk() else { return };
    let now = Timestamp::from_micros(i64::from_le_bytes(*time));
    let Ok(mut counters) = Counters::decode(row) else { return };
    assert_eq!(counters.encode(), row, "another spelling passed");
    let facts = Facts {
        acquaintance: Acquaintance::New,
        reviewed: false,
        quality: Quality::Red,
        channel_days: 0,
        test_channel: false,
        digest: Some(*time),
    };
    let features = Features::default();
    let before = assess(&features, &counters, &facts, &Tuning::default(), now);
    counters.sent(&facts, &features, now);
    counters.failed(131_048, now);
    let after = assess(&features, &counters, &facts, &Tuning::default(), now);
    assert!(before.score <= 100 && after.score <= 100, "{before:?} {after:?}");
    let written = counters.encode();
    assert!(written.len() <= ENCODED_MAX, "{} bytes", written.len());
    assert_eq!(Counters::decode(&written).as_ref(), Ok(&counters), "not read again");
}

/// A time (eight bytes, seconds), then what is remembered of verifications as a row holds it. What reads is written the same
/// way, and stays readable and bounded whatever is asked of it.
pub fn verification_record(bytes: &[u8]) {
    let Some((time, row)) = bytes.split_first_chunk::<8>() else { return };
    let now = Timestamp::from_seconds(i64::from_le_bytes(*time).rem_euclid(200_000_000_000));
    let Ok(record) = Record::decode(row) else { return };
    assert_eq!(record.encode(), row, "another spelling passed");
    let rules = FraudRules::default();
    for subject in Subject::ALL {
        let mut held = [Held { subject, record: record.clone() }];
        if let Err(refusal) = admit(&mut held, &rules, now) {
            assert_eq!(held[0].record, record, "what is refused is not counted");
            assert!(refusal.wait.is_some(), "{refusal:?}");
        }
        ended(&mut held, &rules, End::NotApproved, now);
        let written = held[0].record.encode();
        assert!(written.len() <= RECORD_MAX, "{} bytes", written.len());
        assert_eq!(Record::decode(&written).as_ref(), Ok(&held[0].record), "not read again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn phones(bytes: Vec<u8>, like in "[+0-9 ().-]{0,24}") {
            phone(&bytes);
            phone(like.as_bytes());
        }

        #[test]
        fn networks(bytes: Vec<u8>, like in "[0-9a-f:.]{0,20}(/[0-9]{1,3})?", address: u128, bits in 0_u8..=129) {
            network(&bytes);
            network(like.as_bytes());
            let shift = 128_u32.saturating_sub(u32::from(bits));
            let base = address.checked_shr(shift).unwrap_or(0).checked_shl(shift).unwrap_or(0);
            network(format!("{}/{bits}", std::net::Ipv6Addr::from(base)).as_bytes());
        }

        #[test]
        fn origins(bytes: Vec<u8>, like in "https?://[a-zA-Z0-9.:\\[\\]@/?#*-]{0,30}") {
            origin(&bytes);
            origin(like.as_bytes());
        }

        #[test]
        fn proxy_headers(
            bytes: Vec<u8>,
            command in 0x1f_u8..0x23,
            family in prop::sample::select(vec![0_u8, 0x11, 0x12, 0x21, 0x31]),
            rest in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            proxy_header(&bytes);
            let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
            header.extend([command, family, 0, u8::try_from(rest.len()).unwrap_or_default()]);
            header.extend(&rest);
            proxy_header(&header);
        }

        #[test]
        fn recipients(bytes: Vec<u8>, like in "[A-Z+ ]{0,3}[.]?(ENT[.])?[0-9A-Za-z]{0,40}") {
            recipient(&bytes);
            recipient(like.as_bytes());
        }

        #[test]
        fn spoken_codes(bytes: Vec<u8>, like in "(LOGIN|login|ＬＯＧＩＮ|[0-9٠-٩]{1,8}|[ :*\\-]|🙏|[a-z]{1,5}){0,10}") {
            spoken(&bytes);
            spoken(like.as_bytes());
        }

        #[test]
        fn risk_texts(
            bytes: Vec<u8>,
            any in "\\PC{0,80}",
            like in "(https?://|www\\.|send me |your |password|otp |не |发给我|密码|[a-zа-яα-ω]{1,6}|paypal|\\.com|[.@/:-]| |\n){0,20}",
        ) {
            risk_words(&bytes);
            risk_words(any.as_bytes());
            risk_words(like.as_bytes());
        }

        #[test]
        fn risk_rows(bytes: Vec<u8>, time: i64, numbers in prop::collection::vec(0_u8..3, 214..230)) {
            risk_counters(&bytes);
            let like = [&time.to_le_bytes()[..], &[1], &numbers].concat();
            risk_counters(&like);
            // An empty row that is changed in one place.
            for (at, byte) in numbers.iter().enumerate() {
                let mut row = [&time.to_le_bytes()[..], &Counters::new(Timestamp::from_seconds(time % 1_000_000)).encode()].concat();
                if let Some(place) = row.get_mut(at) {
                    *place = place.wrapping_add(*byte);
                }
                risk_counters(&row);
            }
        }

        #[test]
        fn verification_rows(bytes: Vec<u8>, time: i64, numbers in prop::collection::vec(0_u8..4, 6..40)) {
            verification_record(&bytes);
            let time = &time.to_le_bytes()[..];
            verification_record(&[time, &[1], &numbers].concat());
            // One that is changed in one place.
            for (at, byte) in numbers.iter().enumerate() {
                let mut held = [Held { subject: Subject::Phone, record: Record::new(Timestamp::from_seconds(1_000_000)) }];
                let _ = admit(&mut held, &FraudRules::off(), Timestamp::from_seconds(1_000_100));
                let mut row = [time, &held[0].record.encode()].concat();
                if let Some(place) = row.get_mut(at) {
                    *place = place.wrapping_add(*byte);
                }
                verification_record(&row);
            }
        }

        #[test]
        fn jsons(bytes: Vec<u8>, like in "[\\[{]?(\"[a-z\\\\]{0,3}\":?,?|[0-9eE.-]{1,5},?|null|[\\[\\]{}]|\\PC){0,8}[\\]}]?") {
            super::json(&bytes);
            super::json(like.as_bytes());
        }

        #[test]
        fn contents(
            bytes: Vec<u8>,
            kind in prop::sample::select(ContentKind::ALL.to_vec()),
            name in prop::sample::select(vec!["body", "id", "link", "caption", "name", "type", "action", "emoji"]),
            value in "\\PC{0,40}",
            number: f64,
        ) {
            content(&bytes);
            let object = serde_json::json!({name: value, "latitude": number, "n": {name: [value, number]}});
            content(format!("{kind}\n{object}").as_bytes());
            content(format!("{kind}\n{value}").as_bytes());
        }
    }
}

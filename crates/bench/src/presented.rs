//! Keys that are wrong in one place, with a checksum that is right: what a guesser would present.

/// Characters of a key before its secret, and of the secret (see `gatepost_vault::ApiKeyToken`).
const SECRET: std::ops::Range<usize> = 30..73;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The key with another first character of the secret; `None` for what is no key.
pub fn changed_first(key: &str) -> Option<String> {
    changed(key, SECRET.start)
}

/// The key with another last character of the secret; `None` for what is no key.
pub fn changed_last(key: &str) -> Option<String> {
    changed(key, SECRET.end - 1)
}

fn changed(key: &str, at: usize) -> Option<String> {
    let mut text = key.as_bytes().get(..SECRET.end)?.to_vec();
    // A smaller digit, so that the secret stays within 256 bits.
    let digit = text.get_mut(at)?;
    *digit = if *digit == b'0' { b'1' } else { b'0' };
    let mut checksum = crc32(&text);
    let mut digits = [b'0'; 6];
    for slot in digits.iter_mut().rev() {
        *slot = *DIGITS.get((checksum % 62) as usize)?;
        checksum /= 62;
    }
    text.push(b'_');
    text.extend_from_slice(&digits);
    String::from_utf8(text).ok()
}

/// CRC-32 (IEEE 802.3), bit by bit: it is needed a handful of times.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use gatepost_core::channel::Mode;
    use gatepost_core::{ApiKeyId, Timestamp};
    use gatepost_vault::{ApiKeyToken, SystemEntropy};

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn changed_keys_still_look_like_keys() {
        let id = ApiKeyId::new(Timestamp::from_micros(1), &SystemEntropy);
        let (token, digest) = ApiKeyToken::generate(Mode::Live, id, &SystemEntropy);
        for changed in [changed_first(token.expose()).unwrap(), changed_last(token.expose()).unwrap()] {
            let read = ApiKeyToken::parse(&changed).unwrap();
            assert!(read.key_id == id && read.digest != digest);
        }
        assert_eq!(changed_first("gp_live_short"), None);
    }
}

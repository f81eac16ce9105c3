//! The fuzz body of callback reading: a plain function, so that any fuzzer can drive it.

use super::{Part, envelope, split};

/// Reads any bytes as a callback and checks what must hold of all: nothing panics, no part is without items, and
/// cutting and joining change nothing.
pub fn fuzz_callback(bytes: &[u8]) {
    let Ok(parts) = split(bytes) else { return };
    assert!(!parts.is_empty(), "a body without news");
    let joined = envelope(&parts);
    let again = split(&joined).unwrap_or_default();
    assert_eq!(parts.len(), again.len(), "joining changed the number of parts");
    for (part, same) in parts.iter().zip(&again) {
        assert_eq!(facts(part), facts(same), "joining changed a part");
        let items = part.items();
        assert!(!items.is_empty(), "a part without items");
        for (item, same) in items.iter().zip(&same.items()) {
            assert_eq!(item.identity(), same.identity(), "joining changed an identity");
            assert!(!format!("{item:?}").is_empty());
        }
    }
}

fn facts<'p>(part: &'p Part<'_>) -> (Option<&'p str>, Option<&'p str>, &'p str, &'p str) {
    (part.waba_id.as_deref(), part.phone_number_id.as_deref(), &part.field, part.raw)
}

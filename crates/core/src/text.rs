//! Short texts that people choose: names and descriptions.

use unicode_normalization::UnicodeNormalization;

/// Why a text was refused; a sentence for the caller.
pub type InvalidText = String;

/// True for characters that no name may hold: control characters (NUL among them, which PostgreSQL cannot store) and
/// the bidirectional overrides that make one text look like another (Unicode Technical Report 36).
pub fn is_forbidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A name for people: NFC, trimmed, 1 to `max` characters, one line, nothing invisible in it.
pub fn name(text: &str, max: usize) -> Result<String, InvalidText> {
    let clean: String = text.trim().nfc().collect();
    let count = clean.chars().count();
    if count == 0 || count > max {
        return Err(format!("expected 1 to {max} characters"));
    }
    if clean.chars().any(is_forbidden) {
        return Err("control and direction-changing characters are not allowed".to_owned());
    }
    Ok(clean)
}

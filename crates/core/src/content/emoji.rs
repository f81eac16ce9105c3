//! Whether a text is one emoji, as WhatsApp counts it: one sign, however many code points draw it.
//!
//! The grammar is that of Unicode Technical Standard 51, section 1.4.9 (`emoji_sequence` and its ZWJ sequences), over
//! the code points of `Extended_Pictographic`. Those reserve room for emoji to come, so a new one needs no new table.

const ZWJ: char = '\u{200d}';
const EMOJI_STYLE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';
/// Longest sequence, in code points. The longest in use (a family, or a flag of tags) stay below a dozen.
const CODE_POINTS_MAX: usize = 24;

/// `Extended_Pictographic` of emoji-data.txt, joined where only unassigned code points lie between.
const PICTOGRAPHIC: [(u32, u32); 57] = [
    (0x00a9, 0x00a9),
    (0x00ae, 0x00ae),
    (0x203c, 0x203c),
    (0x2049, 0x2049),
    (0x2122, 0x2122),
    (0x2139, 0x2139),
    (0x2194, 0x2199),
    (0x21a9, 0x21aa),
    (0x231a, 0x231b),
    (0x2328, 0x2328),
    (0x23cf, 0x23cf),
    (0x23e9, 0x23f3),
    (0x23f8, 0x23fa),
    (0x24c2, 0x24c2),
    (0x25aa, 0x25ab),
    (0x25b6, 0x25b6),
    (0x25c0, 0x25c0),
    (0x25fb, 0x25fe),
    (0x2600, 0x2605),
    (0x2607, 0x2612),
    (0x2614, 0x2685),
    (0x2690, 0x2705),
    (0x2708, 0x2712),
    (0x2714, 0x2714),
    (0x2716, 0x2716),
    (0x271d, 0x271d),
    (0x2721, 0x2721),
    (0x2728, 0x2728),
    (0x2733, 0x2734),
    (0x2744, 0x2744),
    (0x2747, 0x2747),
    (0x274c, 0x274c),
    (0x274e, 0x274e),
    (0x2753, 0x2757),
    (0x2763, 0x2767),
    (0x2795, 0x2797),
    (0x27a1, 0x27a1),
    (0x27b0, 0x27b0),
    (0x27bf, 0x27bf),
    (0x2934, 0x2935),
    (0x2b05, 0x2b07),
    (0x2b1b, 0x2b1c),
    (0x2b50, 0x2b55),
    (0x3030, 0x3030),
    (0x303d, 0x303d),
    (0x3297, 0x3299),
    (0x1f000, 0x1f0ff),
    (0x1f10d, 0x1f10f),
    (0x1f12f, 0x1f12f),
    (0x1f16c, 0x1f171),
    (0x1f17e, 0x1f17f),
    (0x1f18e, 0x1f18e),
    (0x1f191, 0x1f19a),
    (0x1f1ad, 0x1f1e5),
    (0x1f201, 0x1f3fa),
    (0x1f400, 0x1faff),
    (0x1fc00, 0x1fffd),
];

fn is_pictographic(c: char) -> bool {
    let code = u32::from(c);
    PICTOGRAPHIC.iter().any(|(first, last)| (*first..=*last).contains(&code))
}

const fn is_regional_indicator(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

const fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

const fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0020}'..='\u{e007e}')
}

const TAG_END: char = '\u{e007f}';

/// Whether the whole text is one emoji.
pub(super) fn is_one_emoji(text: &str) -> bool {
    if text.len() > CODE_POINTS_MAX * 4 {
        return false;
    }
    let points: Vec<char> = text.chars().collect();
    let mut rest = points.as_slice();
    if points.len() > CODE_POINTS_MAX {
        return false;
    }
    loop {
        rest = match element(rest) {
            Some([]) => return true,
            Some([ZWJ, more @ ..]) => more,
            _ => return false,
        };
    }
}

/// What follows one element of a ZWJ sequence; nothing where the text does not begin with one.
fn element(points: &[char]) -> Option<&[char]> {
    match points {
        ['0'..='9' | '#' | '*', EMOJI_STYLE, KEYCAP, rest @ ..]
        | ['0'..='9' | '#' | '*', KEYCAP, rest @ ..] => Some(rest),
        [a, b, rest @ ..] if is_regional_indicator(*a) && is_regional_indicator(*b) => Some(rest),
        [base, rest @ ..] if is_pictographic(*base) || is_skin_tone(*base) => {
            let rest = match rest {
                [EMOJI_STYLE, rest @ ..] => rest,
                [tone, rest @ ..] if is_skin_tone(*tone) => rest,
                rest => rest,
            };
            let tags = rest.iter().take_while(|c| is_tag(**c)).count();
            match (tags, &rest[tags..]) {
                (0, rest) | (_, [TAG_END, rest @ ..]) => Some(rest),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_sign_however_it_is_drawn() {
        for good in [
            "👍",
            "👍🏽",
            "❤️",
            "❤",
            "😀",
            "🇩🇪",
            "1️⃣",
            "#⃣",
            "👨‍👩‍👧‍👦",
            "🏳️‍🌈",
            "👩🏾‍🚀",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "©️",
            "🫠",
            "‼️",
        ] {
            assert!(is_one_emoji(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "1",
            "👍👍",
            "👍 ",
            " 👍",
            "👍a",
            "\u{200d}",
            "👍\u{200d}",
            "\u{200d}👍",
            "\u{fe0f}",
            "🇩",
            "🇩🇪🇫🇷",
            "👍\u{e0067}",
            ":)",
            "\u{20e3}",
        ] {
            assert!(!is_one_emoji(bad), "{bad:?}");
        }
        let long = ["👍"; 13].join("\u{200d}");
        assert!(!is_one_emoji(&long), "a sequence without end");
        let family = ["👍"; 12].join("\u{200d}");
        assert!(is_one_emoji(&family));
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in any::<String>()) {
            if is_one_emoji(&text) {
                prop_assert!(!is_one_emoji(&text.repeat(2)) || text.ends_with(ZWJ));
            }
        }
    }
}

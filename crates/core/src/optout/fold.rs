//! What is the same letter: characters as they are compared, whoever's keyboard they come from.
//!
//! The base is NFKD (Unicode Standard Annex 15), which already undoes full width, mathematical alphabets, ligatures and
//! accents. Here is what it leaves apart though readers do not.

use std::borrow::Cow;

/// Marks and format characters that carry no letter: accents, vocalisation, joiners, selectors, direction marks.
pub(super) const fn is_dropped(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}'
        // Hebrew points, Arabic marks and the stretching tatweel
        | '\u{591}'..='\u{5bd}' | '\u{5bf}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{61c}' | '\u{640}'
        | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}'
        // Armenian stress and exclamation marks, which stand inside a word
        | '\u{559}'..='\u{55c}'
        // nasal signs and dots below of the Indic scripts, which people leave out
        | '\u{900}'..='\u{902}' | '\u{93c}' | '\u{981}' | '\u{9bc}' | '\u{a01}' | '\u{a02}' | '\u{a3c}' | '\u{a70}'
        | '\u{a71}' | '\u{a81}' | '\u{a82}' | '\u{abc}' | '\u{b01}' | '\u{b3c}' | '\u{cbc}'
        // Thai tone marks and the silencing mark
        | '\u{e47}'..='\u{e4c}' | '\u{ec8}'..='\u{ecb}'
        | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180e}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{20d0}'..='\u{20ff}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Marks that belong to the letter before them although Unicode does not call them alphabetic.
pub(super) const fn is_inner_mark(c: char) -> bool {
    matches!(
        c,
        '\u{94d}'
            | '\u{9cd}'
            | '\u{a4d}'
            | '\u{acd}'
            | '\u{b4d}'
            | '\u{bcd}'
            | '\u{c4d}'
            | '\u{ccd}'
            | '\u{d4d}'
            | '\u{dca}'
            | '\u{1039}'
            | '\u{103a}'
            | '\u{17d2}'
    )
}

/// Scripts whose words are not told apart by spaces, or not reliably: each character is a token of its own.
pub(super) const fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e01}'..='\u{e4e}' | '\u{e81}'..='\u{ece}' | '\u{1000}'..='\u{104f}' | '\u{1780}'..='\u{17d3}'
        | '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

/// Before normalising: the many apostrophes are one, and letters in dark squares and circles are letters (NFKD knows
/// the light ones only).
pub(super) fn raw(c: char) -> char {
    let letter = |first: char| {
        let place = u8::try_from(u32::from(c) - u32::from(first)).unwrap_or_default();
        char::from(b'a' + place)
    };
    match c {
        '’' | '‘' | 'ʻ' | 'ʼ' | 'ʹ' | '`' | '´' | '′' | '‛' | '׳' | '＇' | '՚' => '\'',
        '\u{1f150}'..='\u{1f169}' => letter('\u{1f150}'),
        '\u{1f170}'..='\u{1f189}' => letter('\u{1f170}'),
        _ => c,
    }
}

/// After normalising, in lower case: letters that are written either way.
pub(super) const fn letter(c: char) -> char {
    match c {
        'ı' => 'i',
        'ł' => 'l',
        'ø' => 'o',
        'đ' | 'ð' => 'd',
        'ς' => 'σ',
        // Arabic, Persian and Urdu: alef, yeh, kaf and heh in their local forms; hamza carriers lost theirs to NFKD
        'ى' | 'ی' | 'ې' | 'ے' => 'ي',
        'ک' => 'ك',
        'ة' | 'ہ' | 'ھ' | 'ە' => 'ه',
        'ٱ' => 'ا',
        // Ukrainian, Kazakh and Uzbek keyboards are not always at hand
        'ґ' | 'ғ' => 'г',
        'қ' => 'к',
        'ң' => 'н',
        'ү' | 'ұ' => 'у',
        'ө' => 'о',
        'ә' => 'а',
        'һ' | 'ҳ' => 'х',
        // Amharic letters of one sound
        'ሐ' | 'ኀ' => 'ሀ',
        'ሠ' => 'ሰ',
        'ዐ' | 'ኣ' | 'ዓ' => 'አ',
        'ፀ' => 'ጸ',
        _ => simplified(c),
    }
}

/// Two letters for one, where people write either.
pub(super) const fn pair(c: char) -> Option<(char, char)> {
    match c {
        'ß' => Some(('s', 's')),
        'æ' => Some(('a', 'e')),
        'œ' => Some(('o', 'e')),
        'þ' => Some(('t', 'h')),
        'њ' => Some(('н', 'ј')),
        'љ' => Some(('л', 'ј')),
        _ => None,
    }
}

/// Traditional characters that occur in the rules, as simplified ones; both sides are folded, so that one spelling of a
/// rule is enough.
const fn simplified(c: char) -> char {
    match c {
        '訂' => '订',
        '閱' | '閲' => '阅',
        '發' => '发',
        '這' => '这',
        '個' => '个',
        '們' => '们',
        '請' => '请',
        '謝' => '谢',
        '過' => '过',
        '時' => '时',
        '間' => '间',
        '電' => '电',
        '話' => '话',
        '號' => '号',
        '碼' => '码',
        '給' => '给',
        '從' => '从',
        '刪' => '删',
        '單' => '单',
        '傳' => '传',
        '訊' => '讯',
        '簡' => '简',
        '擾' => '扰',
        '騷' => '骚',
        '關' => '关',
        '閉' => '闭',
        '絕' => '绝',
        '願' => '愿',
        '對' => '对',
        '還' => '还',
        '會' => '会',
        '為' => '为',
        '麼' => '么',
        '樣' => '样',
        '來' => '来',
        '貨' => '货',
        '車' => '车',
        '紅' => '红',
        '運' => '运',
        '廣' => '广',
        '銷' => '销',
        '復' => '复',
        '開' => '开',
        '歡' => '欢',
        '夠' => '够',
        '煩' => '烦',
        '錯' => '错',
        '別' => '别',
        '聯' => '联',
        '絡' => '络',
        '繫' | '係' => '系',
        '滾' => '滚',
        '討' => '讨',
        '厭' => '厌',
        '離' => '离',
        '遠' => '远',
        '點' => '点',
        '沒' => '没',
        '興' => '兴',
        '務' => '务',
        '錄' => '录',
        '資' => '资',
        '戶' => '户',
        '將' => '将',
        '該' => '该',
        '嗎' => '吗',
        '應' => '应',
        '讓' => '让',
        '動' => '动',
        '優' => '优',
        '續' => '续',
        '繼' => '继',
        '飯' => '饭',
        '買' => '买',
        '賣' => '卖',
        '價' => '价',
        '現' => '现',
        '後' => '后',
        '裡' | '裏' => '里',
        '壞' => '坏',
        '誰' => '谁',
        '臺' => '台',
        '終' => '终',
        '結' => '结',
        '斷' => '断',
        '決' => '决',
        '總' => '总',
        '問' => '问',
        '題' => '题',
        '撥' => '拨',
        '觸' => '触',
        '書' => '书',
        '寫' => '写',
        '馬' => '马',
        '門' => '门',
        '見' => '见',
        '無' => '无',
        '經' => '经',
        '當' => '当',
        '權' => '权',
        '據' => '据',
        '數' => '数',
        '庫' => '库',
        '夾' => '夹',
        '變' => '变',
        '換' => '换',
        '處' => '处',
        '體' => '体',
        '認' => '认',
        '識' => '识',
        '說' => '说',
        '試' => '试',
        '詢' => '询',
        '課' => '课',
        '頻' => '频',
        '頁' => '页',
        '項' => '项',
        '須' => '须',
        '類' => '类',
        '網' => '网',
        '緊' => '紧',
        '線' => '线',
        '組' => '组',
        '細' => '细',
        '統' => '统',
        '絲' => '丝',
        '維' => '维',
        '幫' => '帮',
        '匯' => '汇',
        _ => c,
    }
}

/// Elided words before an apostrophe, with double letters written once: `l'envoi` is two words, `don't` is one.
pub(super) fn is_elision(token: &str) -> bool {
    const ELISIONS: &[&str] = &[
        "l", "d", "m", "n", "t", "s", "j", "c", "qu", "del", "nel", "al", "dal", "sul", "un", "quest",
        "jusqu", "lorsqu", "puisqu",
    ];
    ELISIONS.contains(&token)
}

/// Digits that stand for letters, as in `st0p`; nothing where there are no digits, or no letters beside them.
pub(super) fn digits_as_letters(key: &str) -> Option<String> {
    let digits = key.bytes().any(|b| b.is_ascii_digit());
    if !digits || !key.is_ascii() || !key.bytes().any(|b| b.is_ascii_lowercase()) {
        return None;
    }
    let letter = |c: char| match c {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        _ => c,
    };
    Some(key.chars().map(letter).collect())
}

const fn to_latin(c: char) -> Option<char> {
    Some(match c {
        'а' | 'α' => 'a',
        'в' | 'β' => 'b',
        'с' => 'c',
        'е' | 'ε' => 'e',
        'н' | 'η' => 'h',
        'і' | 'ι' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' | 'μ' => 'm',
        'ν' => 'v',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' => 'u',
        'х' | 'χ' => 'x',
        'у' => 'y',
        'ζ' => 'z',
        'a'..='z' => c,
        _ => return None,
    })
}

const fn to_cyrillic(c: char) -> Option<char> {
    Some(match c {
        'a' => 'а',
        'b' => 'в',
        'c' => 'с',
        'e' => 'е',
        'h' => 'н',
        'i' => 'і',
        'k' => 'к',
        'm' => 'м',
        'o' => 'о',
        'p' => 'р',
        't' => 'т',
        'x' => 'х',
        'y' => 'у',
        '\u{400}'..='\u{4ff}' => c,
        _ => return None,
    })
}

/// A word in letters of two scripts, in the one of them that can hold it whole; `ѕtoр` is `stop`, `CTOП` is `стоп`.
pub(super) fn one_script(token: &str) -> Cow<'_, str> {
    let latin = token.bytes().any(|b| b.is_ascii_lowercase());
    let other = token.chars().any(|c| matches!(c, '\u{370}'..='\u{4ff}'));
    if !(latin && other) {
        return Cow::Borrowed(token);
    }
    let through = |map: fn(char) -> Option<char>| token.chars().map(map).collect::<Option<String>>();
    through(to_latin).or_else(|| through(to_cyrillic)).map_or(Cow::Borrowed(token), Cow::Owned)
}

//! Media: which files WhatsApp carries, how large they may be, and what their first bytes must look like.
//!
//! Source: Meta, "Media" (supported types and sizes). The declared type is checked against the file's own first bytes,
//! so that no script goes out under an image's name: what does not look like what it says is refused.
//!
//! Does not defend against: a file that is valid as two types at once. What is handed back to callers is therefore
//! never shown inline (see the HTTP side).

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::text::is_forbidden;

/// How many of a file's first bytes are enough to judge it.
pub const HEAD_BYTES: usize = 1024;
/// Longest file name, in bytes; file systems take 255.
pub const FILE_NAME_MAX: usize = 240;
/// The largest file of any kind.
pub const BYTES_MAX: u64 = 100 * MB;

const KB: u64 = 1024;
const MB: u64 = 1024 * KB;

/// What a file is to WhatsApp; the names are those of message types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    Image,
    Audio,
    Video,
    Document,
    Sticker,
}

impl MediaKind {
    pub const ALL: [Self; 5] = [Self::Image, Self::Audio, Self::Video, Self::Document, Self::Sticker];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The forms of files that can be told apart by their first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Jpeg,
    Png,
    Webp,
    Aac,
    Amr,
    Mpeg,
    Ogg,
    Mp4,
    ThreeGp,
    Pdf,
    /// The container of Word, Excel and PowerPoint before 2007.
    Ole,
    /// The container of Word, Excel and PowerPoint since 2007.
    Zip,
    Text,
}

/// A type of file that WhatsApp carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaType(&'static Row);

#[derive(Debug, PartialEq, Eq)]
struct Row {
    name: &'static str,
    kind: MediaKind,
    form: Form,
    extension: &'static str,
}

const fn row(name: &'static str, kind: MediaKind, form: Form, extension: &'static str) -> Row {
    Row { name, kind, form, extension }
}

static TYPES: [Row; 19] = [
    row("image/jpeg", MediaKind::Image, Form::Jpeg, "jpg"),
    row("image/png", MediaKind::Image, Form::Png, "png"),
    row("image/webp", MediaKind::Sticker, Form::Webp, "webp"),
    row("audio/aac", MediaKind::Audio, Form::Aac, "aac"),
    row("audio/amr", MediaKind::Audio, Form::Amr, "amr"),
    row("audio/mpeg", MediaKind::Audio, Form::Mpeg, "mp3"),
    row("audio/mp4", MediaKind::Audio, Form::Mp4, "m4a"),
    row("audio/ogg", MediaKind::Audio, Form::Ogg, "ogg"),
    row("video/mp4", MediaKind::Video, Form::Mp4, "mp4"),
    row("video/3gpp", MediaKind::Video, Form::ThreeGp, "3gp"),
    row("application/pdf", MediaKind::Document, Form::Pdf, "pdf"),
    row("text/plain", MediaKind::Document, Form::Text, "txt"),
    row("application/msword", MediaKind::Document, Form::Ole, "doc"),
    row("application/vnd.ms-excel", MediaKind::Document, Form::Ole, "xls"),
    row("application/vnd.ms-powerpoint", MediaKind::Document, Form::Ole, "ppt"),
    row(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        MediaKind::Document,
        Form::Zip,
        "docx",
    ),
    row(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        MediaKind::Document,
        Form::Zip,
        "xlsx",
    ),
    row(
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        MediaKind::Document,
        Form::Zip,
        "pptx",
    ),
    // What some recorders call the same files.
    row("audio/opus", MediaKind::Audio, Form::Ogg, "opus"),
];

impl MediaType {
    /// Reads a MIME type; parameters such as `codecs=opus` are passed over.
    pub fn parse(text: &str) -> Option<Self> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        TYPES.iter().find(|row| row.name.eq_ignore_ascii_case(essence)).map(Self)
    }

    /// By a file name's extension, for callers that have a file and no type.
    pub fn of_file_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        let extension = if extension.eq_ignore_ascii_case("jpeg") { "jpg" } else { extension };
        TYPES.iter().find(|row| row.extension.eq_ignore_ascii_case(extension)).map(Self)
    }

    /// All types, as texts.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TYPES.iter().map(|row| row.name)
    }

    /// The MIME type without parameters.
    pub const fn as_str(self) -> &'static str {
        self.0.name
    }

    pub const fn kind(self) -> MediaKind {
        self.0.kind
    }

    /// The usual extension of a file name, without the dot.
    pub const fn extension(self) -> &'static str {
        self.0.extension
    }

    /// Largest file of this type in bytes, by its first bytes: a sticker that moves may be larger than one that
    /// does not.
    pub fn bytes_max(self, head: &[u8]) -> u64 {
        match self.0.kind {
            MediaKind::Image => 5 * MB,
            MediaKind::Audio | MediaKind::Video => 16 * MB,
            MediaKind::Document => BYTES_MAX,
            MediaKind::Sticker if moves(head) => 500 * KB,
            MediaKind::Sticker => 100 * KB,
        }
    }

    /// Whether a file that begins with `head` (its first [`HEAD_BYTES`], or all of it) can be of this type.
    pub fn fits(self, head: &[u8]) -> bool {
        self.0.form.fits(head)
    }
}

impl Form {
    fn fits(self, head: &[u8]) -> bool {
        let at = |offset: usize, bytes: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(bytes));
        match self {
            Self::Jpeg => at(0, b"\xff\xd8\xff"),
            Self::Png => at(0, b"\x89PNG\r\n\x1a\n"),
            Self::Webp => at(0, b"RIFF") && at(8, b"WEBPVP8"),
            // ADTS: twelve bits of synchronisation, layer 0; or ADIF (ISO/IEC 13818-7).
            Self::Aac => at(0, b"ADIF") || matches!(head, [0xff, second, ..] if second & 0xf6 == 0xf0),
            Self::Amr => at(0, b"#!AMR"),
            // A tag, or eleven bits of synchronisation and a layer that is not reserved (ISO/IEC 11172-3).
            Self::Mpeg => {
                at(0, b"ID3")
                    || matches!(head, [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x06 != 0)
            }
            // Meta takes Opus alone; its identification is the whole first page (RFC 7845, section 3).
            Self::Ogg => at(0, b"OggS") && at(28, b"OpusHead"),
            Self::Mp4 => at(4, b"ftyp") && !PICTURES.iter().any(|brand| at(8, brand.as_bytes())),
            Self::ThreeGp => at(4, b"ftyp3g"),
            Self::Pdf => at(0, b"%PDF-"),
            Self::Ole => at(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
            Self::Zip => at(0, b"PK\x03\x04"),
            // Any encoding of letters, but nothing that is known to be something else.
            Self::Text => {
                let known = TYPES.iter().map(|row| row.form).filter(|form| *form != Self::Text);
                !head.is_empty() && !head.contains(&0) && !known.into_iter().any(|form| form.fits(head))
            }
        }
    }
}

/// Brands of the container of MP4 that hold pictures, or films of another family (ISO/IEC 14496-12, registered brands).
const PICTURES: [&str; 9] = ["avif", "avis", "heic", "heix", "heim", "heis", "mif1", "msf1", "qt  "];

/// Whether a WebP picture is an animation: a flag of its extended header (RFC 9649, section 2.7).
fn moves(head: &[u8]) -> bool {
    head.get(12..16) == Some(b"VP8X") && head.get(20).is_some_and(|flags| flags & 2 != 0)
}

/// A file name that is nothing but a name, made of what somebody wrote: NFC, no folders, no control or
/// direction-changing characters, at most [`FILE_NAME_MAX`] bytes with the extension kept. `None` where nothing is
/// left.
pub fn file_name(text: &str) -> Option<String> {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.nfc().filter(|c| !is_forbidden(*c)).collect();
    let clean = clean.trim_matches(|c: char| c == '.' || c.is_whitespace());
    if clean.is_empty() {
        return None;
    }
    if clean.len() <= FILE_NAME_MAX {
        return Some(clean.to_owned());
    }
    let (stem, extension) = match clean.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 16 => (stem, format!(".{extension}")),
        _ => (clean, String::new()),
    };
    let mut end = (FILE_NAME_MAX - extension.len()).min(stem.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    Some(format!("{}{extension}", &stem[..end]))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn samples() -> Vec<(&'static str, Vec<u8>)> {
        let mut ogg = b"OggS\0\x02".to_vec();
        ogg.resize(28, 0);
        ogg.extend_from_slice(b"OpusHead\x01\x01");
        let mut vorbis = ogg.clone();
        vorbis[28..36].copy_from_slice(b"\x01vorbis\0");
        vec![
            ("image/jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF".to_vec()),
            ("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
            ("image/webp", b"RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0".to_vec()),
            ("audio/aac", b"\xff\xf1\x50\x80".to_vec()),
            ("audio/amr", b"#!AMR\n".to_vec()),
            ("audio/mpeg", b"ID3\x04\0".to_vec()),
            ("audio/mpeg", b"\xff\xfb\x90\x64".to_vec()),
            ("audio/mp4", b"\0\0\0\x20ftypM4A \0\0".to_vec()),
            ("audio/ogg", ogg),
            ("video/mp4", b"\0\0\0\x20ftypisom\0\0".to_vec()),
            ("video/3gpp", b"\0\0\0\x20ftyp3gp4\0\0".to_vec()),
            ("application/pdf", b"%PDF-1.7\n".to_vec()),
            ("text/plain", "Größen, Preise\r\n1\t2".into()),
            ("application/msword", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec()),
            (
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                b"PK\x03\x04".to_vec(),
            ),
            ("", vorbis),
            ("", b"\0\0\0\x20ftypheic\0\0".to_vec()),
            ("", b"GIF89a\0\0".to_vec()),
            ("", b"\x7fELF\0".to_vec()),
            ("", Vec::new()),
        ]
    }

    #[test]
    fn files_are_known_by_their_first_bytes() {
        for (name, head) in samples() {
            let fitting: Vec<&str> =
                MediaType::names().filter(|n| MediaType::parse(n).unwrap().fits(&head)).collect();
            assert_eq!(fitting.contains(&name), !name.is_empty(), "{name} {head:?}: {fitting:?}");
            // Types that share a form are the only others that fit.
            for other in fitting {
                let form = |name: &str| MediaType::parse(name).unwrap().0.form;
                let same =
                    form(other) == form(name) || (form(other), form(name)) == (Form::Mp4, Form::ThreeGp);
                assert!(same, "{name} taken for {other}");
            }
        }
        let html = b"<html><script>alert(1)</script>";
        let fitting: Vec<&str> =
            MediaType::names().filter(|n| MediaType::parse(n).unwrap().fits(html)).collect();
        assert_eq!(fitting, ["text/plain"], "markup is a text like any other");
    }

    #[test]
    fn types_and_sizes_are_metas() {
        let of = |name| MediaType::parse(name).unwrap();
        assert_eq!(of("Audio/OGG; codecs=opus").as_str(), "audio/ogg");
        for unknown in
            ["", "image/gif", "image/svg+xml", "text/html", "application/octet-stream", "image/jpegx"]
        {
            assert_eq!(MediaType::parse(unknown), None, "{unknown}");
        }
        assert_eq!(of("image/png").bytes_max(b""), 5_242_880);
        assert_eq!(of("video/mp4").bytes_max(b""), 16_777_216);
        assert_eq!(of("application/pdf").bytes_max(b""), 104_857_600);
        let mut sticker = b"RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0".to_vec();
        assert_eq!(of("image/webp").bytes_max(&sticker), 512_000);
        sticker[20] = 0x10;
        assert_eq!(of("image/webp").bytes_max(&sticker), 102_400);
        assert_eq!(MediaType::of_file_name("A.JPEG").unwrap().as_str(), "image/jpeg");
        assert_eq!(MediaType::of_file_name("a.tar.gz"), None);
        assert_eq!(MediaType::of_file_name("pdf"), None);
    }

    #[test]
    fn names_are_nothing_but_names() {
        let of = |text| file_name(text).unwrap_or_default();
        assert_eq!(of("Größen & Preise.pdf"), "Größen & Preise.pdf");
        assert_eq!(of("../../etc/passwd"), "passwd");
        assert_eq!(of("C:\\temp\\a.txt"), "a.txt");
        assert_eq!(of("a\r\nX-Evil: 1.pdf"), "aX-Evil: 1.pdf");
        assert_eq!(of("annexe\u{202e}fdp.exe"), "annexefdp.exe");
        assert_eq!(of(".htaccess"), "htaccess");
        for nothing in ["", "/", "..", " . ", "\0\u{1}"] {
            assert_eq!(file_name(nothing), None, "{nothing:?}");
        }
        let long = of(&format!("{}.pdf", "ü".repeat(400)));
        assert!(long.len() <= FILE_NAME_MAX && long.ends_with("ü.pdf"), "{long}");
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(text in "\\PC{0,300}") {
            if let Some(name) = file_name(&text) {
                prop_assert!(name.len() <= FILE_NAME_MAX && !name.contains(['/', '\\']));
                prop_assert!(!name.chars().any(is_forbidden));
            }
        }

        #[test]
        fn no_head_panics(head in proptest::collection::vec(any::<u8>(), 0..64)) {
            for name in MediaType::names() {
                let media = MediaType::parse(name).unwrap();
                let _ = (media.fits(&head), media.bytes_max(&head));
            }
        }
    }
}

//! QR codes, drawn here: what they hold goes to no other server.

use std::fmt::Write as _;

use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc};

/// Modules of quiet around the code, as ISO/IEC 18004 asks for.
const QUIET: i32 = 4;

/// `text` as a picture; nothing where it is too long for one. Dark on white in every theme: many cameras read no other.
pub fn qr(text: &str, label: &str) -> Markup {
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else {
        return html! {};
    };
    let size = code.size();
    let mut path = String::new();
    for y in 0..size {
        for x in (0..size).filter(|x| code.get_module(*x, y)) {
            // A String takes everything that is written to it.
            let _ = write!(path, "M{} {}h1v1h-1z", x + QUIET, y + QUIET);
        }
    }
    let whole = size + 2 * QUIET;
    html! {
        svg class="qr" viewBox={ "0 0 " (whole) " " (whole) } role="img" aria-label=(label) shape-rendering="crispEdges" {
            rect width=(whole) height=(whole) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_corners_and_its_quiet() {
        let picture = qr("otpauth://totp/Gatepost:ann@example.com?secret=GEZD", "QR code").into_string();
        for corner in ["M4 4h1v1h-1z", "M10 4h1v1h-1z", "M4 10h1v1h-1z"] {
            assert!(picture.contains(corner), "{corner}");
        }
        assert!(!picture.contains("M0 ") && !picture.contains("M3 "), "{picture}");
        assert!(!picture.contains("style") && picture.contains("role=\"img\""));
        assert_eq!(qr(&"x".repeat(5_000), "too long").into_string(), "");
    }
}

//! What pages load: styles, the script, icons, fonts. It is in the binary, so that nothing is fetched from elsewhere.
//!
//! A file's name carries the digest of its content, `/assets/app-3f…9a.css`: it may be kept for ever, and a new version
//! of Gatepost is seen at once. `assets/README.md` says where the drawings and fonts come from.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use gatepost_core::{Code, Error};
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use crate::access::{Public, get};
use crate::headers::Immutable;
use crate::path::FileName;
use crate::reply::Answer;
use crate::route::Route;
use crate::state::Doors;

/// A file that pages name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    Styles,
    Script,
    Icons,
    Favicon,
    Inter,
    Mono,
    /// The notices of what is not ours, which go wherever it goes.
    Licences,
}

struct Asset {
    file: File,
    /// The path, as pages name it.
    url: String,
    media_type: &'static str,
    body: Bytes,
}

/// In the order in which the layers are declared in the first.
const STYLES: [&str; 5] = [
    include_str!("assets/tokens.css"),
    include_str!("assets/base.css"),
    include_str!("assets/parts.css"),
    include_str!("assets/forms.css"),
    include_str!("assets/layout.css"),
];

const LICENCES: [&str; 3] = [
    include_str!("assets/licences/inter.txt"),
    include_str!("assets/licences/jetbrains-mono.txt"),
    include_str!("assets/licences/lucide.txt"),
];

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let inter = asset(File::Inter, "inter", "woff2", include_bytes!("assets/inter.woff2"));
    let mono = asset(File::Mono, "jetbrains-mono", "woff2", include_bytes!("assets/jetbrains-mono.woff2"));
    // The styles name the fonts, so their digest covers those too.
    let styles = STYLES.concat().replace("/assets/inter.woff2", &inter.url);
    let styles = styles.replace("/assets/jetbrains-mono.woff2", &mono.url);
    vec![
        asset(File::Styles, "app", "css", styles.as_bytes()),
        asset(File::Script, "app", "js", include_bytes!("assets/app.js")),
        asset(File::Icons, "icons", "svg", include_bytes!("assets/icons.svg")),
        asset(File::Favicon, "favicon", "svg", include_bytes!("assets/favicon.svg")),
        inter,
        mono,
        asset(File::Licences, "licences", "txt", LICENCES.join("\n\n").as_bytes()),
    ]
});

fn asset(file: File, name: &str, extension: &str, content: &[u8]) -> Asset {
    let digest = gatepost_app::sha256(content);
    let hash = super::hex(&digest[..8]);
    let media_type = match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        _ => "font/woff2",
    };
    Asset {
        file,
        url: format!("/assets/{name}-{hash}.{extension}"),
        media_type,
        body: Bytes::copy_from_slice(content),
    }
}

/// The path of a file.
pub fn url(file: File) -> &'static str {
    ASSETS.iter().find(|asset| asset.file == file).map_or("", |asset| &asset.url)
}

/// The paths of all files.
#[cfg(test)]
pub fn urls() -> impl Iterator<Item = &'static str> {
    ASSETS.iter().map(|asset| asset.url.as_str())
}

/// The files, as a route.
pub fn routes<A: Doors>() -> Vec<Route<A>> {
    vec![
        get("/assets/{file_name}", asset_get)
            .id("assetGet")
            .summary("Load a part of a page")
            .tag("Console")
            .in_console(),
    ]
}

async fn asset_get(_: Public, name: FileName) -> Answer {
    let known = ASSETS.iter().find(|asset| asset.url.strip_prefix("/assets/") == Some(name.as_str()));
    let asset = known.ok_or_else(|| Error::of(Code::NotFound))?;
    let mut response: Response = asset.body.clone().into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    response.extensions_mut().insert(Immutable);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_what_is_in_them() {
        let styles = ASSETS.iter().find(|asset| asset.file == File::Styles);
        let styles =
            styles.map(|asset| String::from_utf8_lossy(&asset.body).into_owned()).unwrap_or_default();
        for file in [File::Inter, File::Mono] {
            assert!(styles.contains(url(file)), "{file:?}");
        }
        assert!(
            !styles.contains("/assets/inter.woff2") && !styles.contains("http"),
            "nothing from elsewhere"
        );
        for asset in ASSETS.iter() {
            let stem = asset.url.rsplit_once('.').map_or("", |(stem, _)| stem);
            assert!(stem.rsplit_once('-').is_some_and(|(_, hash)| hash.len() == 16), "{}", asset.url);
        }
    }

    /// A layer that is named after the first declaration of their order would come last of all.
    #[test]
    fn every_layer_is_in_the_order() {
        let order = "@layer tokens, base, parts, forms, layout;";
        assert!(STYLES[0].contains(order));
        for (name, text) in ["tokens", "base", "parts", "forms", "layout"].iter().zip(STYLES) {
            assert!(text.contains(&format!("@layer {name} {{")), "{name}");
        }
    }
}

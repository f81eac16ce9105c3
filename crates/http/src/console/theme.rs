//! How pages are coloured: a form that everybody may send, signed in or not.

use axum::response::Response;

use super::cookies::{self, Theme};
use super::form::{Form, FormBody, Reader};
use super::layout::THEME_PATH;
use super::page;
use crate::access::{Public, form};
use crate::reply::Answer;
use crate::route::Route;
use crate::state::Doors;

struct ThemeAsk {
    theme: Theme,
    back: String,
}

impl FormBody for ThemeAsk {
    const FIELDS: &'static [&'static str] = &["theme", "back"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let theme = reader.parsed("theme", "Choose system, light or dark.", Theme::parse);
        let back = reader.exact("back");
        Some(Self { theme: theme?, back })
    }
}

pub fn routes<A: Doors>() -> Vec<Route<A>> {
    vec![form(THEME_PATH, theme_set).id("themeSetForm").summary("Choose light or dark for this browser")]
}

async fn theme_set(_: Public, form: Form<ThemeAsk>) -> Answer {
    // The buttons send nothing else; what is not one of them changes nothing.
    let mut response: Response =
        page::see(form.read.as_ref().map_or("/", |ask| ask.back.as_str()).to_owned());
    if let Some(ask) = form.read {
        cookies::set_theme(response.headers_mut(), ask.theme);
    }
    Ok(response)
}

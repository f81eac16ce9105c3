//! `/verify/{public_token}`: pages at which visitors of a site prove their number, for sites without a back-end form.
//!
//! Threat note. These pages are for strangers, perhaps in a frame of another site's page, and they take no cookie: nobody
//! is anybody here, so there is nothing that a forged request could borrow but the visitor's address. Defends against: a
//! form that another site lets a browser send (where it comes from is looked at, and the sealed visit that a first form
//! carries is good from one address alone; see `gatepost_app`'s pages), a page shown in a frame of a stranger
//! (`frame-ancestors` names the page's own, and nobody where it names none), a way to elsewhere (`form-action` names this
//! server and the origin of the visit's own way back), anything inline (the theme is a style sheet of its own, made of
//! parsed colours), requests without end (counted by address before anything is looked up).
//! Does not defend against: a site that shows a page of its own which only looks like this one.

mod document;
mod sending;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use gatepost_app::{App, OpenPage, PageVisit, is_page_token};
use gatepost_core::verification::{PageWord, VerificationCode};
use gatepost_core::{Code, Error, Phone, Result};
use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use maud::Markup;

use self::document::{Shown, Step, document, theme};
use self::sending::{Asked, Sending};
use crate::access::{Public, form, get, page};
use crate::console::page as pages;
use crate::headers::{Cacheable, Framed};
use crate::path::PublicToken;
use crate::problem;
use crate::query::{Query, QueryParameter};
use crate::reply::Answer;
use crate::route::Route;
use crate::session::From;

const PATH: &str = "/verify/{public_token}";
const THEME: &str = "/verify/{public_token}/theme.css";
/// For how many seconds a page's colours may be kept: a page never gets others.
const THEME_SECONDS: u32 = 24 * 3600;

const QUERY: [QueryParameter; 4] = [
    QueryParameter::text("return_url", "Where the visitor goes back to: one of the page's own.", ""),
    QueryParameter::text("state", "What the site wants back with the result, at most 500 bytes.", ""),
    QueryParameter::text("locale", "The visitor's language.", ""),
    QueryParameter::text("visit", "How far the visitor came; written by the page itself.", ""),
];

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(PATH, visit_page)
            .id("verifyVisitPage")
            .summary("Prove a number at a verification page")
            .query(&QUERY)
            .for_visitors(),
        form(PATH, visit_form)
            .id("verifyVisitForm")
            .summary("Send a number, or the code that came to it, to a verification page")
            .for_visitors(),
        get(THEME, visit_theme)
            .id("verifyVisitTheme")
            .summary("Load the colours of a verification page")
            .tag("Console")
            .for_visitors(),
    ]
}

/// What a visitor's browser says of languages, the dearest first.
fn languages(headers: &HeaderMap, named: Option<&str>) -> Vec<String> {
    let header = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut wanted: Vec<(u16, String)> = header
        .split(',')
        .take(20)
        .filter_map(|part| {
            let (language, weight) = part.split_once(";q=").unwrap_or((part, "1"));
            let language = language.trim();
            // Thousandths (RFC 9110, section 12.4.2).
            let weight: f32 = weight.trim().parse().ok().filter(|weight| (0.0..=1.0).contains(weight))?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
            let weight = (weight * 1_000.0) as u16;
            (weight > 0 && !language.is_empty()).then(|| (weight, language.to_owned()))
        })
        .collect();
    wanted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    named.map(str::to_owned).into_iter().chain(wanted.into_iter().map(|(_, language)| language)).collect()
}

/// A page that may be shown where its own says, and whose form leads where its visit does.
fn framed(page: &OpenPage, visit: &PageVisit, mut response: Response) -> Response {
    let ancestors = page.settings.frame_ancestors.iter().map(|origin| origin.as_str().to_owned());
    let leads_to = vec![visit.return_url.origin().as_str().to_owned()];
    response.extensions_mut().insert(Framed { ancestors: ancestors.collect(), leads_to });
    response
}

fn show(page: &OpenPage, visit: &PageVisit, status: StatusCode, token: &str, shown: &Shown<'_>) -> Answer {
    let document: Markup = document(page, visit, token, &page.seal(visit)?, shown);
    Ok(framed(page, visit, pages::with_status(status, document)))
}

/// 303 to an address of the site: it was parsed when the page was made, and chosen from the page's own.
fn leave(page: &OpenPage, visit: &PageVisit, url: &str) -> Answer {
    let location = HeaderValue::try_from(url).map_err(Error::internal)?;
    let response = (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response();
    let mut response = framed(page, visit, response);
    response.extensions_mut().insert(crate::headers::Page);
    Ok(response)
}

/// 303 to the same page, so that a reload sends nothing again.
fn onward(page: &OpenPage, visit: &PageVisit, token: &str) -> Answer {
    let path = format!("/verify/{token}?visit={}", page.seal(visit)?);
    let location = HeaderValue::try_from(path).map_err(Error::internal)?;
    let response = (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response();
    let mut response = framed(page, visit, response);
    response.extensions_mut().insert(crate::headers::Page);
    Ok(response)
}

async fn visit_page(
    _: Public,
    State(app): State<App>,
    token: PublicToken,
    From(caller): From,
    headers: HeaderMap,
    query: Query,
) -> Answer {
    let token = token.as_str();
    if !is_page_token(token) {
        // Links in e-mails were here before.
        return Ok(pages::see(format!("/confirm/{token}")));
    }
    let page = app.verification_page_open(token, caller.client).await?;
    let visit = query.get("visit").and_then(|visit| page.open(visit, app.now()));
    if let Some(visit) = &visit {
        let step = if visit.verification.is_some() { Step::Code } else { Step::Phone };
        return show(&page, visit, StatusCode::OK, token, &Shown::first(step));
    }
    let language = page.settings.language(languages(&headers, query.get("locale"))).to_owned();
    let state = query.get("state").map(str::to_owned);
    let visit = page.begin(query.get("return_url"), state, language, app.now())?;
    // Whoever comes with a visit that is over is told so.
    let error = query.get("visit").map(|_| PageWord::Over);
    show(&page, &visit, StatusCode::OK, token, &Shown { step: Step::Phone, error, typed: None })
}

async fn visit_form(
    _: Public,
    State(app): State<App>,
    token: PublicToken,
    From(caller): From,
    sending: Sending,
) -> Answer {
    let token = token.as_str();
    let page = app.verification_page_open(token, caller.client).await?;
    let Some(visit) = page.open(&sending.visit, app.now()) else {
        return Err(
            Error::new(Code::CsrfRefused, "this form is too old; open the page again from the site").into()
        );
    };
    match sending.asked {
        Asked::Start(typed) => start(&app, &page, visit, token, &typed).await,
        Asked::Check(code) => check(&app, &page, visit, token, code).await,
        Asked::Resend => resend(&app, &page, visit, token).await,
    }
}

/// What a visitor is told of a refusal, and with which status; what concerns the server itself is a page of its own.
fn told(error: Error) -> Result<(StatusCode, PageWord, Option<u64>)> {
    let status = problem::status_of(error.code());
    match error.code() {
        Code::InvalidCode => Ok((StatusCode::UNPROCESSABLE_ENTITY, PageWord::CodeWrong, None)),
        Code::CodeExpired
        | Code::CodeBlocked
        | Code::AlreadyApproved
        | Code::VerificationCancelled
        | Code::VerificationFailed
        | Code::VerificationNotPending
        | Code::ResendLimitReached => Ok((StatusCode::UNPROCESSABLE_ENTITY, PageWord::Over, None)),
        Code::RecipientInvalid => Ok((StatusCode::UNPROCESSABLE_ENTITY, PageWord::PhoneWrong, None)),
        // How much of a plan is used is not the visitor's affair.
        Code::QuotaExceeded => Ok((StatusCode::UNPROCESSABLE_ENTITY, PageWord::Failed, None)),
        _ if status == StatusCode::TOO_MANY_REQUESTS => {
            let wait = problem::retry_seconds(&error);
            Ok((status, PageWord::Later, wait))
        }
        _ if status.is_server_error() => Err(error),
        _ => Ok((StatusCode::UNPROCESSABLE_ENTITY, PageWord::Failed, None)),
    }
}

fn refused(
    page: &OpenPage,
    visit: &PageVisit,
    token: &str,
    error: Error,
    step: Step,
    typed: Option<&str>,
) -> Answer {
    let (status, word, wait) = told(error)?;
    // What is over begins again with the number.
    let (visit, step) = match word {
        PageWord::Over => (visit.clone().begun_anew(), Step::Phone),
        _ => (visit.clone(), step),
    };
    let mut response = show(page, &visit, status, token, &Shown { step, error: Some(word), typed })?;
    if let Some(seconds) = wait {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

async fn start(app: &App, page: &OpenPage, visit: PageVisit, token: &str, typed: &str) -> Answer {
    let visit = visit.begun_anew();
    let again = |word, status| {
        let shown = Shown { step: Step::Phone, error: Some(word), typed: Some(typed) };
        show(page, &page.here(&visit), status, token, &shown)
    };
    if !page.is_from_here(&visit) {
        // Another network, or another's form: it is shown again, and sent by whoever sees it.
        return again(PageWord::Later, StatusCode::CONFLICT);
    }
    let Ok(phone) = Phone::parse(typed) else {
        return again(PageWord::PhoneWrong, StatusCode::UNPROCESSABLE_ENTITY);
    };
    match app.verification_page_start(page, visit.clone(), phone).await {
        Ok(visit) => onward(page, &visit, token),
        Err(error) => refused(page, &visit, token, error, Step::Phone, Some(typed)),
    }
}

async fn check(
    app: &App,
    page: &OpenPage,
    visit: PageVisit,
    token: &str,
    code: Option<VerificationCode>,
) -> Answer {
    let Some(code) = code else {
        let shown = Shown { step: Step::Code, error: Some(PageWord::CodeWrong), typed: None };
        return show(page, &visit, StatusCode::UNPROCESSABLE_ENTITY, token, &shown);
    };
    match app.verification_page_check(page, &visit, code).await {
        Ok(url) => leave(page, &visit, &url),
        Err(error) => refused(page, &visit, token, error, Step::Code, None),
    }
}

async fn resend(app: &App, page: &OpenPage, visit: PageVisit, token: &str) -> Answer {
    let Some(id) = visit.verification else {
        return Err(Error::of(Code::NotFound).into());
    };
    match app.verification_page_resend(page, id).await {
        Ok(_) => onward(page, &visit, token),
        Err(error) => refused(page, &visit, token, error, Step::Code, None),
    }
}

async fn visit_theme(_: Public, State(app): State<App>, token: PublicToken, From(caller): From) -> Answer {
    let page = app.verification_page_open(token.as_str(), caller.client).await?;
    let mut response = theme(&page.settings).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    response.extensions_mut().insert(Cacheable(THEME_SECONDS));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dearest_language_first() {
        let mut headers = HeaderMap::new();
        headers
            .insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en;q=0.3, de-AT, fr;q=0.9, xx;q=0, yy;q=7"));
        assert_eq!(languages(&headers, None), ["de-AT", "fr", "en"]);
        assert_eq!(languages(&headers, Some("es"))[0], "es");
        assert!(languages(&HeaderMap::new(), None).is_empty());
    }
}

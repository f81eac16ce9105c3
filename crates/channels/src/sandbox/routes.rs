//! The one table of what there is, and the one way to it: token, proof, body, limit, fault, and then the handler.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::accounts::{self, Account};
use super::apps::{self, App};
use super::call::Call;
use super::control;
use super::faults::{Fault, Reach};
use super::media::{self, Media};
use super::reply::{Answer, GraphError};
use super::server::Gate;
use super::templates::{self, TemplateRef};
use super::world::{Counts, Fate, Number, World, locked};
use super::{messages, numbers, profile, quota, registration, subscriptions, uploads};

/// A handler, and the kind of object that its path begins with.
#[derive(Clone, Copy)]
enum Run {
    /// The path begins with no object; the handler looks at the token itself.
    Free(fn(&World, &Call) -> Answer),
    Number(fn(&World, &Call, &Arc<Number>) -> Answer),
    Account(fn(&World, &Call, &Account) -> Answer),
    Template(fn(&World, &Call, &TemplateRef) -> Answer),
    Media(fn(&World, &Call, &Arc<Media>) -> Answer),
    App(fn(&World, &Call, &Arc<App>) -> Answer),
}

struct Route {
    method: &'static str,
    /// Segments behind the version; `*` stands for any one, `upload:*` for any that begins so.
    path: &'static str,
    reach: Reach,
    run: Run,
}

const fn route(method: &'static str, path: &'static str, reach: Reach, run: Run) -> Route {
    Route { method, path, reach, run }
}

use Reach::{Management, Media as Files, Messages, Templates};

/// Exact paths stand before those that begin with any object.
const ROUTES: &[Route] = &[
    route("POST", "*/messages", Messages, Run::Number(messages::message_send)),
    route("POST", "*/marketing_messages", Messages, Run::Number(messages::message_send)),
    // Media.
    route("POST", "*/media", Files, Run::Number(media::upload)),
    route("GET", "whatsapp_business/attachments", Files, Run::Free(media::download)),
    route("POST", "upload:*", Files, Run::Free(uploads::put)),
    route("GET", "upload:*", Files, Run::Free(uploads::get)),
    route("POST", "*/uploads", Files, Run::App(uploads::open)),
    // Tokens.
    route("GET", "debug_token", Management, Run::Free(apps::token_debug)),
    route("GET", "oauth/access_token", Management, Run::Free(apps::token_exchange)),
    route("POST", "oauth/access_token", Management, Run::Free(apps::token_exchange)),
    route("GET", "me", Management, Run::Free(apps::me)),
    // What Meta does not have.
    route("POST", "_sandbox/inbound", Management, Run::Free(control::inbound)),
    route("POST", "_sandbox/faults", Management, Run::Free(control::faults)),
    route("POST", "_sandbox/emit", Management, Run::Free(control::emit)),
    route("POST", "_sandbox/templates", Management, Run::Free(control::template_review)),
    route("GET", "_sandbox/sends", Management, Run::Free(control::sends)),
    // Objects by their id alone.
    route("GET", "*", Management, Run::Number(numbers::get)),
    route("GET", "*", Management, Run::Account(accounts::get)),
    route("GET", "*", Templates, Run::Template(templates::get)),
    route("GET", "*", Files, Run::Media(media::describe)),
    route("GET", "*", Management, Run::App(apps::get)),
    route("POST", "*", Management, Run::Number(numbers::update)),
    route("POST", "*", Management, Run::Account(accounts::update)),
    route("POST", "*", Templates, Run::Template(templates::edit)),
    route("DELETE", "*", Files, Run::Media(media::delete)),
    // Numbers.
    route("POST", "*/register", Management, Run::Number(registration::register)),
    route("POST", "*/deregister", Management, Run::Number(registration::deregister)),
    route("POST", "*/request_code", Management, Run::Number(registration::code_request)),
    route("POST", "*/verify_code", Management, Run::Number(registration::code_verify)),
    route("GET", "*/settings", Management, Run::Number(profile::settings_get)),
    route("POST", "*/settings", Management, Run::Number(profile::settings_update)),
    route("GET", "*/whatsapp_business_profile", Management, Run::Number(profile::get)),
    route("POST", "*/whatsapp_business_profile", Management, Run::Number(profile::update)),
    route("GET", "*/block_users", Management, Run::Number(profile::blocked)),
    route("POST", "*/block_users", Management, Run::Number(profile::block)),
    route("DELETE", "*/block_users", Management, Run::Number(profile::block)),
    route("GET", "*/whatsapp_commerce_settings", Management, Run::Number(profile::document_get)),
    route("POST", "*/whatsapp_commerce_settings", Management, Run::Number(profile::document_update)),
    route("GET", "*/whatsapp_business_encryption", Management, Run::Number(profile::document_get)),
    route("POST", "*/whatsapp_business_encryption", Management, Run::Number(profile::document_update)),
    route("GET", "*/conversational_automation", Management, Run::Number(profile::document_get)),
    route("POST", "*/conversational_automation", Management, Run::Number(profile::document_update)),
    route("GET", "*/business_compliance_info", Management, Run::Number(profile::document_get)),
    route("POST", "*/business_compliance_info", Management, Run::Number(profile::document_update)),
    route("GET", "*/message_qrdls", Management, Run::Number(profile::codes)),
    route("GET", "*/message_qrdls/*", Management, Run::Number(profile::codes)),
    route("POST", "*/message_qrdls", Management, Run::Number(profile::code_set)),
    route("POST", "*/message_qrdls/*", Management, Run::Number(profile::code_set)),
    route("DELETE", "*/message_qrdls/*", Management, Run::Number(profile::code_delete)),
    // Accounts.
    route("GET", "*/phone_numbers", Management, Run::Account(accounts::phone_numbers)),
    route("POST", "*/phone_numbers", Management, Run::Account(accounts::phone_number_add)),
    route("GET", "*/subscribed_apps", Management, Run::Account(subscriptions::get)),
    route("POST", "*/subscribed_apps", Management, Run::Account(subscriptions::add)),
    route("DELETE", "*/subscribed_apps", Management, Run::Account(subscriptions::remove)),
    route("GET", "*/assigned_users", Management, Run::Account(accounts::nothing)),
    route("GET", "*/flows", Management, Run::Account(accounts::nothing)),
    route("GET", "*/message_templates", Templates, Run::Account(templates::list)),
    route("GET", "*/message_templates/*", Templates, Run::Account(templates::get_in)),
    route("POST", "*/message_templates", Templates, Run::Account(templates::create)),
    route("DELETE", "*/message_templates", Templates, Run::Account(templates::delete)),
    route("POST", "*/upsert_message_templates", Templates, Run::Account(templates::upsert)),
];

/// What the connection is to do with a call.
pub(super) enum Verdict {
    Answer(Response),
    /// No answer, ever.
    Hang,
    /// The end of the connection.
    Cut,
}

/// An object that a path began with, found and allowed to the token.
enum Object {
    Number(Arc<Number>),
    Account(Account),
    Template(TemplateRef),
    Media(Arc<Media>),
    App(Arc<App>),
}

/// Whether a call may bring a large body: it uploads, and its token is good for something.
pub(super) fn brings_file(world: &World, path: &[String], token: Option<&str>) -> bool {
    let uploads =
        matches!(path, [_, tail] if tail == "media") || matches!(path, [only] if only.starts_with("upload:"));
    uploads
        && token.is_some_and(|t| !world.numbers_of(t).is_empty() || apps::of_app_token(world, t).is_some())
}

/// Answers a call.
pub(super) async fn dispatch(gate: &Gate, mut call: Call) -> Verdict {
    let world = &gate.world;
    let found = match find(world, &call) {
        Ok(found) => found,
        Err(error) => return Verdict::Answer(error.into_response(world.ids.number())),
    };
    let (route, object) = found;
    let sending = route.reach == Messages;
    if sending {
        Counts::add(&world.counts.requests, 1);
    }
    let fault = world.faults.take(route.reach);
    if fault.is_some() {
        call.fate = Fate::Unanswered;
    }
    let mut usage = None;
    let answer = match fault {
        Some(Fault::ServerError) => Err(GraphError::unknown()),
        Some(Fault::RateLimited) if sending => Err(GraphError::throughput().after(1)),
        Some(Fault::RateLimited) => Err(GraphError::calls().after(1)),
        Some(fault) if !fault.takes() => Ok(StatusCode::NO_CONTENT.into_response()),
        _ => run(gate, route, object, &call, &mut usage).await,
    };
    let told = matches!(fault, None | Some(Fault::ServerError | Fault::RateLimited));
    if sending && answer.is_err() && told {
        Counts::add(&world.counts.refused, 1);
    }
    match fault {
        Some(Fault::Hang { .. }) => return Verdict::Hang,
        Some(Fault::Cut { .. }) => return Verdict::Cut,
        Some(Fault::BadGateway { .. }) => {
            let page = Html("<html><body><h1>502 Bad Gateway</h1></body></html>");
            return Verdict::Answer((StatusCode::BAD_GATEWAY, page).into_response());
        }
        Some(Fault::Garbled) => {
            return Verdict::Answer(Html("<html><body>It works!</body></html>").into_response());
        }
        _ => {}
    }
    let mut response = answer.unwrap_or_else(|error| error.into_response(world.ids.number()));
    if let Some((waba_id, usage)) = usage {
        quota::tell(&mut response, &waba_id, usage);
    }
    Verdict::Answer(response)
}

type Used = Option<(String, quota::Usage)>;

async fn run(gate: &Gate, route: &Route, object: Option<Object>, call: &Call, used: &mut Used) -> Answer {
    let world = &gate.world;
    // Sends and media have limits of their own.
    if matches!(route.reach, Management | Templates)
        && let Some(waba_id) = object.as_ref().and_then(Object::waba_id)
    {
        let (usage, admitted) = quota::admit(world, waba_id);
        *used = Some((waba_id.to_owned(), usage));
        admitted?;
    }
    if call.method == axum::http::Method::POST
        && (call.params.contains_key("override_callback_uri")
            || call.params.contains_key("webhook_configuration"))
        && matches!(object, Some(Object::Number(_) | Object::Account(_)))
    {
        subscriptions::prove(world, &gate.http, call).await?;
    }
    match (route.run, &object) {
        (Run::Free(handler), _) => handler(world, call),
        (Run::Number(handler), Some(Object::Number(number))) => handler(world, call, number),
        (Run::Account(handler), Some(Object::Account(account))) => handler(world, call, account),
        (Run::Template(handler), Some(Object::Template(template))) => handler(world, call, template),
        (Run::Media(handler), Some(Object::Media(media))) => handler(world, call, media),
        (Run::App(handler), Some(Object::App(app))) => handler(world, call, app),
        _ => Err(GraphError::path()),
    }
}

/// The route of a call and the object that it is about.
fn find(world: &World, call: &Call) -> Result<(&'static Route, Option<Object>), GraphError> {
    let fits = |route: &&Route| route.method == call.method.as_str() && matches(route.path, &call.path);
    let mut fitting = ROUTES.iter().filter(fits).peekable();
    let Some(first) = fitting.peek() else {
        return Err(GraphError::path());
    };
    let malformed = || call.malformed.clone().map_or(Ok(()), Err);
    if matches!(first.run, Run::Free(_)) {
        malformed()?;
        return Ok((first, None));
    }
    let id = call.path.first().map(String::as_str).unwrap_or_default();
    let token = call.token().ok_or_else(GraphError::no_token)?;
    for route in fitting {
        if let Some(object) = object(world, route.run, token, id) {
            if let Some(app_id) = object.app_id() {
                apps::proof_check(world, call, token, app_id)?;
            }
            malformed()?;
            return Ok((route, Some(object)));
        }
    }
    let known = !world.numbers_of(token).is_empty() || apps::of_app_token(world, token).is_some();
    Err(if known { GraphError::object(id) } else { GraphError::token() })
}

fn matches(pattern: &str, path: &[String]) -> bool {
    let mut path = path.iter();
    for part in pattern.split('/') {
        let Some(segment) = path.next() else { return false };
        let fits = match part.strip_suffix('*') {
            Some(start) => segment.starts_with(start),
            None => segment == part,
        };
        if !fits {
            return false;
        }
    }
    path.next().is_none()
}

/// The object of this kind and id, if there is one that the token may touch.
fn object(world: &World, run: Run, token: &str, id: &str) -> Option<Object> {
    Some(match run {
        Run::Free(_) => return None,
        Run::Number(_) => Object::Number(world.number(id).filter(|number| number.has_token(token))?),
        Run::Account(_) => {
            let number = world.numbers_of(token).into_iter().find(|number| number.waba_id == id)?;
            Object::Account(Account { waba_id: id.to_owned(), number })
        }
        Run::Template(_) => Object::Template(templates::find(world, &world.numbers_of(token), id)?),
        Run::Media(_) => {
            let media = locked(&world.media).get(id)?;
            let own = world.numbers_of(token).iter().any(|number| number.waba_id == media.waba_id);
            Object::Media(own.then_some(media)?)
        }
        Run::App(_) => Object::App(apps::of_token(world, token, id)?),
    })
}

impl Object {
    /// The app whose proof the call must carry; media and apps are called with tokens of several kinds.
    fn app_id(&self) -> Option<&str> {
        match self {
            Self::Number(number) => Some(&number.app_id),
            Self::Account(account) => Some(&account.number.app_id),
            Self::Template(template) => Some(&template.number.app_id),
            Self::Media(_) | Self::App(_) => None,
        }
    }

    fn waba_id(&self) -> Option<&str> {
        match self {
            Self::Number(number) => Some(&number.waba_id),
            Self::Account(account) => Some(&account.waba_id),
            Self::Template(template) => Some(&template.number.waba_id),
            Self::Media(_) | Self::App(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let path = |text: &str| text.split('/').map(ToOwned::to_owned).collect::<Vec<_>>();
        for (pattern, text, fits) in [
            ("*/messages", "501/messages", true),
            ("*/messages", "501", false),
            ("*/messages", "501/messages/x", false),
            ("upload:*", "upload:abc", true),
            ("upload:*", "501", false),
            ("me", "me", true),
        ] {
            assert_eq!(matches(pattern, &path(text)), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn exact_paths_stand_before_any_object() {
        let any = ROUTES.iter().position(|r| r.path == "*").unwrap_or_default();
        let exact = ROUTES.iter().rposition(|r| !r.path.contains('/') && !r.path.starts_with('*'));
        assert!(exact.is_some_and(|exact| exact < any));
    }
}

//! `/w/{workspace_id}/sso`: the identity providers of a workspace.

use axum::extract::State;
use gatepost_app::sso::ProviderKind;
use gatepost_app::{App, IdentityProviderCreate, IdentityProviderUpdate, IdentityProviderView};
use gatepost_core::access::permission::{IdentityProviderManage, IdentityProviderRead};
use gatepost_core::access::{PermissionId, Role};
use gatepost_core::guard::Feature;
use gatepost_core::{IdentityProviderId, Secret};
use maud::{Markup, html};

use crate::access::{Grant, form, page};
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::nav::Section;
use crate::console::notice::Notice;
use crate::console::page as pages;
use crate::console::parts::{
    self, Field, Icon, Select, Tone, actions, badge, button_link, callout, card, checkbox, code, copyable,
    danger, empty, facts, own, page_header, plain_form, stack, submit, time, untitled_card,
};
use crate::console::seat::Seat;
use crate::path::Id;
use crate::reply::Answer;
use crate::route::Route;

const ALL: &str = "/w/{workspace_id}/sso";
const ONE: &str = "/w/{workspace_id}/sso/{identity_provider_id}";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(ALL, all).id("identityProvidersPage").summary("See the identity providers of the workspace"),
        form(ALL, create)
            .id("identityProviderForm")
            .feature(Feature::Sso)
            .summary("Add an identity provider by a form"),
        page(ONE, one).id("identityProviderPage").summary("See an identity provider"),
        form(ONE, update)
            .id("identityProviderChangeForm")
            .feature(Feature::Sso)
            .summary("Change an identity provider by a form"),
        form("/w/{workspace_id}/sso/{identity_provider_id}/remove", remove)
            .id("identityProviderRemoveForm")
            .summary("Remove an identity provider by a form"),
    ]
}

struct CreateAsk(IdentityProviderCreate);

impl FormBody for CreateAsk {
    const FIELDS: &'static [&'static str] = &[
        "kind",
        "name",
        "issuer",
        "tenant",
        "client_id",
        "client_secret",
        "domains",
        "join_role",
        "trusts_second_factor",
    ];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let name = reader.required("name", "Give it a name, for the button.");
        let kind = kind(reader);
        let client_id = reader.required("client_id", "Give the client id that the provider gave you.");
        let client_secret = reader.exact("client_secret");
        if client_secret.is_empty() {
            reader.wrong("client_secret", "Give the client secret that the provider gave you.");
        }
        let rules = Rules::read(reader);
        let Rules { domains, join_role, trusts_second_factor } = rules?;
        Some(Self(IdentityProviderCreate {
            name: name?,
            kind: kind?,
            client_id: client_id?,
            client_secret: Secret::new(client_secret),
            enabled: true,
            trusts_second_factor,
            domains,
            join_role,
        }))
    }
}

fn kind(reader: &mut Reader<'_>) -> Option<ProviderKind> {
    let (kind, issuer, tenant) = (reader.text("kind"), reader.text("issuer"), reader.text("tenant"));
    let place = match kind.as_str() {
        "oidc" => Some(issuer.as_str()),
        "microsoft" => Some(tenant.as_str()),
        _ => None,
    };
    match ProviderKind::parse(&kind, place) {
        Ok(kind) => Some(kind),
        Err(fault) => {
            let mut text = format!("{}.", fault.detail);
            if let Some(first) = text.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            reader.wrong(fault.field, text);
            None
        }
    }
}

/// Who may come through a provider, and as what.
struct Rules {
    domains: Vec<String>,
    join_role: Option<Role>,
    trusts_second_factor: bool,
}

impl Rules {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let domains = reader.text("domains");
        let domains =
            domains.split([' ', ',']).filter(|domain| !domain.is_empty()).map(str::to_owned).collect();
        let join_role = reader.parsed("join_role", "Choose from the list.", |text| match text {
            "" => Some(None),
            "agent" => Some(Some(Role::Agent)),
            "analyst" => Some(Some(Role::Analyst)),
            _ => None,
        });
        let trusts_second_factor = reader.ticked("trusts_second_factor");
        Some(Self { domains, join_role: join_role?, trusts_second_factor })
    }
}

struct UpdateAsk(IdentityProviderUpdate);

impl FormBody for UpdateAsk {
    const FIELDS: &'static [&'static str] = &[
        "name",
        "client_id",
        "client_secret",
        "domains",
        "join_role",
        "trusts_second_factor",
        "enabled",
        "only_way_in",
    ];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let name = reader.required("name", "Give it a name, for the button.");
        let client_id = reader.required("client_id", "Give the client id that the provider gave you.");
        let client_secret = reader.exact("client_secret");
        let rules = Rules::read(reader);
        let (enabled, only_way_in) = (reader.ticked("enabled"), reader.ticked("only_way_in"));
        let Rules { domains, join_role, trusts_second_factor } = rules?;
        Some(Self(IdentityProviderUpdate {
            name: Some(name?),
            client_id: Some(client_id?),
            client_secret: (!client_secret.is_empty()).then(|| Secret::new(client_secret)),
            enabled: Some(enabled),
            trusts_second_factor: Some(trusts_second_factor),
            domains: Some(domains),
            join_role: Some(join_role),
            only_way_in: Some(only_way_in),
        }))
    }
}

fn rule_fields(domains: &str, role: &str, trusts: bool, state: &FormState) -> Markup {
    html! {
        (Field::text("domains", "E-mail domains").value(domains)
            .hint("Only people with a verified address of these come in. Separate several by a blank.").fill(state))
        (Select::new("join_role", "Without an invitation").option("", "Nobody comes in")
            .option("agent", "People of the domains come in as agents")
            .option("analyst", "People of the domains come in as analysts").chosen(role).fill(state))
        (checkbox("trusts_second_factor", "Trust it with the second factor",
            Some("Who comes through it is not asked for one here."), trusts, state))
    }
}

fn list(seat: &Seat, known: &[IdentityProviderView], state: &FormState) -> Markup {
    let manage = seat.may(PermissionId::IdentityProviderManage);
    let lead =
        "Members sign in with accounts of your own provider. Its word opens this workspace and nothing else.";
    let content = html! {
        (page_header("Identity providers", Some(lead), html! {}))
        (stack(html! {
            @if known.is_empty() {
                (untitled_card(empty(Icon::LogIn, "No provider yet", "Members sign in with what their accounts have.", html! {})))
            }
            @for provider in known {
                (parts::card_with_action(&provider.name,
                    button_link("secondary", None, "Open", &seat.path(&format!("/sso/{}", provider.id))),
                    summary(provider)))
            }
            @if manage { (card("Add a provider", create_form(seat, state))) }
        }))
    };
    seat.page(Section::Sso, "Identity providers", content)
}

fn summary(provider: &IdentityProviderView) -> Markup {
    html! {
        p {
            @if provider.only_way_in { (badge(Tone::Info, "The only way in")) " " }
            @if provider.enabled { (badge(Tone::Good, "On")) } @else { (badge(Tone::Plain, "Off")) }
        }
        (facts(&[
            ("Kind", html! { (provider.kind.as_str()) }),
            ("Issuer or tenant", html! { (code(provider.kind.place().unwrap_or("its own"))) }),
            ("Sign-in page", copyable(&provider.sign_in_url, "the address of the sign-in page")),
            ("Last used", html! { @if let Some(at) = provider.used_at { (time(at)) } @else { "never" } }),
        ]))
    }
}

fn create_form(seat: &Seat, state: &FormState) -> Markup {
    let fields = html! {
        (Select::new("kind", "Kind").option("oidc", "OpenID Connect").option("google", "Google")
            .option("microsoft", "Microsoft").option("github", "GitHub").fill(state))
        (Field::text("name", "Name").hint("On the button: Continue with …").required().fill(state))
        (Field::text("issuer", "Issuer").hint("For OpenID Connect: the URL, exactly as the provider writes it.").fill(state))
        (Field::text("tenant", "Tenant").hint("For Microsoft: the tenant's id, or organizations, consumers, common.").fill(state))
        (Field::text("client_id", "Client id").required().fill(state))
        (Field::password("client_secret", "Client secret", "off").required().fill(state))
        (rule_fields("", "", false, state))
        (actions(submit("Add the provider")))
    };
    html! {
        p { "The redirect URI to register at the provider is shown on the provider's page once it is added." }
        (parts::form(&seat.view, &seat.path("/sso"), state, fields))
    }
}

fn document(seat: &Seat, provider: &IdentityProviderView, state: &FormState) -> Markup {
    let content = html! {
        (page_header(&provider.name, None, html! {}))
        (stack(html! {
            (card("At the provider", facts(&[
                ("Kind", html! { (provider.kind.as_str()) }),
                ("Issuer or tenant", html! { (code(provider.kind.place().unwrap_or("its own"))) }),
                ("Redirect URI", copyable(&provider.callback_url, "the redirect URI")),
                ("Sign-in page", copyable(&provider.sign_in_url, "the address of the sign-in page")),
                ("Client secret", html! { "ends in " (own(&provider.secret_last4)) }),
                ("Last used", html! { @if let Some(at) = provider.used_at { (time(at)) } @else { "never" } }),
            ])))
            @if seat.may(PermissionId::IdentityProviderManage) {
                (card("Settings", update_form(seat, provider, state)))
                @if !provider.only_way_in {
                    (card("Remove", html! {
                        p { "Sessions that it opened end at once. Accounts stay members of the workspace." }
                        (plain_form(&seat.view, &seat.path(&format!("/sso/{}/remove", provider.id)),
                            actions(danger("Remove the provider"))))
                    }))
                }
            }
        }))
    };
    seat.page(Section::Sso, &provider.name, content)
}

fn update_form(seat: &Seat, provider: &IdentityProviderView, state: &FormState) -> Markup {
    let (domains, role) = (provider.domains.join(" "), provider.join_role.map_or("", Role::as_str));
    let only = match provider.used_at {
        Some(_) => {
            "Members come in no other way, from the next request on. Owners keep their own, with a second factor."
        }
        None => "Link your own account with it and sign in through it once before you tick this.",
    };
    let fields = html! {
        (Field::text("name", "Name").value(&provider.name).required().fill(state))
        (Field::text("client_id", "Client id").value(&provider.client_id).required().fill(state))
        (Field::password("client_secret", "Client secret", "off").hint("Leave it empty to keep the present one.").fill(state))
        (rule_fields(&domains, role, provider.trusts_second_factor, state))
        (checkbox("enabled", "On", Some("Switched off, it opens nothing, and what it opened ends."), provider.enabled, state))
        (checkbox("only_way_in", "The only way in", Some(only), provider.only_way_in, state))
        (actions(submit("Save")))
    };
    html! {
        @if provider.only_way_in {
            (callout(Tone::Info, "Members come in through this provider alone.", html! {}))
        }
        (parts::form(&seat.view, &seat.path(&format!("/sso/{}", provider.id)), state, fields))
    }
}

async fn all(grant: Grant<IdentityProviderRead>, State(app): State<App>, seat: Seat) -> Answer {
    let known = app.identity_provider_list(&grant).await?;
    Ok(pages::ok(list(&seat, &known, &FormState::default())))
}

async fn create(
    grant: Grant<IdentityProviderManage>,
    State(app): State<App>,
    seat: Seat,
    form: Form<CreateAsk>,
) -> Answer {
    let state = match form.into_result() {
        Ok((CreateAsk(ask), state)) => match app.identity_provider_create(&grant, ask, None).await {
            Ok(_) => return Ok(pages::see_and_say(seat.path("/sso"), Notice::ProviderAdded)),
            Err(error) => state.refused(error)?,
        },
        Err(state) => state,
    };
    let known = match seat.grant::<IdentityProviderRead>() {
        Some(grant) => app.identity_provider_list(&grant).await?,
        None => Vec::new(),
    };
    Ok(pages::invalid(list(&seat, &known, &state)))
}

async fn one(
    grant: Grant<IdentityProviderRead>,
    State(app): State<App>,
    seat: Seat,
    Id(id): Id<IdentityProviderId>,
) -> Answer {
    let provider = app.identity_provider_get(&grant, id).await?;
    Ok(pages::ok(document(&seat, &provider, &FormState::default())))
}

async fn update(
    grant: Grant<IdentityProviderManage>,
    State(app): State<App>,
    seat: Seat,
    Id(id): Id<IdentityProviderId>,
    form: Form<UpdateAsk>,
) -> Answer {
    let path = seat.path(&format!("/sso/{id}"));
    let state = match form.into_result() {
        Ok((UpdateAsk(ask), state)) => match app.identity_provider_update(&grant, id, ask).await {
            Ok(_) => return Ok(pages::see_and_say(path, Notice::ProviderSaved)),
            Err(error) => state.refused(error)?,
        },
        Err(state) => state,
    };
    let grant = seat.grant::<IdentityProviderRead>();
    let Some(grant) = grant else { return Ok(pages::see(path)) };
    let provider = app.identity_provider_get(&grant, id).await?;
    Ok(pages::invalid(document(&seat, &provider, &state)))
}

async fn remove(
    grant: Grant<IdentityProviderManage>,
    State(app): State<App>,
    seat: Seat,
    Id(id): Id<IdentityProviderId>,
) -> Answer {
    app.identity_provider_delete(&grant, id).await?;
    Ok(pages::see_and_say(seat.path("/sso"), Notice::ProviderRemoved))
}

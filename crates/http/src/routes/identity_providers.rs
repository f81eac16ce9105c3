//! `/v1/identity-providers`

use axum::extract::State;
use gatepost_app::{App, Page};
use gatepost_core::access::permission::{IdentityProviderManage, IdentityProviderRead};
use gatepost_core::guard::Feature;
use gatepost_core::{Code, IdentityProviderId};
use http::StatusCode;
use serde_json::{Value, json};

use super::split;
use crate::access::{Grant, delete, get, patch, post};
use crate::body::{Create, Json};
use crate::path::Id;
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/v1/identity-providers", identity_provider_create)
            .id("identityProviderCreate").feature(Feature::Sso)
            .summary("Add an identity provider")
            .description("Members can then link their accounts there and sign in through it. The provider's configuration is fetched and checked before it is kept; its addresses are judged like webhook URLs.")
            .tag("Identity providers")
            .creates::<wire::IdentityProviderCreate>(json!({
                "name": "GitHub",
                "kind": "github",
                "client_id": "Ov23liExample",
                "client_secret": "kQ3vN8yT2mZ5",
                "domains": ["acme.example"],
            }))
            .answer::<wire::IdentityProvider<'static>>(201, "The provider was added.", example())
            .fails(&[Code::ProviderLimitReached]),
        get("/v1/identity-providers", identity_provider_list)
            .id("identityProviderList")
            .summary("List identity providers")
            .description("A workspace has at most ten; all are in one answer.")
            .tag("Identity providers")
            .answer_list::<wire::IdentityProvider<'static>>("The providers.", &example()),
        get("/v1/identity-providers/{identity_provider_id}", identity_provider_get)
            .id("identityProviderGet")
            .summary("Read an identity provider")
            .tag("Identity providers")
            .answer::<wire::IdentityProvider<'static>>(200, "The provider, without its secret.", example()),
        patch("/v1/identity-providers/{identity_provider_id}", identity_provider_update)
            .id("identityProviderUpdate").feature(Feature::Sso)
            .summary("Change an identity provider")
            .description("Binds the very next request, on every node. Sessions that it opened end where it is switched off, or where its client, its domains or its word on second factors change. It can be made the only way in once somebody has signed in through it.")
            .tag("Identity providers")
            .body::<wire::IdentityProviderUpdate>(json!({ "enabled": true }))
            .answer::<wire::IdentityProvider<'static>>(200, "The provider as it is now.", example())
            .fails(&[Code::Conflict, Code::ProviderUnproven]),
        delete("/v1/identity-providers/{identity_provider_id}", identity_provider_delete)
            .id("identityProviderDelete")
            .summary("Remove an identity provider")
            .description("Sessions that it opened end at once. One that is the only way in cannot be removed.")
            .tag("Identity providers")
            .answers_nothing("The provider is gone.")
            .fails(&[Code::Conflict]),
    ]
}

fn example() -> Value {
    json!({
        "id": "idp_01kagq5rh8e5htqh9sk95d3x4w",
        "kind": "oidc",
        "name": "Acme ID",
        "issuer": "https://id.acme.example",
        "tenant": null,
        "client_id": "gatepost",
        "secret_last4": "2mZ5",
        "enabled": true,
        "only_way_in": false,
        "trusts_second_factor": false,
        "domains": ["acme.example"],
        "join_role": null,
        "callback_url": "https://gatepost.example/sso/idp_01kagq5rh8e5htqh9sk95d3x4w/callback",
        "sign_in_url": "https://gatepost.example/sso/idp_01kagq5rh8e5htqh9sk95d3x4w",
        "created_at": "2026-11-01T09:30:00Z",
        "used_at": null,
    })
}

async fn identity_provider_create(
    grant: Grant<IdentityProviderManage>,
    State(app): State<App>,
    create: Create<wire::IdentityProviderCreate>,
) -> Answer {
    let (ask, idempotent) = split(create);
    let outcome = app.identity_provider_create(&grant, ask.into_command()?, idempotent).await?;
    Ok(reply::made(StatusCode::CREATED, outcome))
}

async fn identity_provider_list(grant: Grant<IdentityProviderRead>, State(app): State<App>) -> Answer {
    let page = Page { items: app.identity_provider_list(&grant).await?, next: None };
    Ok(reply::page::<_, wire::IdentityProvider<'_>>(&page))
}

async fn identity_provider_get(
    grant: Grant<IdentityProviderRead>,
    State(app): State<App>,
    Id(id): Id<IdentityProviderId>,
) -> Answer {
    let view = app.identity_provider_get(&grant, id).await?;
    Ok(reply::ok(&wire::IdentityProvider::from(&view)))
}

async fn identity_provider_update(
    grant: Grant<IdentityProviderManage>,
    State(app): State<App>,
    Id(id): Id<IdentityProviderId>,
    Json(body): Json<wire::IdentityProviderUpdate>,
) -> Answer {
    let view = app.identity_provider_update(&grant, id, body.into()).await?;
    Ok(reply::ok(&wire::IdentityProvider::from(&view)))
}

async fn identity_provider_delete(
    grant: Grant<IdentityProviderManage>,
    State(app): State<App>,
    Id(id): Id<IdentityProviderId>,
) -> Answer {
    app.identity_provider_delete(&grant, id).await?;
    Ok(reply::nothing())
}

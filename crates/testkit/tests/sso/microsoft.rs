//! Microsoft: an issuer for each tenant under one set of keys, and addresses that nobody verified.

use gatepost_app::sso::{ProviderKind, SsoReason};
use gatepost_testkit::idp::{Idp, Part};
use serde_json::json;

use crate::support::Lab;

const ACME: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const OTHER: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

async fn lab(tenant: &str) -> Lab {
    let mut lab = Lab::start().await;
    lab.provider = Idp::provider_of(ProviderKind::parse("microsoft", Some(tenant)).unwrap());
    lab
}

/// Tokens of this tenant.
fn of_tenant(lab: &Lab, iss: &str, tid: &str) {
    let (issuer, tid) = (format!("{}/{iss}/v2.0", lab.idp.issuer), tid.to_owned());
    lab.idp.twist(Part::Claims, move |c| {
        c["iss"] = json!(issuer);
        c["tid"] = json!(tid);
    });
}

#[tokio::test]
async fn one_tenant_is_that_tenant() {
    let lab = lab(ACME).await;
    of_tenant(&lab, ACME, ACME);
    let identity = lab.sign_in().await.unwrap();
    assert_eq!(identity.issuer, format!("{}/{ACME}/v2.0", lab.idp.issuer));
    of_tenant(&lab, OTHER, OTHER);
    assert_eq!(lab.sign_in().await, Err(SsoReason::Issuer));
    of_tenant(&lab, OTHER, ACME);
    assert_eq!(lab.sign_in().await, Err(SsoReason::Issuer));
}

#[tokio::test]
async fn of_many_tenants_each_is_its_own_issuer() {
    for (word, personal) in [("common", true), ("organizations", false)] {
        let lab = lab(word).await;
        for tenant in [ACME, OTHER] {
            of_tenant(&lab, tenant, tenant);
            assert_eq!(lab.sign_in().await.unwrap().issuer, format!("{}/{tenant}/v2.0", lab.idp.issuer));
        }
        of_tenant(&lab, CONSUMERS, CONSUMERS);
        assert_eq!(lab.sign_in().await.is_ok(), personal, "{word}");
        // One tenant's token that names another, a tenant that is none, and none at all.
        of_tenant(&lab, OTHER, ACME);
        assert_eq!(lab.sign_in().await, Err(SsoReason::Issuer));
        of_tenant(&lab, "{tenantid}", "{tenantid}");
        assert_eq!(lab.sign_in().await, Err(SsoReason::Issuer));
        of_tenant(&lab, "evil/..", "evil/..");
        assert_eq!(lab.sign_in().await, Err(SsoReason::Issuer));
        lab.idp.straighten();
        assert_eq!(lab.sign_in().await, Err(SsoReason::Issuer));
    }
}

/// Microsoft's key sets say whose tokens a key may sign.
#[tokio::test]
async fn a_key_of_another_tenant_signs_nothing() {
    let mut lab = lab("common").await;
    for (key_issuer, good) in [("{tenantid}", true), (ACME, true), (OTHER, false), (CONSUMERS, false)] {
        lab.forget();
        of_tenant(&lab, ACME, ACME);
        let issuer = format!("{}/{key_issuer}/v2.0", lab.idp.issuer);
        lab.idp.twist(Part::Keys, move |set| set["keys"][0]["issuer"] = json!(issuer));
        let expected = if good { Ok(()) } else { Err(SsoReason::KeyUnknown) };
        assert_eq!(lab.sign_in().await.map(drop), expected, "{key_issuer}");
    }
}

/// The address is what an administrator typed, unless Microsoft says that the tenant owns its domain.
#[tokio::test]
async fn an_address_is_verified_only_by_its_domain() {
    let lab = lab(ACME).await;
    for (edov, verified) in [
        (json!(null), false),
        (json!(false), false),
        (json!("0"), false),
        (json!(true), true),
        (json!("1"), true),
        (json!(1), true),
    ] {
        let issuer = format!("{}/{ACME}/v2.0", lab.idp.issuer);
        let flag = edov.clone();
        lab.idp.twist(Part::Claims, move |c| {
            c["iss"] = json!(issuer);
            c["tid"] = json!(ACME);
            c["email_verified"] = json!(true);
            c["xms_edov"] = flag.clone();
        });
        assert_eq!(lab.sign_in().await.unwrap().email.unwrap().verified, verified, "{edov}");
    }
    assert_eq!(lab.idp.asked("/userinfo"), 0);
}

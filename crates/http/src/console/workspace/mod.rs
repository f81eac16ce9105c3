//! The pages of a workspace: `/w/{workspace_id}/…`.

mod allowlist;
mod audit;
mod audit_filters;
mod key_forms;
mod keys;
mod overview;

use gatepost_app::App;

use crate::route::Route;

pub fn routes() -> Vec<Route<App>> {
    let mut routes = overview::routes();
    routes.extend(keys::routes());
    routes.extend(key_forms::routes());
    routes.extend(allowlist::routes());
    routes.extend(audit::routes());
    routes
}

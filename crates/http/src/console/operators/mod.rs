//! The pages of the operators' listener: signing in, workspaces, visits, logs, and who is an operator.
//!
//! They are the console's parts with another cookie: a member's session opens none of them, an operator's none of the
//! console. Nobody sees a page but the one for signing in without a second factor.

mod logs;
mod people;
mod sign_in;
mod visits;
mod workspace;
mod workspaces;

use gatepost_app::{App, UserView};
use gatepost_core::Result;
use gatepost_core::access::{OperatorGrant, OperatorPermission, OperatorRole};
use maud::Markup;

use super::layout::{Frame, Person, Place};
use super::nav::Section;
use super::view::View;
use super::{assets, theme};
use crate::access::{Public, page};
use crate::reply::Answer;
use crate::route::Route;

/// Where the list of workspaces is; the frame's mark leads there.
const WORKSPACES: &str = super::layout::WORKSPACES_PATH;
const WORKSPACE: &str = "/workspaces/{workspace_id}";
const VISITS: &str = "/visits";
const LOGS: &str = "/logs";
const PEOPLE: &str = "/operators";

pub fn routes() -> Vec<Route<App>> {
    let mut routes = assets::routes();
    routes.extend(theme::routes());
    routes.push(page("/", begin).id("operatorsBeginPage").summary("Go to the workspaces"));
    routes.extend(sign_in::routes());
    routes.extend(workspaces::routes());
    routes.extend(workspace::routes());
    routes.extend(visits::routes());
    routes.extend(logs::routes());
    routes.extend(people::routes());
    routes
}

async fn begin(_: Public) -> Answer {
    Ok(super::page::see(WORKSPACES))
}

/// Who looks at a page.
struct Desk {
    account: UserView,
}

impl Desk {
    async fn of<P: OperatorPermission>(app: &App, grant: &OperatorGrant<P>) -> Result<Self> {
        Ok(Self { account: app.operator_account(grant).await? })
    }

    fn administers(&self) -> bool {
        self.account.operator == Some(OperatorRole::Administrator)
    }

    fn page(&self, view: &View, section: Section, title: &str, content: Markup) -> Markup {
        let person = Person { name: &self.account.name, email: &self.account.email };
        Frame { place: Place::Operators, person, section }.page(view, title, content)
    }
}

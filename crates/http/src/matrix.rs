//! The permission matrix: who may call what, written from the routes.

use std::fmt::Write;

use gatepost_core::access::{OperatorRole, PermissionSet, Role, Scope};

use crate::access::Rule;
use crate::api::{RouteInfo, Surface};

const HEAD: &str = "\
Who may call what
=================

Written from the routes by `GATEPOST_UPDATE=1 cargo test -p gatepost-http`; a test fails when it is stale.

nobody     a caller without a credential
key        an API key with that scope, in its own workspace, its own mode (test or live) and on the channels it is
           bound to; what it may not see answers 404, like an unknown id
role       a member of the workspace with that role, signed in to the console
fresh      a member must have proved who they are within the last five minutes
signed     whoever signs the raw body with the app secret of that Meta app
suspended  yes: it answers, too, while the workspace's subscription is over; -: 402 subscription_suspended then
feature    what the workspace's plan must include; otherwise 402 plan_feature_unavailable
operator   the system user that runs Gatepost, on the Unix socket in its data directory
op:…       a person with that role, signed in with a second factor on the operators' own listener; inside a workspace
           within a visit that they opened, without (visit) or with content (content)
";

/// The table of `routes` as plain text.
pub fn text(routes: &[RouteInfo]) -> String {
    let mut out = HEAD.to_owned();
    for (surface, title) in [
        (Surface::Public, "On the public address"),
        (Surface::Console, "Pages and forms at the same address (no API key opens one)"),
        (Surface::Operator, "On the operator's socket"),
        (
            Surface::Operators,
            "On the operators' listener (/operator answers there and at the socket, and nowhere else)",
        ),
    ] {
        let rows: Vec<&RouteInfo> = routes.iter().filter(|route| route.surface == surface).collect();
        let paths = rows.iter().map(|route| route.path.len()).max().unwrap_or_default();
        let permissions = rows.iter().map(|route| permission(route).len()).max().unwrap_or_default();
        let mut head = format!("{:6} {:paths$}  {:permissions$} ", "", "", "");
        for column in columns(surface) {
            let _ = write!(head, " {column}");
        }
        let _ = write!(out, "\n{title}\n\n{head}\n");
        for route in rows {
            let mut line = format!(
                "{:6} {:paths$}  {:permissions$} ",
                route.method.as_str(),
                route.path,
                permission(route)
            );
            for (column, cell) in columns(surface).iter().zip(cells(route)) {
                let _ = write!(line, " {cell:width$}", width = column.len());
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

fn columns(surface: Surface) -> Vec<String> {
    if surface == Surface::Operator {
        return vec!["operator".to_owned()];
    }
    let mut columns = vec!["nobody".to_owned()];
    if surface == Surface::Operators {
        columns.extend(OperatorRole::ALL.iter().map(|role| format!("op:{}", role.as_str())));
        columns.extend(["visit".to_owned(), "content".to_owned()]);
        return columns;
    }
    if surface == Surface::Console {
        columns.extend(Role::ALL.iter().map(|role| format!("role:{}", role.as_str())));
        columns.extend(["suspended".to_owned(), "feature".to_owned()]);
        return columns;
    }
    columns.extend(Scope::ALL.iter().map(|scope| format!("key:{scope}")));
    columns.extend(Role::ALL.iter().map(|role| format!("role:{}", role.as_str())));
    columns.extend(["suspended".to_owned(), "feature".to_owned()]);
    columns
}

/// What the route asks of the workspace's subscription and plan; what is no workspace's asks nothing.
fn needs_cells(route: &RouteInfo) -> [&'static str; 2] {
    let suspended = match route.rule {
        Rule::Permission(_) if route.needs.whatever_subscription => "yes",
        Rule::Permission(_) => "-",
        _ => "yes",
    };
    [suspended, route.needs.feature.map_or("", |feature| feature.as_str())]
}

fn permission(route: &RouteInfo) -> String {
    match route.rule {
        Rule::Permission(permission) if permission.needs_fresh_proof() => {
            format!("{} (fresh)", permission.as_str())
        }
        Rule::Permission(permission) => permission.as_str().to_owned(),
        Rule::Person => "signed in".to_owned(),
        Rule::Holder => "signed in, or a key".to_owned(),
        Rule::Operator(permission)
            if permission.needs_fresh_proof() && route.surface == Surface::Operators =>
        {
            format!("{} (fresh)", permission.as_str())
        }
        Rule::Operator(permission) => permission.as_str().to_owned(),
        Rule::Signed(provider) => format!("signed by {provider}"),
        Rule::Public => "public".to_owned(),
    }
}

fn cells(route: &RouteInfo) -> Vec<&'static str> {
    let mark = |may: bool| if may { "yes" } else { "-" };
    if route.surface == Surface::Operator {
        return vec!["yes"];
    }
    if route.surface == Surface::Operators {
        return operators_cells(route);
    }
    let mut cells = Vec::new();
    // The last two are of the subscription and the plan.
    let width = columns(route.surface).len() - 2;
    match route.rule {
        Rule::Permission(permission) => {
            cells.push("-");
            if route.surface != Surface::Console {
                cells.extend(Scope::ALL.iter().map(|scope| mark(permission.scopes().contains(scope))));
            }
            cells.extend(Role::ALL.iter().map(|role| mark(permission.roles().contains(role))));
        }
        Rule::Person => {
            cells.resize(width - Role::ALL.len(), "-");
            cells.resize(width, "yes");
        }
        Rule::Holder => {
            cells.push("-");
            cells.resize(width, "yes");
        }
        Rule::Public => cells.resize(width, "yes"),
        Rule::Signed(_) => cells.resize(width, "signed"),
        Rule::Operator(_) => cells.resize(width, "-"),
    }
    cells.extend(needs_cells(route));
    cells
}

fn operators_cells(route: &RouteInfo) -> Vec<&'static str> {
    let mark = |may: bool| if may { "yes" } else { "-" };
    let mut cells = vec![mark(route.rule == Rule::Public)];
    for role in &OperatorRole::ALL {
        cells.push(mark(match route.rule {
            Rule::Operator(permission) => permission.roles().contains(role),
            Rule::Person | Rule::Public => true,
            Rule::Permission(_) | Rule::Signed(_) | Rule::Holder => false,
        }));
    }
    if let Rule::Permission(permission) = route.rule {
        cells.extend([false, true].map(|content| mark(PermissionSet::of_visit(content).holds(permission))));
    }
    cells
}

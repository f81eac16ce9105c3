//! Where somebody belongs who did not say where they want to.

use gatepost_app::App;
use gatepost_core::Result;
use gatepost_core::access::Person;

use crate::console::layout::WORKSPACES_PATH;

/// A person's workspace; the list of them, where they have several or none.
pub async fn start_of(app: &App, person: &Person) -> Result<String> {
    let seats = app.seats_of(person).await?;
    Ok(match seats.as_slice() {
        [only] => format!("/w/{}", only.workspace),
        _ => WORKSPACES_PATH.to_owned(),
    })
}

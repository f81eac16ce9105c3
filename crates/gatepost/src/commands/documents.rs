//! `gatepost openapi`, `gatepost permissions`, `gatepost configuration`: documents that the program writes itself.

use serde_json::json;

use crate::config;
use crate::failure::Result;
use crate::output::Output;

/// The OpenAPI document of the public address.
#[expect(clippy::unnecessary_wraps, reason = "a command like the others")]
pub fn openapi(output: Output) -> Result<()> {
    output.raw(&gatepost_http::openapi_json());
    Ok(())
}

/// Who may call what.
#[expect(clippy::unnecessary_wraps, reason = "a command like the others")]
pub fn permissions(output: Output) -> Result<()> {
    let matrix = gatepost_http::permission_matrix();
    if output.is_json() {
        let routes: Vec<_> = gatepost_http::inventory()
            .iter()
            .map(|route| {
                json!({
                    "method": route.method.as_str(),
                    "path": route.path,
                    "operation": route.operation_id,
                    "rule": format!("{:?}", route.rule),
                })
            })
            .collect();
        output.data(&json!({ "routes": routes }));
    } else {
        output.raw(&matrix);
    }
    Ok(())
}

/// Every key of the configuration file and every variable.
#[expect(clippy::unnecessary_wraps, reason = "a command like the others")]
pub fn configuration(output: Output) -> Result<()> {
    output.raw(&config::markdown());
    Ok(())
}

//! Workspaces, at the operator's socket.

use gatepost_app::WorkspaceView;
use gatepost_core::{Timestamp, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object};

/// A workspace to make.
#[derive(ToSchema)]
pub struct WorkspaceCreate {
    /// 1 to 100 characters.
    #[schema(example = "Example Ltd")]
    pub name: String,
    /// The version of the rules for acceptable use that are accepted on behalf of whoever will use it (GET
    /// /v1/acceptable-use), where there are any.
    #[schema(example = "5f2b7c1e90ad4433")]
    pub acceptable_use: Option<String>,
}

impl Body for WorkspaceCreate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let name = object.required("name", parse::name);
        let acceptable_use = object.optional("acceptable_use", parse::name);
        Some(Self { name: name?, acceptable_use: acceptable_use? })
    }
}

/// A tenant.
#[derive(Serialize, ToSchema)]
pub struct Workspace<'a> {
    #[schema(value_type = String, example = "ws_01kagq5rh8e5htqh9sk95d3x4w")]
    id: WorkspaceId,
    name: &'a str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Since when it is shut, by an owner's hand; null where it is open.
    #[schema(value_type = Option<String>, format = DateTime)]
    deleted_at: Option<Timestamp>,
    /// Since when its keys and its data are gone; null where it can be brought back.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    destroyed_at: Option<Timestamp>,
}

impl<'a> From<&'a WorkspaceView> for Workspace<'a> {
    fn from(view: &'a WorkspaceView) -> Self {
        let WorkspaceView { id, name, created_at, deleted_at, destroyed_at } = view;
        Self { id: *id, name, created_at: *created_at, deleted_at: *deleted_at, destroyed_at: *destroyed_at }
    }
}

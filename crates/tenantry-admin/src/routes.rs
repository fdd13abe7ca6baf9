//! The table of routes.

use std::sync::Arc;

use axum::{Router, routing::post};
use tenantry_core::{
    engine::operation::Operation,
    operations::{accounts, invitations, join_codes, members, organizations, roles, tokens, workspaces},
};
use utoipa::{ToSchema, openapi::OpenApi};

use crate::{Admin, handler, openapi};

/// All operations.
pub(crate) fn operations() -> Routes {
    Routes::new()
        .operation::<organizations::Create>()
        .operation::<organizations::Get>()
        .operation::<organizations::List>()
        .operation::<organizations::Update>()
        .operation::<organizations::SetStatus>()
        .operation::<organizations::TransferOwnership>()
        .operation::<organizations::Leave>()
        .operation::<organizations::Delete>()
        .operation::<organizations::Search>()
        .operation::<members::List>()
        .operation::<members::Get>()
        .operation::<members::Update>()
        .operation::<members::SetRole>()
        .operation::<members::Remove>()
        .operation::<invitations::Create>()
        .operation::<invitations::CreateBatch>()
        .operation::<invitations::List>()
        .operation::<invitations::Revoke>()
        .operation::<invitations::Resend>()
        .operation::<invitations::Accept>()
        .operation::<invitations::Decline>()
        .operation::<invitations::Mine>()
        .operation::<invitations::Register>()
        .operation::<join_codes::Create>()
        .operation::<join_codes::List>()
        .operation::<join_codes::Revoke>()
        .operation::<join_codes::Join>()
        .operation::<roles::Show>()
        .operation::<roles::Create>()
        .operation::<roles::Update>()
        .operation::<roles::Delete>()
        .operation::<tokens::Create>()
        .operation::<tokens::List>()
        .operation::<tokens::Revoke>()
        .operation::<tokens::Update>()
        .operation::<tokens::Rotate>()
        .operation::<tokens::Introspect>()
        .operation::<workspaces::Create>()
        .operation::<workspaces::List>()
        .operation::<workspaces::Update>()
        .operation::<workspaces::Delete>()
        .operation::<accounts::Update>()
        .operation::<accounts::Forget>()
}

/// Routes, and the document that describes them.
pub(crate) struct Routes {
    pub(crate) router: Router<Arc<Admin>>,
    document: OpenApi,
}

impl Routes {
    fn new() -> Self {
        Self { router: Router::new(), document: openapi::empty_document() }
    }

    /// Adds one operation, to the router and to the document.
    fn operation<O>(mut self) -> Self
    where
        O: Operation + ToSchema,
        O::Output: ToSchema,
    {
        let path = format!("/v1/organizations/{}", O::ROUTE);
        openapi::describe::<O>(&mut self.document, &path);
        self.router = self.router.route(&path, post(handler::handle::<O>));
        self
    }

    /// The document as JSON.
    pub(crate) fn document_text(&self) -> String {
        // A document consists of maps with text as keys, lists, texts and numbers: all of it is JSON.
        self.document.to_pretty_json().unwrap_or_default()
    }
}

//! The table of routes.

use std::sync::Arc;

use axum::{Router, routing::post};
use tenantry_core::{
    engine::operation::Operation,
    operations::{accounts, invitations, join_codes, members, organizations, roles, tokens, workspaces},
};
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

use crate::{Admin, handler};

/// What is done with every operation of the table.
pub(crate) trait Visitor {
    fn operation<O: Routed>(&mut self);
}

/// All operations, in the order in which they are documented.
pub(crate) fn visit(visitor: &mut impl Visitor) {
    visitor.operation::<organizations::Create>();
    visitor.operation::<organizations::Get>();
    visitor.operation::<organizations::List>();
    visitor.operation::<organizations::Update>();
    visitor.operation::<organizations::SetStatus>();
    visitor.operation::<organizations::TransferOwnership>();
    visitor.operation::<organizations::Leave>();
    visitor.operation::<organizations::Delete>();
    visitor.operation::<organizations::Search>();
    visitor.operation::<members::List>();
    visitor.operation::<members::Get>();
    visitor.operation::<members::Update>();
    visitor.operation::<members::SetRole>();
    visitor.operation::<members::Remove>();
    visitor.operation::<invitations::Create>();
    visitor.operation::<invitations::CreateBatch>();
    visitor.operation::<invitations::List>();
    visitor.operation::<invitations::Revoke>();
    visitor.operation::<invitations::Resend>();
    visitor.operation::<invitations::Accept>();
    visitor.operation::<invitations::Decline>();
    visitor.operation::<invitations::Mine>();
    visitor.operation::<invitations::Register>();
    visitor.operation::<join_codes::Create>();
    visitor.operation::<join_codes::List>();
    visitor.operation::<join_codes::Revoke>();
    visitor.operation::<join_codes::Join>();
    visitor.operation::<roles::Show>();
    visitor.operation::<roles::Create>();
    visitor.operation::<roles::Update>();
    visitor.operation::<roles::Delete>();
    visitor.operation::<tokens::Create>();
    visitor.operation::<tokens::List>();
    visitor.operation::<tokens::Revoke>();
    visitor.operation::<tokens::Update>();
    visitor.operation::<tokens::Rotate>();
    visitor.operation::<tokens::Introspect>();
    visitor.operation::<workspaces::Create>();
    visitor.operation::<workspaces::List>();
    visitor.operation::<workspaces::Update>();
    visitor.operation::<workspaces::Delete>();
    visitor.operation::<accounts::Update>();
    visitor.operation::<accounts::Forget>();
}

/// An operation that can have a route: with the feature `openapi`, one that can be described.
#[cfg(feature = "openapi")]
pub(crate) trait Routed: Operation<Output: ToSchema> + ToSchema {}

#[cfg(feature = "openapi")]
impl<O: Operation<Output: ToSchema> + ToSchema> Routed for O {}

/// An operation that can have a route.
#[cfg(not(feature = "openapi"))]
pub(crate) trait Routed: Operation {}

#[cfg(not(feature = "openapi"))]
impl<O: Operation> Routed for O {}

/// Where the operation `O` is called.
pub(crate) fn path<O: Operation>() -> String {
    format!("/v1/organizations/{}", O::ROUTE)
}

/// A router of all operations.
pub(crate) fn router() -> Router<Arc<Admin>> {
    let mut routes = Routes(Router::new());
    visit(&mut routes);
    routes.0
}

struct Routes(Router<Arc<Admin>>);

impl Visitor for Routes {
    fn operation<O: Routed>(&mut self) {
        let Self(router) = self;
        *router = std::mem::take(router).route(&path::<O>(), post(handler::handle::<O>));
    }
}

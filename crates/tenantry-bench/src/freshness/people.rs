//! Whom node B knows, and of whom something is to be changed.

use anyhow::Result;
use http::HeaderValue;
use serde_json::json;
use tenantry_core::{
    access::caller::Caller,
    operations::{join_codes, organizations, tokens},
    values::ids::OrganizationId,
};
use tenantry_testing::actors;

use super::node::Node;
use crate::world::{bearer, must, signed};

/// A plain member, or an API token.
pub(super) struct Known {
    pub(super) organization: OrganizationId,
    pub(super) owner: Caller,
    /// The member's id, or the token's key.
    pub(super) id: String,
    pub(super) credential: HeaderValue,
}

/// A plain member of a new organization.
pub(super) async fn with_member(node: &Node, name: &str) -> Result<Known> {
    let (owner, organization) = organization(node, name).await?;
    let code = must::<join_codes::Create>(&node.engine, &owner, json!({ "organizationId": organization })).await?.code;
    let id = format!("member-{name}");
    must::<join_codes::Join>(&node.engine, &actors::user(&id), json!({ "code": code })).await?;
    let credential = signed(&id)?;
    Ok(Known { organization, owner, id, credential })
}

/// An API token of a new organization.
pub(super) async fn with_token(node: &Node, name: &str) -> Result<Known> {
    let (owner, organization) = organization(node, name).await?;
    let input = json!({ "organizationId": organization, "permissions": ["org:view"] });
    let made = must::<tokens::Create>(&node.engine, &owner, input).await?.api_token;
    let credential = bearer(&made.bearer)?;
    let id = made.bearer.split(':').next().unwrap_or_default().to_owned();
    Ok(Known { organization, owner, id, credential })
}

async fn organization(node: &Node, name: &str) -> Result<(Caller, OrganizationId)> {
    let owner = actors::user(&format!("owner-{name}"));
    let created = must::<organizations::Create>(&node.engine, &owner, json!({ "name": "Acme" })).await?;
    Ok((owner, created.organization.id))
}

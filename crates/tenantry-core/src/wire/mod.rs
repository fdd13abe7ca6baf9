//! The types that operations answer, as JSON shows them.

mod api_token;
mod invitation;
mod join_code;
mod member;
mod organization;

use crate::{access::roles::Roles, values::role::RoleName};

pub use self::{
    api_token::{ApiToken, ApiTokenCreated, PreviousSecret},
    invitation::{InvitationStatus, OrgInvitation, OrgInvitationCreated},
    join_code::{OrgJoinCode, OrgJoinCodeCreated},
    member::{MemberStatus, OrgMember},
    organization::{OrgMembership, Organization},
};

/// Declares the input of an operation: unknown fields are refused.
macro_rules! input {
    ($(#[$meta:meta])* $visible:vis struct $name:ident { $($body:tt)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        $visible struct $name { $($body)* }
    };
}

/// Declares what operations answer.
macro_rules! output {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name { $($body)* }
    )*};
}

pub(crate) use {input, output};

/// What an operation answers that has nothing more to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Done {
    /// Always true.
    pub ok: bool,
}

/// The roles from the highest to the lowest, and the highest of them.
fn ranked(known: &Roles, roles: Vec<RoleName>) -> (RoleName, Vec<RoleName>) {
    let roles = known.ranked(roles);
    (roles.first().cloned().unwrap_or_else(RoleName::member), roles)
}

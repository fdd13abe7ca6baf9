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

/// Declares the input of an operation: unknown fields are refused. It may get more fields, so hosts make it by `new`,
/// which takes what must be there.
macro_rules! input {
    ($(#[$meta:meta])* $visible:vis struct $name:ident { $($body:tt)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        $visible struct $name { $($body)* }

        impl $crate::wire::sealed::Sealed for $name {}

        $crate::wire::constructor! { $name [] [] $($body)* }
    };
}

/// Sorts the fields of an input into those that must be there and those that may be absent, and makes `new` of them.
macro_rules! constructor {
    ($name:ident $needed:tt [$($absent:ident)*] $(#[$meta:meta])* pub $field:ident: Option<$type:ty>, $($rest:tt)*) => {
        $crate::wire::constructor! { $name $needed [$($absent)* $field] $($rest)* }
    };
    ($name:ident $needed:tt [$($absent:ident)*] $(#[$meta:meta])* pub $field:ident: Edit<$type:ty>, $($rest:tt)*) => {
        $crate::wire::constructor! { $name $needed [$($absent)* $field] $($rest)* }
    };
    ($name:ident [$($needed:tt)*] $absent:tt $(#[$meta:meta])* pub $field:ident: $type:ty, $($rest:tt)*) => {
        $crate::wire::constructor! { $name [$($needed)* ($field: $type)] $absent $($rest)* }
    };
    ($name:ident [] [$($absent:ident)*]) => {
        impl $name {
            /// An input that says nothing yet: its fields can be set.
            #[must_use]
            pub fn new() -> Self {
                Self { $($absent: Default::default()),* }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }
    };
    ($name:ident [$(($field:ident: $type:ty))+] [$($absent:ident)*]) => {
        impl $name {
            /// An input that says what it must. What else it can say is absent, and can be set by its fields.
            #[must_use]
            pub fn new($($field: impl Into<$type>),+) -> Self {
                Self { $($field: $field.into(),)+ $($absent: Default::default()),* }
            }
        }
    };
}

/// Declares what operations answer, which may get more fields.
macro_rules! output {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[non_exhaustive]
        pub struct $name { $($body)* }
    )*};
}

pub(crate) use {constructor, input, output};

pub(crate) mod sealed {
    /// What only this crate implements: the inputs of operations.
    pub trait Sealed {}
}

/// What an operation answers that has nothing more to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Done {
    /// Always true.
    pub ok: bool,
}

/// The roles from the highest to the lowest, and the highest of them.
fn ranked(known: &Roles, roles: Vec<RoleName>) -> (RoleName, Vec<RoleName>) {
    let roles = known.ranked(roles);
    (roles.first().cloned().unwrap_or_else(RoleName::member), roles)
}

//! All operations. One file each; the type is the input.
//!
//! In a request, `null` is the same as absent. What an update can clear is cleared by an empty text or list; where no
//! such thing could stand for "none" (a moment, a limit), the field is an [`Edit`], and `null` takes the value away.

mod edit;

pub mod accounts;
pub mod invitations;
pub(crate) mod issued;
pub mod join_codes;
pub mod members;
pub mod organizations;
pub mod roles;
pub mod tokens;
pub mod workspaces;

pub use edit::Edit;

/// What an operation answers that has nothing more to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Done {
    /// Always true.
    pub ok: bool,
}

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

/// Declares what an operation answers.
macro_rules! output {
    ($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name { $($body)* }
    };
}

pub(crate) use {input, output};

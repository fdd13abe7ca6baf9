//! What a layer wants of a request.

/// What is wanted of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A user or an API token, in an organization.
    Required,
    /// As much as the request tells.
    Optional,
    /// A user, of whom no organization is chosen.
    UserOnly,
}

impl Mode {
    /// Whether the request's organization is looked for.
    pub(crate) fn chooses(self) -> bool {
        self != Self::UserOnly
    }

    /// Whether a request without a credential is refused.
    pub(crate) fn needs_credential(self) -> bool {
        self != Self::Optional
    }

    /// Whether a request without an organization is refused.
    pub(crate) fn needs_tenant(self) -> bool {
        self == Self::Required
    }
}

//! The names by which the host's own code acts.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::values::{limits, visible_text};

/// The name by which a part of the host's own code acts, such as `billing-job`: 1 to 100 characters of one line. The audit
/// log shows it.
///
/// ```
/// use tenantry_core::values::host_actor::HostActor;
///
/// assert_eq!(HostActor::new("billing-job")?.as_str(), "billing-job");
/// assert!(HostActor::new("").is_err());
/// # Ok::<(), tenantry_core::values::host_actor::InvalidHostActor>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String))]
pub struct HostActor(Arc<str>);

/// The name cannot be an actor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an actor of the host's has a name of one line, of 1 to {max} characters", max = limits::NAME_CHARS_MAX)]
pub struct InvalidHostActor;

impl HostActor {
    /// The actor of this name.
    ///
    /// # Errors
    /// [`InvalidHostActor`], if the name is empty, too long, of several lines, or cannot be seen.
    pub fn new(name: impl Into<Arc<str>>) -> Result<Self, InvalidHostActor> {
        let name = name.into();
        let is_name = visible_text::is_name(&name) && name.chars().count() <= limits::NAME_CHARS_MAX;
        is_name.then_some(Self(name)).ok_or(InvalidHostActor)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HostActor {
    type Error = InvalidHostActor;

    fn try_from(name: String) -> Result<Self, InvalidHostActor> {
        Self::new(name)
    }
}

impl fmt::Display for HostActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

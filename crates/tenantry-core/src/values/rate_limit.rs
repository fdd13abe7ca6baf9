//! How often an API token may be presented.

use serde::{Deserialize, Serialize};

/// How often an API token may be presented, to each node of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct RateLimit {
    /// How many requests within `seconds`: 1 to 1000000. All of them may come at once.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub requests: u32,
    /// In how many seconds that many are let through again: 1 to 86400 (a day). They come back evenly.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 86_400))]
    pub seconds: u32,
}

impl RateLimit {
    /// `requests` within `seconds`.
    #[must_use]
    pub const fn new(requests: u32, seconds: u32) -> Self {
        Self { requests, seconds }
    }

    /// The time after which room for one more request comes back, in nanoseconds.
    pub(crate) fn interval(self) -> u64 {
        const NANOS_PER_SECOND: u64 = 1_000_000_000;
        u64::from(self.seconds) * NANOS_PER_SECOND / u64::from(self.requests.max(1))
    }
}

//! Every bound and every default of the layer, of JWTs and of keys that are fetched.

use std::time::Duration;

/// How long a refusal is remembered at most: long enough that who sends a wrong credential again and again costs
/// nothing, and short where what no notice tells has made it right.
pub(crate) const REFUSED_MAX_AGE: Duration = Duration::from_secs(5);
/// How often an answer may turn out stale while it is read, before a request reads for itself alone.
pub(crate) const ATTEMPTS_MAX: u32 = 4;
/// More slots than this are of no use: the table would not be in a core's cache itself.
pub(crate) const HOT_SLOTS_MAX: usize = 1 << 16;
/// How long a stream waits at least before it looks again whether its rights have changed.
pub(crate) const STREAM_PAUSE_MIN: Duration = Duration::from_millis(20);
/// How long an answer is remembered unless the host says otherwise.
pub(crate) const MAX_AGE_DEFAULT: Duration = Duration::from_secs(30);
/// The longest that an answer may be remembered.
pub(crate) const MAX_AGE_MAX: Duration = Duration::from_secs(3600);
/// How long an answer is believed after the last proof that notices arrive, unless the host says otherwise.
pub(crate) const MAX_STALENESS_DEFAULT: Duration = Duration::from_secs(2);
/// Proofs come several times a second: below this, a slow one would make every request read.
pub(crate) const MAX_STALENESS_MIN: Duration = Duration::from_secs(1);
/// How many answers are remembered unless the host says otherwise.
pub(crate) const CAPACITY_DEFAULT: u64 = 10_000;

/// The longest name of a user that is kept, in characters.
pub(crate) const DISPLAY_NAME_CHARS_MAX: usize = 256;
/// The shortest secret by which a proxy is believed, in bytes.
pub(crate) const PROXY_SECRET_BYTES_MIN: usize = 32;

#[cfg(feature = "jwt")]
mod jwt {
    use super::Duration;

    /// The most leeway that may be set.
    pub(crate) const LEEWAY_MAX: Duration = Duration::from_secs(300);
    /// The shortest RSA key that is believed, in bits.
    pub(crate) const RSA_BITS_MIN: usize = 2048;
}

#[cfg(feature = "jwt")]
pub(crate) use self::jwt::*;

#[cfg(feature = "jwks")]
mod jwks {
    use super::Duration;

    /// The most keys that are taken from one set.
    pub(crate) const JWKS_KEYS_MAX: usize = 100;
    /// How long keys stay while the issuer cannot be reached, unless the host says otherwise.
    pub(crate) const JWKS_OUTAGE_DEFAULT: Duration = Duration::from_secs(24 * 3600);
    /// The least time between two fetches for the sake of unknown keys, unless the host says otherwise.
    pub(crate) const JWKS_MIN_REFRESH_DEFAULT: Duration = Duration::from_secs(10);
    /// The shortest and the longest that it may be.
    pub(crate) const JWKS_MIN_REFRESH: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));
    /// How long a request waits for keys.
    pub(crate) const JWKS_WAIT_MAX: Duration = Duration::from_secs(5);
    /// A token that was refused once may cause another fetch only after `min_refresh` times this factor.
    pub(crate) const JWKS_REFUSED_FACTOR: u32 = 6;
    /// The most that a fetch may take.
    pub(crate) const JWKS_FETCH_MAX: Duration = Duration::from_secs(5);
    /// For how long keys are good if the issuer does not say.
    pub(crate) const JWKS_MAX_AGE_DEFAULT: Duration = Duration::from_secs(3600);
    /// The least and the most that it may say.
    pub(crate) const JWKS_MAX_AGE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 3600));
    /// The pause after the first failure. It doubles with each that follows.
    pub(crate) const JWKS_RETRY_MIN: Duration = Duration::from_secs(1);
    /// The longest pause between two tries.
    pub(crate) const JWKS_RETRY_MAX: Duration = Duration::from_secs(60);
    /// How many tokens with unknown keys are remembered. One that is forgotten is not refused too early: it counts as not
    /// seen yet.
    pub(crate) const JWKS_UNKNOWN_TOKENS_MAX: usize = 4096;
    /// The largest answer of an issuer, in bytes.
    pub(crate) const JWKS_BYTES_MAX: usize = 256 * 1024;
}

#[cfg(feature = "jwks")]
pub(crate) use self::jwks::*;

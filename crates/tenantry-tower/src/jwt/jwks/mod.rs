//! Keys that are fetched from their issuer (JWKS, RFC 7517; OpenID Connect Discovery 1.0).
//!
//! 1. One task for each issuer fetches, and nobody else: so there is one fetch at a time, however many wait for it. It
//!    fetches at three quarters of the time that the issuer allows (`Cache-Control: max-age`, within a minute and a
//!    day, or an hour), and ends with the last clone of the verifier.
//! 2. What cannot be fetched is fetched again, after a second at first and then less often. The keys that are known
//!    stay for as long as [`Jwks::keep_through_outage`] says; then, as before the first fetch, tokens of that issuer
//!    are answered 503 with `Retry-After`: neither believed nor refused.
//! 3. A token whose key is not known makes the task fetch at once, though not more often than
//!    [`Jwks::min_refresh`] says, and waits for it. It is refused if the set of keys lacks its key and was asked for
//!    *after the token was first seen*. So no token is refused for having come earlier than its key, whatever else is
//!    sent here at the time. If it cannot be asked for yet, the answer is 429 `rate_limited` with `Retry-After`. Not
//!    401: its client would sign the user out. Not 503: strangers could make this service look broken.
//!    A token whose key is known and did not sign it is refused at once: an issuer that gives the name (`kid`) of one
//!    key to another is found out at the next fetch only.
//! 4. A key that is gone from the set verifies nothing more, nor does anything count that it verified before.
//! 5. A key has the one algorithm that the issuer says, or else the one that its type implies. What is no public key
//!    that signs, symmetric keys before all, is skipped; the keys beside it are not.
//! 6. A set without a key that can be used is taken for a failure of the issuer: the keys that are known stay.

mod document;
mod fetch;
mod refresh;
mod remote;
mod source;
mod unknown_tokens;

pub(super) use remote::Remote;
pub use source::Jwks;

//! What the tests have in common.

mod clock;
mod jwt;
mod store;
mod world;

pub(crate) use clock::TestClock;
pub(crate) use jwt::{
    AUDIENCE, DEFAULT_PROVIDER, HS_SECRET, ISSUER, Signing, claims, hs256_key, key_file, sign, sign_with_header,
};
pub(crate) use store::Watched;
pub(crate) use world::{Answer, Service, World, ask, ask_clone, eventually, get, plain, with_authorization};

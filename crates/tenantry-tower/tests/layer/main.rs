//! The layer over the embedded store: as a plain tower service and under axum.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot be goes no further")]

#[cfg(feature = "axum")]
mod axum_app;
mod bodies;
mod choices;
#[cfg(feature = "axum")]
mod cors;
mod credentials;
mod freshness;
mod identity;
mod issuers;
#[cfg(feature = "jwks")]
mod jwks;
mod jwt_forms;
mod jwts;
mod outages;
#[cfg(feature = "axum")]
mod paths;
mod permissions;
mod providers;
mod refusals;
mod secrecy;
mod seen;
mod streams;
mod strict;
mod support;
mod user_only;
mod vary;
mod ways;

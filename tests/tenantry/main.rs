//! What crosses crates: a service that was made multi-tenant, over real HTTP, on every store.
//!
//! The files mirror the URLs. Every test runs on the embedded store and on Redis, in a namespace of its own; the
//! Redis server is started by the tests, on a free port.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

mod actors;
mod audit;
mod world;

mod bodies;
mod deployments;
mod directory;
mod document;
mod ends;
mod faults;
mod health;
mod hooks;
mod host;
mod issuers;
mod jwks;
mod layer;
mod mails;
mod matrix;
mod model;
mod nodes;
mod openapi;
mod policies;
mod rate_limits;
mod readme;
mod sockets;
mod stored_secrets;
mod topologies;
mod v1;

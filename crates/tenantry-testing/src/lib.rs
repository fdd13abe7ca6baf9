//! For the tests of hosts and for authors of stores.
//!
//! 1. [`conformance`] tells whether a store keeps the [contract](tenantry_core::store), sentence by sentence;
//! 2. [`redis_server`] starts real Redis servers, stops them, freezes them and brings them back.
//!
//! What is still to come has its place here: a race kit, which runs the domain's rules on a store from many tasks.

pub mod conformance;
pub mod redis_server;

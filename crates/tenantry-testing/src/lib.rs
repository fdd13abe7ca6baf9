//! For the tests of hosts and for authors of stores.
//!
//! 1. [`conformance`] tells whether a store keeps the [contract](tenantry_core::store), sentence by sentence;
//! 2. [`redis_server`] starts real Redis servers, stops them, freezes them and brings them back;
//! 3. [`race`] tells whether the rules of the domain hold on a store when many act at once;
//! 4. [`model`] tells whether every operation answers as the specification says;
//! 5. [`counting`] shows that a cost does not grow with what there is;
//! 6. [`smtp_server`] starts real SMTP servers that keep the mail that they take;
//! 7. [`relay`] stands between a store and its server, and breaks the connection wherever a test wants it;
//! 8. [`disk`] is a small disk, which a test can fill;
//! 9. [`network`] is a network that a test has for itself, and can cut wherever it wants;
//! 10. [`actors`] are callers for the tests of all of these, and for a host's own.

pub mod actors;
pub mod conformance;
pub mod counting;
pub mod disk;
pub mod model;
pub mod network;
mod process;
pub mod race;
pub mod redis_server;
pub mod relay;
pub mod smtp_server;

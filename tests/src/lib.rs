//! What crosses crates; the tests are in `tenantry/`. Here are the examples of the guide, which are compiled and run.

#[cfg(doctest)]
#[doc = include_str!("../../docs/guide.md")]
struct Guide;

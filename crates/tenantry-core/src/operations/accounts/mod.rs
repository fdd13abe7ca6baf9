//! The host's user accounts, as far as organizations are concerned.

mod forget;

pub use forget::{Forget, Forgotten};

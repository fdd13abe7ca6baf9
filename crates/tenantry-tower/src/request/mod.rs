//! What a request says: its credential, and which organization it means.

pub(crate) mod choice;
pub(crate) mod choices;
mod cookie;
pub(crate) mod credential;
pub(crate) mod head;

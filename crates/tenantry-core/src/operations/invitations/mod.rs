//! Invitations.

mod accept;
mod addressed;
mod create;
mod decline;
mod list;
mod mine;
mod resend;
mod revoke;

pub use accept::{Accept, Joined};
pub use create::Create;
pub use decline::Decline;
pub use list::{List, Listed};
pub use mine::{Mine, Waiting};
pub use resend::Resend;
pub use revoke::Revoke;

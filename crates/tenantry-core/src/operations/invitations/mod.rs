//! Invitations.

mod accept;
mod addressed;
mod allowance;
pub(crate) mod close;
mod create;
mod create_batch;
mod decline;
mod invitee;
mod list;
mod mail;
mod mine;
mod register;
mod resend;
pub(crate) mod revoke;

pub use accept::{Accept, Joined};
pub use create::Create;
pub use create_batch::{BatchResult, CreateBatch, Invited, Refusal};
pub use decline::Decline;
pub use invitee::Invitee;
pub use list::{List, Listed};
pub use mine::{Mine, Waiting};
pub use register::{Password, Register, Registered};
pub use resend::Resend;
pub use revoke::Revoke;

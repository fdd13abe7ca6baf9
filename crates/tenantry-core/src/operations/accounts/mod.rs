//! Changes of a user's account in all their organizations, for a host that changes or deletes the account.

mod forget;
mod update;

use crate::{
    access::caller::Caller,
    engine::{
        Engine, entry,
        operation::{Operation, Request},
    },
    values::{
        error::Error,
        ids::{OrganizationId, UserId},
        limits,
    },
};

pub use forget::{Forget, Forgotten};
pub use update::{Update, Updated};

/// Carries out an operation in each organization that the user may belong to, in one commit each: after a crash, the
/// next call does the rest. Answers in how many organizations the user was a member, and whether there may be more
/// organizations than one request gets to.
async fn everywhere<O: Operation<Output = bool>>(
    engine: &Engine,
    caller: &Caller,
    user: &UserId,
    there: impl Fn(OrganizationId) -> O + Send + Sync,
) -> Result<(u64, bool), Error> {
    let request = Request::new(caller.clone());
    let limit = limits::LIST_LIMIT_DEFAULT as usize;
    let (mut count, mut after) = (0, None);
    for _ in 0..limits::ACCOUNT_PAGES_MAX {
        let entries = engine.membership_entries(user, after, limit).await?;
        for (organization, ..) in entries.iter().filter_map(entry::parse_membership) {
            count += u64::from(Box::pin(engine.carry_out(&request, &there(organization))).await?);
        }
        if entries.len() < limit {
            return Ok((count, false));
        }
        after = entries.into_iter().last();
    }
    Ok((count, true))
}

//! Limits on inviting besides the permission for it: the host's policy, and bounds that keep an organization from being
//! used to mail strangers.

use super::mail;
use crate::{
    engine::{meter::Meter, transaction::Transaction},
    rows::{OrganizationRow, keys, shards},
    store::Add,
    values::{
        error::{Error, ErrorKind, Quota},
        limits,
    },
};

/// Refuses a caller whom the host does not let invite.
pub(super) async fn require_inviter(tx: &mut Transaction<'_>, organization: &OrganizationRow) -> Result<(), Error> {
    let Some(may_invite) = tx.engine.host().known_may_invite() else { return Ok(()) };
    if may_invite(tx.caller, &tx.shown(organization.clone()).await?) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Forbidden, "you may not invite anybody here: ask the operator of this service"))
}

/// Counts so many mails against the quotas of the user and the organization, if invitations are mailed.
pub(super) async fn count_mails(tx: &mut Transaction<'_>, mails: usize) -> Result<(), Error> {
    if mails == 0 || !mail::is_wanted(tx) {
        return Ok(());
    }
    let mails = u64::try_from(mails).map_err(Error::internal)?;
    let (organization_max, user_max) = tx.engine.host().known_mails_max();
    let quota = |name, max: u32| Quota { name, count: max.into(), window: limits::MAILS_WINDOW };
    // The user's quota is in their own shard, so it is counted before the commit, even if the request is refused later.
    // Only the first attempt counts it.
    if let (0, Ok(user)) = (tx.attempt, tx.user()) {
        let meter = Meter {
            key: keys::mails_of(&user.id),
            quota: quota("invitation-mails-user", user_max),
            beyond: "you have invited too many in too short a time: wait, then invite the others",
        };
        tx.engine.meter(&shards::user(&user.id), &meter, mails).await?;
    }
    let meter = Meter {
        key: keys::mails(),
        quota: quota("invitation-mails-organization", organization_max),
        beyond: "the organization has invited too many in too short a time: wait, then invite the others",
    };
    tx.meter(&meter, mails).await
}

/// Counts one open invitation more; the commit refuses to exceed the maximum.
pub(super) fn open_one(tx: &mut Transaction<'_>) {
    let max = tx.engine.host().known_open_invitations_max();
    let beyond = "too many invitations of the organization are open: revoke some of them, those that have expired too";
    let add = Add { key: keys::open_invitations(), by: 1, min: None, max: Some(max.into()) };
    tx.add(add, Error::new(ErrorKind::InvitationsExhausted, beyond));
}

/// Counts one open invitation less.
pub(super) fn close_one(tx: &mut Transaction<'_>) {
    let unbounded = Error::internal("a counter without bounds was said to leave them");
    tx.add(Add { key: keys::open_invitations(), by: -1, min: None, max: None }, unbounded);
}

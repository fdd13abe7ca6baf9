use serde_json::json;

use crate::{
    address::Address,
    caller::Identity,
    change::Change,
    entry::IndexEntry,
    error::{Error, ErrorKind},
    ids::{InvitationId, OrganizationId},
    operation::{Locate, Needs, Operation},
    operations::{input, members::join, output, roles::count_holders},
    role::RoleName,
    rows::{self, InvitationRow, InvitationState, index, keys, shards},
    secret::InvitationToken,
    transaction::Transaction,
    validate::Violations,
};

input! {
    /// Accepts an invitation, by its token, or by its id when it is addressed to the caller.
    pub struct Accept {
        /// The token; either this or `id`.
        pub token: Option<String>,
        /// The id; either this or `token`.
        pub id: Option<InvitationId>,
    }
}

output! {
    /// Where the caller is a member now.
    pub struct Joined {
        /// The organization.
        pub organization_id: OrganizationId,
        /// The highest of the caller's roles.
        pub role: RoleName,
        /// Whether they were a member before: then nothing was changed.
        pub already_member: bool,
    }
}

impl Operation for Accept {
    type Output = Joined;

    const ROUTE: &'static str = "invitations/accept";
    const SUMMARY: &'static str = "Accept an invitation";
    const NEEDS: Needs = Needs::User;
    const ERRORS: &'static [ErrorKind] = &[
        ErrorKind::EmailMismatch,
        ErrorKind::EmailUnverified,
        ErrorKind::OrganizationSuspended,
        ErrorKind::NotFound,
        ErrorKind::SeatsExhausted,
        ErrorKind::OwnedLimit,
        ErrorKind::Expired,
        ErrorKind::Revoked,
        ErrorKind::Used,
    ];
    const EVENT: Option<&'static str> = Some("invitations.accept");

    fn check(&self, problems: &mut Violations) {
        match (&self.token, &self.id) {
            (None, None) => problems.add("token", "required", "give either token or id"),
            (Some(_), Some(_)) => problems.add("id", "conflict", "give either token or id, not both"),
            (Some(token), None) => {
                if let Err(error) = InvitationToken::parse(token) {
                    problems.add("token", "invalid", error.to_string());
                }
            }
            (None, Some(_)) => {}
        }
    }

    async fn locate(&self, request: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        if let Some(token) = self.token()? {
            return Ok(Some(token.organization()));
        }
        // An id alone is no secret: it is looked for only among what is addressed to the caller.
        let id = self.id.ok_or_else(unknown)?;
        for address in request.request.caller.user()?.addresses() {
            let key = keys::address_entry(id).key;
            let found = request.engine.store().read(&shards::address(&address.normal()), &[key]).await?.pop().flatten();
            if let Some(organization) = found {
                return rows::decode(&organization).map(Some);
            }
        }
        Err(unknown())
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Joined, Error> {
        let user = tx.user()?;
        let token = self.token()?;
        let id = token.as_ref().map(InvitationToken::invitation).or(self.id).ok_or_else(unknown)?;
        let key = keys::invitation(id);
        let member_key = keys::member(&user.id);
        tx.load([keys::organization().key, key.key.clone(), member_key.key.clone(), keys::roles().key]).await?;
        let row: InvitationRow = tx.get(&key).await?.ok_or_else(unknown)?;
        if token.is_some_and(|token| token.hashed() != row.secret) {
            return Err(unknown());
        }
        require_addressee(user, &row.address)?;
        let organization = tx.organization().await?;
        organization.require_active()?;
        let organization_id = tx.organization_id()?;
        if let Some(member) = tx.get(&member_key).await? {
            let role = tx.roles().await?.ranked(member.roles).into_iter().next().unwrap_or_else(RoleName::member);
            return Ok(Joined { organization_id, role, already_member: true });
        }
        require_open(tx, &row)?;
        let roles = row.roles.clone();
        close(tx, id, row, InvitationState::Accepted).await?;
        join::admit(tx, user, roles.clone(), organization, Some(id)).await?;
        let change = Change::Member(organization_id, user.id.clone());
        tx.changed(change, Some(user.id.to_string()), &json!({ "invitation": id, "roles": roles }))?;
        let role = tx.roles().await?.ranked(roles).into_iter().next().unwrap_or_else(RoleName::member);
        Ok(Joined { organization_id, role, already_member: false })
    }
}

impl Accept {
    fn token(&self) -> Result<Option<InvitationToken>, Error> {
        let token = self.token.as_deref().map(InvitationToken::parse).transpose();
        token.map_err(|error| Error::invalid_field("token", "invalid", error.to_string()))
    }
}

fn unknown() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such invitation: ask whoever invited you for another")
}

/// The invitation is for this user. The error does not tell for whom else.
fn require_addressee(user: &Identity, address: &Address) -> Result<(), Error> {
    let normal = address.normal();
    if user.addresses().any(|own| own.normal() == normal) {
        return Ok(());
    }
    if address.as_email().is_some() && user.verified_email().is_none() {
        return Err(Error::new(
            ErrorKind::EmailUnverified,
            "your e-mail address is not verified: verify it where you sign in, then try again",
        ));
    }
    Err(Error::new(
        ErrorKind::EmailMismatch,
        "the invitation is for another address than yours: sign in with the one that was invited",
    ))
}

fn require_open(tx: &Transaction<'_>, row: &InvitationRow) -> Result<(), Error> {
    match row.state {
        InvitationState::Open if row.expires_at > tx.now => Ok(()),
        InvitationState::Open | InvitationState::Expired => {
            Err(Error::new(ErrorKind::Expired, "the invitation has expired: ask for another"))
        }
        InvitationState::Accepted => Err(Error::new(ErrorKind::Used, "the invitation was accepted already")),
        InvitationState::Revoked => Err(Error::new(ErrorKind::Revoked, "the invitation was withdrawn")),
    }
}

/// Ends an open invitation: it is listed no more, and its address is free for another.
///
/// Whoever accepted it can still name it by its id: a repetition is told the same, and not that there is none.
pub(super) async fn close(
    tx: &mut Transaction<'_>,
    id: InvitationId,
    mut row: InvitationRow,
    state: InvitationState,
) -> Result<(), Error> {
    let normal = row.address.normal();
    if state != InvitationState::Accepted {
        let address_key = keys::address(&normal);
        if let Some(mut known) = tx.get(&address_key).await?.filter(|known| known.invitation == Some(id)) {
            known.invitation = None;
            if known.members.is_empty() { tx.delete(&address_key) } else { tx.put(&address_key, &known)? }
        }
        tx.release(IndexEntry::Invitation(normal, id), tx.intent);
    }
    count_holders(tx, &row.roles, &[]).await?;
    tx.unindex(index::INVITATIONS, id.to_base62());
    row.state = state;
    tx.put(&keys::invitation(id), &row)
}

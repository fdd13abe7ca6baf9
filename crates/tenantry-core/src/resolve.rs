//! What the layer asks: who is this, in which organization, with which rights? Reads only, and decides nothing that
//! `authority.rs` does not decide.

use crate::{
    authority,
    caller::{Caller, Presented},
    engine::Engine,
    entry::{self, IndexEntry},
    error::Error,
    ids::{OrganizationId, UserId},
    limits,
    roles::Roles,
    rows::{self, Intent, MemberRow, OrganizationRow, SlugClaimRow, TokenRow, UsedRow, index, keys, shards},
    secret::Hashed,
    slug::Slug,
    store::{Check, CommitError, Numbered, Order, Range, Txn},
    tenant::Tenant,
    view::OrgMembership,
};

/// How many organizations a user has, as far as it matters when none was named.
#[derive(Debug, Clone)]
pub enum OnlyOrganization {
    /// The user belongs to no organization.
    None,
    /// The user belongs to exactly this one.
    One(OrganizationId),
    /// The user belongs to several and must say which one they mean.
    Several,
}

impl Engine {
    /// The caller in `organization`: one read of one shard.
    ///
    /// # Errors
    /// `not_found` if there is no such organization or the caller has no place in it, `invalid_token` or
    /// `expired_token` for an API token, `organization_suspended`, `unavailable`.
    pub async fn resolve(&self, caller: &Caller, organization: OrganizationId) -> Result<Tenant, Error> {
        let values = self.store().read(&shards::organization(organization), &authority::keys(caller)).await?;
        let values = exactly(values)?;
        let now = self.clock().now();
        let (row, authority) = authority::decide(caller, organization, &values, self.registry(), now)?;
        Ok(Tenant::new(organization, row, authority, self.registry().clone()))
    }

    /// The owner of an API token, if the token is valid: one read of one shard.
    pub async fn resolve_token(&self, presented: &Presented) -> Result<Tenant, Error> {
        self.resolve(&Caller::Token(presented.clone()), presented.key.organization()).await
    }

    /// The caller in the organization that has `slug`: two reads of two shards.
    pub async fn resolve_slug(&self, caller: &Caller, slug: &Slug) -> Result<Tenant, Error> {
        let not_found = || Error::not_found("organization");
        let claim = self.store().read(&shards::slug(slug), &[keys::slug_claim().key]).await?.pop().flatten();
        let claim: SlugClaimRow = rows::decode(&claim.ok_or_else(not_found)?)?;
        let tenant = self.resolve(caller, claim.organization).await?;
        // The claim may be one that never became true, or is true no more.
        if tenant.organization_slug() == slug.as_str() { Ok(tenant) } else { Err(not_found()) }
    }

    /// The one organization that the user belongs to, if it is one.
    pub async fn only_organization(&self, user: &UserId) -> Result<OnlyOrganization, Error> {
        let mut only = None;
        let mut after = None;
        loop {
            let entries = self.membership_entries(user, after, 16).await?;
            let Some(last) = entries.last() else { break };
            after = Some(last.number);
            for membership in self.confirm_all(user, &entries).await? {
                if only.replace(membership.organization.id).is_some() {
                    return Ok(OnlyOrganization::Several);
                }
            }
        }
        Ok(only.map_or(OnlyOrganization::None, OnlyOrganization::One))
    }

    /// All organizations of a user, in the order of joining, at most [`limits::MEMBERSHIPS_MAX`].
    pub async fn memberships(&self, user: &UserId) -> Result<Vec<OrgMembership>, Error> {
        let mut memberships = Vec::new();
        let mut after = None;
        while memberships.len() < limits::MEMBERSHIPS_MAX {
            let page = self.memberships_page(user, after, limits::LIST_LIMIT_MAX as usize).await?;
            memberships.extend(page.memberships);
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        Ok(memberships)
    }

    /// A part of a user's organizations.
    pub(crate) async fn memberships_page(
        &self,
        user: &UserId,
        mut after: Option<u64>,
        limit: usize,
    ) -> Result<MembershipsPage, Error> {
        let mut memberships = Vec::new();
        loop {
            let wanted = limit - memberships.len();
            let entries = self.membership_entries(user, after, wanted).await?;
            after = entries.last().map(|entry| entry.number);
            memberships.extend(self.confirm_all(user, &entries).await?);
            // Entries that were not confirmed leave room for the next ones.
            if entries.len() < wanted {
                return Ok(MembershipsPage { memberships, next: None });
            }
            if memberships.len() == limit {
                return Ok(MembershipsPage { memberships, next: after });
            }
        }
    }

    pub(crate) async fn membership_entries(
        &self,
        user: &UserId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error> {
        let range = Range { index: index::ORGANIZATIONS, after, order: Order::OldestFirst, limit };
        Ok(self.store().range(&shards::user(user), &range).await?)
    }

    /// Reads each entry's organization, all at once, and drops what is not so.
    async fn confirm_all(&self, user: &UserId, entries: &[Numbered]) -> Result<Vec<OrgMembership>, Error> {
        let confirmed = entries
            .iter()
            .filter_map(|entry| entry::parse_name(&entry.key))
            .map(async |(organization, intent)| self.confirm(user, organization, intent).await);
        let confirmed = futures_util::future::join_all(confirmed).await;
        confirmed.into_iter().filter_map(Result::transpose).collect()
    }

    async fn confirm(
        &self,
        user: &UserId,
        organization: OrganizationId,
        intent: Intent,
    ) -> Result<Option<OrgMembership>, Error> {
        let confirmed = self.confirm_membership(user, organization, intent).await?;
        confirmed.map(|(row, member, roles)| OrgMembership::new(organization, row, member, &roles)).transpose()
    }

    /// What the entry of a membership leads to; `None` if it is false, and then it is pruned.
    pub(crate) async fn confirm_membership(
        &self,
        user: &UserId,
        organization: OrganizationId,
        intent: Intent,
    ) -> Result<Option<(OrganizationRow, MemberRow, Roles)>, Error> {
        let member_key = keys::member(user).key;
        let keys = [keys::organization().key, member_key.clone(), keys::roles().key];
        let [row, member, roles] = exactly(self.store().read(&shards::organization(organization), &keys).await?)?;
        let found: Option<OrganizationRow> = row.as_deref().map(rows::decode).transpose()?;
        let found_member: Option<MemberRow> = member.as_deref().map(rows::decode).transpose()?;
        match (found, found_member) {
            (Some(found), Some(found_member)) if found_member.intent == intent => {
                let roles = Roles::read(self.registry(), roles.as_deref())?;
                Ok(Some((found, found_member, roles)))
            }
            _ => {
                let checks = vec![Check { key: member_key, expected: member }];
                self.prune(IndexEntry::Membership(user.clone()), organization, intent, checks).await;
                Ok(None)
            }
        }
    }

    /// Notes that an API token is in use, unless that was noted within the last minute.
    ///
    /// For the layer to call when it has resolved a token anew; nothing waits for it, and nothing depends on it.
    pub async fn record_use(&self, presented: &Presented) -> Result<(), Error> {
        let shard = shards::organization(presented.key.organization());
        let key = keys::token_used(&presented.key).key;
        let values = self.store().read(&shard, &[keys::token(&presented.key).key, key.clone()]).await?;
        let [kept_token, expected] = exactly(values)?;
        let token: Option<TokenRow> = kept_token.as_deref().map(rows::decode).transpose()?;
        let mut used: UsedRow = expected.as_deref().map(rows::decode).transpose()?.unwrap_or_default();
        let now = self.clock().now();
        let Some(token) = token else { return Ok(()) };
        if used.by(&presented.secret).is_some_and(|noted| now.since(noted) < limits::LAST_USED_GRANULARITY) {
            return Ok(());
        }
        let kept = |secret: &Hashed| {
            *secret == token.secret || token.overlapping(now).is_some_and(|previous| previous.secret == *secret)
        };
        used.secrets.retain(|(secret, _)| kept(secret) && *secret != presented.secret);
        if kept(&presented.secret) {
            used.secrets.push((presented.secret.clone(), now));
        }
        used.last = Some(now);
        let puts = vec![(key.clone(), rows::encode(&used)?)];
        // In a conflict, somebody else has just noted a use, or the token is gone with its organization.
        let checks =
            vec![Check { key: keys::token(&presented.key).key, expected: kept_token }, Check { key, expected }];
        let txn = Txn { checks, puts, ..Txn::default() };
        match self.store().commit(&shard, &txn).await {
            Ok(_) | Err(CommitError::Conflict | CommitError::Limit(_)) => Ok(()),
            Err(CommitError::Unavailable(error)) => Err(error.into()),
        }
    }
}

/// A part of a user's organizations, and where the next one begins.
pub(crate) struct MembershipsPage {
    pub(crate) memberships: Vec<OrgMembership>,
    pub(crate) next: Option<u64>,
}

fn exactly<T, const N: usize>(values: Vec<T>) -> Result<[T; N], Error> {
    values.try_into().map_err(|_| Error::internal("the store answered for another number of rows than were asked for"))
}

//! Answers the layer's question: who is calling, in which organization, with which rights? This module only reads;
//! `access/authority.rs` decides.

use bytes::Bytes;

use crate::{
    access::{
        authority,
        caller::{Caller, Identity, Presented},
        roles::Roles,
        tenant_access::TenantAccess,
    },
    engine::{
        Engine,
        entry::{self, IndexEntry},
    },
    rows::{self, Intent, MemberRow, OrganizationRow, SlugClaimRow, WholeOrganization, keys, shards},
    store::{Check, Key, Sorted},
    values::{
        clock::Timestamp,
        error::{Error, ErrorKind},
        ids::{OrganizationId, UserId},
        limits,
        slug::Slug,
    },
    wire::OrgMembership,
};

/// How many memberships of a user are read at once to find out whether there is only one.
const ONLY_LOOKAHEAD: usize = 16;

/// A membership that the organization's rows confirm.
type Confirmed = (OrganizationId, OrganizationRow, MemberRow, Roles);

/// Whether a user has no organization, one or several, for a request that names none.
#[derive(Debug, Clone)]
pub enum OnlyOrganization {
    /// The user belongs to no organization.
    None,
    /// The user belongs to exactly one, and this is the user in it.
    One(TenantAccess),
    /// The user belongs to several and must say which one they mean.
    Several,
}

impl Engine {
    /// Resolves the caller in `organization`, by one read of one shard.
    ///
    /// # Errors
    /// `not_found` if there is no such organization or the caller has no place in it, `invalid_token` or
    /// `expired_token` for an API token, `organization_suspended`, `unavailable`.
    pub async fn resolve(&self, caller: &Caller, organization: OrganizationId) -> Result<TenantAccess, Error> {
        let values = self.store().read(&shards::organization(organization), &authority::keys(caller)).await?;
        self.decided(caller, organization, &exactly(values)?, self.clock().now())
    }

    /// As [`resolve`](Self::resolve), from the values of [`authority::keys`], which were already read.
    pub(crate) fn decided(
        &self,
        caller: &Caller,
        organization: OrganizationId,
        values: &[Option<Bytes>; 3],
        now: Timestamp,
    ) -> Result<TenantAccess, Error> {
        let (row, authority) = authority::decide(caller, organization, values, self.registry(), now)?;
        Ok(TenantAccess::new(organization, row, authority, self.registry().clone()))
    }

    /// Resolves an API token in the organization that owns it, by one read of one shard. An invalid token is an error.
    pub async fn resolve_token(&self, presented: &Presented) -> Result<TenantAccess, Error> {
        self.resolve(&Caller::Token(presented.clone()), presented.key.organization()).await
    }

    /// Resolves the caller in the organization that has `slug`, by two reads of two shards. One read is enough if
    /// `seen`, the organization that had the slug when it was last resolved, still has it.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve).
    pub async fn resolve_slug(
        &self,
        caller: &Caller,
        slug: &Slug,
        seen: Option<OrganizationId>,
    ) -> Result<TenantAccess, Error> {
        // An organization has the slug if its own row says so, and only one organization's row can say so at a time.
        let confirmed = |tenant: &TenantAccess| tenant.organization_slug() == slug.as_str();
        if let Some(seen) = seen {
            match self.resolve(caller, seen).await {
                Ok(tenant) if confirmed(&tenant) => return Ok(tenant),
                Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
                // Another organization may have the slug now.
                Ok(_) | Err(_) => {}
            }
        }
        let not_found = || Error::not_found("organization");
        let claim = self.store().read(&shards::slug(slug), &[keys::slug_claim(slug).key]).await?.pop().flatten();
        let claim: SlugClaimRow = rows::decode(&claim.ok_or_else(not_found)?)?;
        let tenant = self.resolve(caller, claim.organization).await?;
        // The claim may be one that never became true, or is true no more.
        if confirmed(&tenant) { Ok(tenant) } else { Err(not_found()) }
    }

    /// The user's only organization, if they belong to exactly one: usually two reads of two shards.
    ///
    /// # Errors
    /// `organization_suspended`, `unavailable`.
    pub async fn only_organization(&self, identity: &Identity) -> Result<OnlyOrganization, Error> {
        let mut only = None;
        let mut after = None;
        loop {
            let entries = self.membership_entries(&identity.id, after, ONLY_LOOKAHEAD).await?;
            for (confirmed, []) in self.confirm_all(&identity.id, &entries, []).await? {
                if only.replace(confirmed).is_some() {
                    return Ok(OnlyOrganization::Several);
                }
            }
            if entries.len() < ONLY_LOOKAHEAD {
                break;
            }
            after = entries.into_iter().last();
        }
        let Some((organization, row, member, roles)) = only else { return Ok(OnlyOrganization::None) };
        let (row, authority) = authority::decide_member(identity, row, member, &roles, self.clock().now())?;
        Ok(OnlyOrganization::One(TenantAccess::new(organization, row, authority, self.registry().clone())))
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

    /// One page of a user's memberships.
    pub(crate) async fn memberships_page(
        &self,
        user: &UserId,
        mut after: Option<Sorted>,
        limit: usize,
    ) -> Result<MembershipsPage, Error> {
        let mut memberships = Vec::new();
        loop {
            let wanted = limit - memberships.len();
            let entries = self.membership_entries(user, after, wanted).await?;
            let is_end = entries.len() < wanted;
            after = entries.last().cloned();
            for (confirmed, [profile]) in self.confirm_all(user, &entries, [keys::profile().key]).await? {
                let (id, row, member, roles) = confirmed;
                let organization = WholeOrganization::with(row, profile.as_deref())?;
                memberships.push(OrgMembership::new(id, organization, member, &roles)?);
            }
            // Entries that were not confirmed are missing from the page: read on to fill it, unless this was the end.
            if is_end {
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
        after: Option<Sorted>,
        limit: usize,
    ) -> Result<Vec<Sorted>, Error> {
        let range = entry::memberships(user, after, limit);
        Ok(self.store().sorted_range(&shards::user(user), &range).await?)
    }

    /// Reads the organization of each entry, and the rows `more` of it, concurrently. Drops the entries that are false.
    async fn confirm_all<const N: usize>(
        &self,
        user: &UserId,
        entries: &[Sorted],
        more: [Key; N],
    ) -> Result<Vec<(Confirmed, [Option<Bytes>; N])>, Error> {
        let confirmed = entries
            .iter()
            .filter_map(entry::parse_membership)
            .map(async |entry| self.confirm_membership(user, entry, more.clone()).await);
        let confirmed = futures_util::future::join_all(confirmed).await;
        confirmed.into_iter().filter_map(Result::transpose).collect()
    }

    /// Confirms the entry of a membership by the organization's rows, and reads the rows `more` with them. A false
    /// entry is pruned and answered by `None`.
    pub(crate) async fn confirm_membership<const N: usize>(
        &self,
        user: &UserId,
        (organization, intent, at): (OrganizationId, Intent, Timestamp),
        more: [Key; N],
    ) -> Result<Option<(Confirmed, [Option<Bytes>; N])>, Error> {
        let member_key = keys::member(user).key;
        let mut keys = vec![keys::organization().key, member_key.clone(), keys::roles().key];
        keys.extend(more);
        let mut values = self.store().read(&shards::organization(organization), &keys).await?;
        let more = exactly(values.split_off(values.len().min(keys.len() - N)))?;
        let [row, member, roles] = exactly(values)?;
        let found: Option<OrganizationRow> = row.as_deref().map(rows::decode).transpose()?;
        let found_member: Option<MemberRow> = member.as_deref().map(rows::decode).transpose()?;
        match (found, found_member) {
            (Some(found), Some(found_member)) if (found_member.intent, found_member.joined_at) == (intent, at) => {
                let roles = Roles::read(self.registry(), organization, roles.as_deref())?;
                Ok(Some(((organization, found, found_member, roles), more)))
            }
            _ => {
                let checks = vec![Check { key: member_key, expected: member }];
                self.prune(IndexEntry::Membership(user.clone(), at), organization, intent, checks).await;
                Ok(None)
            }
        }
    }
}

/// One page of a user's memberships, and where the next page begins.
pub(crate) struct MembershipsPage {
    pub(crate) memberships: Vec<OrgMembership>,
    pub(crate) next: Option<Sorted>,
}

pub(crate) fn exactly<T, const N: usize>(values: Vec<T>) -> Result<[T; N], Error> {
    values.try_into().map_err(|_| Error::internal("the store answered for another number of rows than were asked for"))
}

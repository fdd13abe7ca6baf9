use crate::{
    access::permission::Permission,
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::{paging, workspaces},
    rows::{InvitationRow, MemberRow, index, keys},
    store::{Order, Range},
    values::{
        error::{Error, ErrorKind},
        ids::{InvitationId, OrganizationId, UserId},
        validate::Violations,
    },
    wire::{OrgMember, input, output},
};

input! {
    /// Lists the members of an organization.
    pub struct List {
        /// Which organization.
        pub organization_id: OrganizationId,
        /// Whether those who are invited follow behind the members. That needs `members:manage`, unless the host shows
        /// them to everyone who may see the members.
        pub with_invitations: Option<bool>,
        /// Where the list goes on: the last answer's `nextCursor`.
        pub cursor: Option<String>,
        /// 1 to 200; 50 if absent.
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 200))]
        pub limit: Option<u32>,
    }
}

output! {
    /// Members in the order of joining, then, if wanted, those who are invited, in the order of inviting.
    pub struct Listed {
        /// The members.
        pub members: Vec<OrgMember>,
        /// Where the list goes on; `null` at its end.
        pub next_cursor: Option<String>,
    }
}

/// The two parts of the list, as its cursor names them.
const MEMBERS: char = 'm';
const INVITED: char = 'i';

impl Operation for List {
    type Output = Listed;

    const ROUTE: &'static str = "members/list";
    const SUMMARY: &'static str = "List the members of an organization";
    const NEEDS: Needs = Needs::Permission(Permission::MEMBERS_VIEW);
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = None;

    fn check(&self, problems: &mut Violations) {
        problems.limit(self.limit);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Listed, Error> {
        let with_invitations = self.with_invitations.unwrap_or(false);
        if with_invitations {
            // Refuse rather than leave the invitations out: that would look as if nobody was invited.
            tx.authority.require(tx.registry(), tx.engine.host().sees_invitations())?;
        }
        let (list, after) = match &self.cursor {
            Some(cursor) => paging::parse(cursor, if with_invitations { &[MEMBERS, INVITED] } else { &[MEMBERS] })?,
            None => (MEMBERS, None),
        };
        let limit = paging::page_size(self.limit);
        let mut members = Vec::new();
        let mut after_invitation = after;
        if list == MEMBERS {
            let next_cursor = list_members(tx, after, limit, &mut members).await?;
            if next_cursor.is_some() || !with_invitations {
                return Ok(Listed { members, next_cursor });
            }
            after_invitation = None;
        }
        if members.len() == limit {
            return Ok(Listed { members, next_cursor: Some(INVITED.to_string()) });
        }
        let left = limit - members.len();
        let next_cursor = list_invited(tx, after_invitation, left, &mut members).await?;
        Ok(Listed { members, next_cursor })
    }
}

async fn list_members(
    tx: &mut Transaction<'_>,
    after: Option<u64>,
    limit: usize,
    members: &mut Vec<OrgMember>,
) -> Result<Option<String>, Error> {
    let range = Range { index: index::MEMBERS, after, to: None, order: Order::OldestFirst, limit };
    let entries = tx.range(&range).await?;
    let users: Vec<_> = entries
        .iter()
        .map(|entry| UserId::new(entry.key.as_str()))
        .collect::<Result<_, _>>()
        .map_err(Error::internal)?;
    let known = tx.roles().await?;
    let keys: Vec<_> = users.iter().map(|user| keys::member(user).key).collect();
    let rows: Vec<Option<MemberRow>> = tx.peek(&keys).await?;
    let living = workspaces::living(tx, rows.iter().flatten()).await?;
    for ((entry, user), row) in entries.iter().zip(users).zip(rows) {
        // Absent if the member was removed after the index was read.
        if let Some(row) = row {
            members.push(OrgMember::member(user, entry.number, row, &known, &living));
        }
    }
    Ok(paging::next(MEMBERS, &entries, limit))
}

async fn list_invited(
    tx: &mut Transaction<'_>,
    after: Option<u64>,
    limit: usize,
    members: &mut Vec<OrgMember>,
) -> Result<Option<String>, Error> {
    let range = Range { index: index::INVITATIONS, after, to: None, order: Order::OldestFirst, limit };
    let entries = tx.range(&range).await?;
    let known = tx.roles().await?;
    let ids = entries.iter().filter_map(|entry| InvitationId::from_base62(&entry.key));
    let keys: Vec<_> = ids.map(|id| keys::invitation(id).key).collect();
    let rows: Vec<Option<InvitationRow>> = tx.peek(&keys).await?;
    // An expired invitation is no pending member any more; the list of invitations still shows it.
    let now = tx.now;
    let open = rows.into_iter().flatten().filter(|row| row.expires_at > now);
    members.extend(open.map(|row| OrgMember::invited(row, &known)));
    Ok(paging::next(INVITED, &entries, limit))
}

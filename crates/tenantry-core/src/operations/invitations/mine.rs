use std::collections::HashMap;

use crate::{
    access::roles::Roles,
    engine::{
        Engine,
        entry::{self, IndexEntry, parse_invited},
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::paging,
    rows::{self, Intent, InvitationRow, InvitationState, OrganizationRow, keys, shards},
    store::{Check, Direction, Sorted},
    values::{
        address::NormalAddress,
        clock::Timestamp,
        error::{Error, ErrorKind},
        ids::{InvitationId, OrganizationId},
        validate::Violations,
    },
    wire::{OrgInvitation, input, output},
};

input! {
    /// Lists the invitations that wait for the caller's answer, of all organizations.
    pub struct Mine {
        /// Where the list goes on: the last answer's `nextCursor`.
        pub cursor: Option<String>,
        /// 1 to 200; 50 if absent.
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 200))]
        pub limit: Option<u32>,
    }
}

output! {
    /// Invitations to the caller's verified e-mail address, newest first; then those to their username, newest first.
    pub struct Waiting {
        /// The invitations that can be accepted now. There can be fewer than were asked for, even none, before the
        /// end of the list.
        pub invitations: Vec<OrgInvitation>,
        /// Where the list goes on; `null` at its end.
        pub next_cursor: Option<String>,
    }
}

/// The two lists that make up this one, as cursors name them: invitations by e-mail address, and by username.
const LISTS: [char; 2] = ['e', 'u'];

impl Operation for Mine {
    type Output = Waiting;

    const ROUTE: &'static str = "invitations/mine";
    const SUMMARY: &'static str = "List the invitations that wait for the caller";
    const NEEDS: Needs = Needs::User;
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = None;
    const BY_ADDRESS: bool = true;

    fn check(&self, problems: &mut Violations) {
        problems.limit(self.limit);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(None)
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Waiting, Error> {
        let user = tx.user()?;
        let limit = paging::page_size(self.limit);
        let (mut list, mut after) = match &self.cursor {
            Some(cursor) => paging::parse_sorted(cursor, &LISTS)?,
            None => ('e', None),
        };
        let mut invitations = Vec::new();
        loop {
            let address = if list == 'e' { user.verified_email() } else { user.username.as_ref() };
            if let Some(address) = address {
                let wanted = limit - invitations.len();
                let (mut found, next) = tx.engine.invited_page(&address.normal(), tx.now, after, wanted).await?;
                invitations.append(&mut found);
                if let Some(place) = next {
                    return Ok(Waiting { invitations, next_cursor: Some(paging::sorted_cursor(list, &place)) });
                }
            }
            if list == 'u' {
                return Ok(Waiting { invitations, next_cursor: None });
            }
            (list, after) = ('u', None);
            if invitations.len() == limit {
                return Ok(Waiting { invitations, next_cursor: Some(list.to_string()) });
            }
        }
    }
}

/// What an entry in an address's list says: the organization, the invitation, and the intent of the attempt that wrote
/// it.
type Invited = (OrganizationId, InvitationId, Intent);

impl Engine {
    /// One page of the open invitations to an address, and the place behind which the next page begins.
    ///
    /// Entries that are left out are not made up for by others: so a page costs no more if the address was invited a
    /// thousand times, long ago.
    async fn invited_page(
        &self,
        address: &NormalAddress,
        now: Timestamp,
        after: Option<Sorted>,
        limit: usize,
    ) -> Result<(Vec<OrgInvitation>, Option<Sorted>), Error> {
        let range = entry::invitations(address, after, Direction::Descending, limit);
        let mut entries = self.store().sorted_range(&shards::address(address), &range).await?;
        let invited: Vec<_> = entries.iter().filter_map(parse_invited).collect();
        let invitations = self.confirm_invited(address, now, &invited).await?;
        let is_full = entries.len() == limit;
        Ok((invitations, entries.pop().filter(|_| is_full)))
    }

    /// Reads each organization once, all concurrently, and drops the invitations that are not open. Keeps the order.
    async fn confirm_invited(
        &self,
        address: &NormalAddress,
        now: Timestamp,
        invited: &[Invited],
    ) -> Result<Vec<OrgInvitation>, Error> {
        let mut homes: HashMap<OrganizationId, Vec<Invited>> = HashMap::new();
        for entry in invited {
            homes.entry(entry.0).or_default().push(*entry);
        }
        let confirmed = homes
            .into_iter()
            .map(async |(organization, entries)| self.confirm_at_home(address, now, organization, &entries).await);
        let confirmed = futures_util::future::join_all(confirmed).await;
        let confirmed: Vec<_> = confirmed.into_iter().collect::<Result<_, _>>()?;
        let mut by_id: HashMap<_, _> = confirmed.into_iter().flatten().map(|found| (found.id, found)).collect();
        Ok(invited.iter().filter_map(|(_, id, _)| by_id.remove(id)).collect())
    }

    async fn confirm_at_home(
        &self,
        address: &NormalAddress,
        now: Timestamp,
        organization: OrganizationId,
        entries: &[Invited],
    ) -> Result<Vec<OrgInvitation>, Error> {
        let invitation_keys = entries.iter().map(|(_, id, _)| keys::invitation(*id).key);
        let keys: Vec<_> = [keys::organization().key, keys::roles().key].into_iter().chain(invitation_keys).collect();
        let mut values = self.store().read(&shards::organization(organization), &keys).await?.into_iter();
        let home: Option<OrganizationRow> = values.next().flatten().as_deref().map(rows::decode).transpose()?;
        let roles = Roles::read(self.registry(), organization, values.next().flatten().as_deref())?;
        let home = home.filter(|home| home.require_active().is_ok());
        let mut confirmed = Vec::new();
        for ((value, key), (_, id, intent)) in values.zip(&keys[2..]).zip(entries) {
            let row: Option<InvitationRow> = value.as_deref().map(rows::decode).transpose()?;
            let Some(row) = row.filter(|row| row.state == InvitationState::Open && row.intent == *intent) else {
                let checks = vec![Check { key: key.clone(), expected: value }];
                self.prune(IndexEntry::Invited(address.clone(), *id), organization, *intent, checks).await;
                continue;
            };
            // An expired invitation may be resent, and a suspended organization may become active: leave these out, but
            // do not prune them.
            if let Some(home) = home.as_ref().filter(|_| row.expires_at > now) {
                let named = (organization, home.name.as_str());
                // Only those who manage members may see what became of a mail.
                let row = InvitationRow { mailing: None, ..row };
                confirmed.push(OrgInvitation::new(*id, named, row, &roles, now));
            }
        }
        Ok(confirmed)
    }
}

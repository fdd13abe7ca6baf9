//! What users have issued in an organization and nobody has ended: open invitations, join codes, API tokens.
//!
//! 1. A sorted index of the organization names it by its maker, whose it stays when somebody else resends or rotates
//!    it. It is written by the commit that issues a thing, and by the one that ends it. What has run out is still
//!    there: it can be resent, or given more time.
//! 2. A commit does not check what was read of an index. Whoever must not miss anything that is issued meanwhile reads
//!    the maker's row [`keys::issued`] *before* the index: each issuing changes it, without reading it. So those who
//!    issue never conflict with each other, only with whoever ends all that they issued.
//! 3. That row is forgotten after a day. Nobody takes that long from reading it to the commit, so whoever read that
//!    there is none is still told of one that was written since.
//! 4. What an API token issues is nobody's.

use crate::{
    caller::Principal,
    error::Error,
    ids::{InvitationId, JoinCodeId, OrganizationId, UserId},
    rows::{index, keys},
    secret::TokenKey,
    store::{Direction, Key, Sorted, SortedRange},
    transaction::Transaction,
};

/// One thing that was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Issued {
    Invitation(InvitationId),
    JoinCode(JoinCodeId),
    ApiToken(TokenKey),
}

impl Issued {
    /// Its place in the index; `None` if no user has issued it.
    pub(crate) fn by(self, maker: &Principal) -> Option<Sorted> {
        let entry = match self {
            Self::Invitation(id) => format!("i{}", id.to_base62()),
            Self::JoinCode(id) => format!("c{}", id.to_base62()),
            Self::ApiToken(key) => format!("t{}", key.short()),
        };
        maker.user().map(|user| Sorted { sort_key: user.to_string(), entry })
    }

    /// Undoes the entry of [`by`](Self::by).
    fn parse(organization: OrganizationId, entry: &str) -> Option<Self> {
        let (kind, name) = entry.split_at_checked(1)?;
        match kind {
            "i" => InvitationId::from_base62(name).map(Self::Invitation),
            "c" => JoinCodeId::from_base62(name).map(Self::JoinCode),
            "t" => TokenKey::from_short(organization, name).map(Self::ApiToken),
            _ => None,
        }
    }

    /// Notes that the caller issues it.
    pub(crate) fn issue(self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        let maker = tx.authority.principal.clone();
        let (Some(user), Some(place)) = (maker.user(), self.by(&maker)) else { return Ok(()) };
        tx.sorted(index::ISSUED, place);
        // No two tries that commit bear one name.
        let intent = tx.intent;
        tx.put(&keys::issued(user), &intent)
    }

    /// Notes that it has ended, which `maker` issued.
    pub(crate) fn end(self, tx: &mut Transaction<'_>, maker: &Principal) {
        if let Some(place) = self.by(maker) {
            tx.unsorted(index::ISSUED, place);
        }
    }

    pub(crate) fn row_key(self) -> Key {
        match self {
            Self::Invitation(id) => keys::invitation(id).key,
            Self::JoinCode(id) => keys::join_code(id).key,
            Self::ApiToken(key) => keys::token(&key).key,
        }
    }
}

/// What the user has issued, at most `limit`.
pub(crate) async fn by_user(tx: &Transaction<'_>, user: &UserId, limit: usize) -> Result<Vec<Issued>, Error> {
    let range = SortedRange {
        index: index::ISSUED,
        from: Some(user.to_string()),
        // The least of all greater ones.
        below: Some(format!("{user}\0")),
        after: None,
        direction: Direction::Ascending,
        limit,
    };
    let organization = tx.organization_id()?;
    let entries = tx.sorted_range(&range).await?;
    Ok(entries.iter().filter_map(|sorted| Issued::parse(organization, &sorted.entry)).collect())
}

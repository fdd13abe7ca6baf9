//! What users have issued in an organization and nobody has ended: open invitations, join codes, API tokens.
//!
//! 1. An index of the organization lists each of these things under its issuer, who stays its issuer when somebody else
//!    resends or rotates it. The entry's number is a hash of the issuer's id, and its key contains the id itself. The
//!    commit that issues a thing writes its entry, and the commit that ends it deletes the entry. A thing that has
//!    expired stays listed: it can be resent, or given more time.
//! 2. A commit does not check what was read of an index. An operation that must not miss anything that is issued
//!    meanwhile reads the issuer's row [`keys::issued`] *before* the index. Whoever issues something changes that row
//!    without reading it. So those who issue never conflict with each other, only with an operation that ends all that
//!    they issued.
//! 3. That row expires after a day. No operation takes that long from its read to its commit, so one that found no row
//!    still conflicts with a row that was written since.
//! 4. What an API token issues is not listed, since no user has issued it.

use crate::{
    engine::transaction::Transaction,
    rows::{index, keys},
    secret::Hashed,
    store::{Entry, Index, Key, Order, Range},
    values::{
        error::Error,
        ids::{InvitationId, JoinCodeId, OrganizationId, UserId},
        principal::Principal,
        token_key::TokenKey,
    },
};

/// An issued thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Issued {
    Invitation(InvitationId),
    JoinCode(JoinCodeId),
    ApiToken(TokenKey),
}

impl Issued {
    /// Its entry in the index; `None` if `maker` is no user.
    pub(crate) fn by(self, maker: &Principal) -> Option<Entry> {
        let entry = match self {
            Self::Invitation(id) => format!("i{}", id.to_base62()),
            Self::JoinCode(id) => format!("c{}", id.to_base62()),
            Self::ApiToken(key) => format!("t{}", key.short()),
        };
        let key = |user| format!("{entry}:{user}");
        maker.user().map(|user| Entry { index: index::ISSUED, key: key(user), number: Some(number(user)) })
    }

    /// Undoes the key of [`by`](Self::by); `None` if another user with the same hash has issued it.
    fn parse(organization: OrganizationId, key: &str, maker: &UserId) -> Option<Self> {
        let (entry, user) = key.split_once(':')?;
        let (kind, name) = entry.split_at_checked(1).filter(|_| user == maker.as_str())?;
        match kind {
            "i" => InvitationId::from_base62(name).map(Self::Invitation),
            "c" => JoinCodeId::from_base62(name).map(Self::JoinCode),
            "t" => TokenKey::from_short(organization, name).map(Self::ApiToken),
            _ => None,
        }
    }

    /// Records that the caller issues it.
    pub(crate) fn issue(self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        let maker = tx.authority.principal.clone();
        let (Some(user), Some(entry)) = (maker.user(), self.by(&maker)) else { return Ok(()) };
        tx.index(index::ISSUED, entry.key, entry.number);
        // No two attempts that commit have the same intent, so this always changes the row.
        let intent = tx.intent;
        tx.put(&keys::issued(user), &intent)
    }

    /// Records that it has ended; `maker` issued it.
    pub(crate) fn end(self, tx: &mut Transaction<'_>, maker: &Principal) {
        if let Some(entry) = self.by(maker) {
            tx.unindex(index::ISSUED, entry.key);
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

/// What the user has issued and nobody has ended, at most `limit`.
pub(crate) async fn by_user(tx: &Transaction<'_>, user: &UserId, limit: usize) -> Result<Vec<Issued>, Error> {
    let number = number(user);
    let range = Range {
        index: index::ISSUED,
        after: number.checked_sub(1),
        to: Some(number),
        order: Order::OldestFirst,
        limit,
    };
    let organization = tx.organization_id()?;
    let entries = tx.range(&range).await?;
    Ok(entries.iter().filter_map(|entry| Issued::parse(organization, &entry.key, user)).collect())
}

/// The number of all index entries of things that the user has issued.
fn number(maker: &UserId) -> u64 {
    Hashed::of(maker.as_str()).number() & Index::NUMBER_MAX
}

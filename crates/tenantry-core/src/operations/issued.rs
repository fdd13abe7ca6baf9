//! What users have issued in an organization and nobody has ended: open invitations, join codes, API tokens.
//!
//! 1. An index of the organization numbers it by its maker, whose it stays when somebody else resends or rotates it: the
//!    number is a hash of the maker's id, and the entry's key has the id itself. It is written by the commit that issues a thing, and by the one that ends it. What has run out is still
//!    there: it can be resent, or given more time.
//! 2. A commit does not check what was read of an index. Whoever must not miss anything that is issued meanwhile reads
//!    the maker's row [`keys::issued`] *before* the index: each issuing changes it, without reading it. So those who
//!    issue never conflict with each other, only with whoever ends all that they issued.
//! 3. That row is forgotten after a day. Nobody takes that long from reading it to the commit, so whoever read that
//!    there is none is still told of one that was written since.
//! 4. What an API token issues is nobody's.

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

/// One thing that was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Issued {
    Invitation(InvitationId),
    JoinCode(JoinCodeId),
    ApiToken(TokenKey),
}

impl Issued {
    /// Its entry in the index; `None` if no user has issued it.
    pub(crate) fn by(self, maker: &Principal) -> Option<Entry> {
        let entry = match self {
            Self::Invitation(id) => format!("i{}", id.to_base62()),
            Self::JoinCode(id) => format!("c{}", id.to_base62()),
            Self::ApiToken(key) => format!("t{}", key.short()),
        };
        let key = |user| format!("{entry}:{user}");
        maker.user().map(|user| Entry { index: index::ISSUED, key: key(user), number: Some(number(user)) })
    }

    /// Undoes the key of [`by`](Self::by); `None` if somebody else has issued it, whose hash is the same.
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

    /// Notes that the caller issues it.
    pub(crate) fn issue(self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        let maker = tx.authority.principal.clone();
        let (Some(user), Some(entry)) = (maker.user(), self.by(&maker)) else { return Ok(()) };
        tx.index(index::ISSUED, entry.key, entry.number);
        // No two tries that commit bear one name.
        let intent = tx.intent;
        tx.put(&keys::issued(user), &intent)
    }

    /// Notes that it has ended, which `maker` issued.
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

/// What the user has issued, at most `limit`.
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

/// The number of all that the user has issued.
fn number(maker: &UserId) -> u64 {
    Hashed::of(maker.as_str()).number() & Index::NUMBER_MAX
}

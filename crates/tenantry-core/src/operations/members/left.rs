//! What a member leaves behind: what they issued and nobody has ended.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    access::{permission::Permission, roles::Roles},
    engine::transaction::Transaction,
    operations::{
        invitations,
        issued::{self, Issued},
        join_codes, tokens,
    },
    rows::{self, InvitationRow, JoinCodeRow, TokenRow, keys},
    values::{
        clock::Timestamp,
        error::Error,
        ids::{InvitationId, JoinCodeId, UserId},
        limits,
        role::RoleName,
        token_key::TokenKey,
    },
    wire::output,
};

output! {
    /// Things that somebody issued, so that one can tell which they are. Those that have run out are among them: they
    /// can be resent, or given more time.
    #[derive(Default)]
    pub struct Left {
        /// Invitations that nobody has answered.
        pub invitations: Vec<LeftInvitation>,
        /// Join codes that were not withdrawn.
        pub join_codes: Vec<LeftJoinCode>,
        /// API tokens that were not ended.
        pub api_tokens: Vec<LeftApiToken>,
    }
}

output! {
    /// An invitation that its maker left behind.
    pub struct LeftInvitation {
        /// Its id.
        pub id: InvitationId,
        /// The address, if it is one of e-mail.
        pub email: Option<String>,
        /// The username, if it is addressed to one.
        pub username: Option<String>,
        /// The roles that accepting gives, from the highest to the lowest.
        pub roles: Vec<RoleName>,
        /// Until when it can be accepted.
        pub expires_at: Timestamp,
    }
}

output! {
    /// A join code that its maker left behind.
    pub struct LeftJoinCode {
        /// Its id.
        pub id: JoinCodeId,
        /// The last characters of the code, to tell it from others.
        pub code_hint: String,
        /// The role that joining gives.
        pub role: RoleName,
        /// Until when it can be used; `null`: without end.
        pub expires_at: Option<Timestamp>,
    }
}

output! {
    /// An API token that its maker left behind.
    pub struct LeftApiToken {
        /// The public half, which names it.
        pub key: TokenKey,
        /// What it is for; `null`, too, for a caller who may not list API tokens.
        pub name: Option<String>,
        /// What it may do; `null` for a caller who may not list API tokens.
        pub permissions: Option<Vec<String>>,
        /// When it ends; `null`: never by itself.
        pub expires_at: Option<Timestamp>,
    }
}

/// An issued thing with its row.
enum Thing {
    Invitation(InvitationId, InvitationRow),
    JoinCode(JoinCodeId, JoinCodeRow),
    ApiToken(TokenKey, TokenRow),
}

impl Thing {
    /// `None` if it has ended since the index was read.
    fn new(what: Issued, row: Option<&Bytes>) -> Result<Option<Self>, Error> {
        let Some(row) = row else { return Ok(None) };
        let thing = match what {
            Issued::Invitation(id) => Self::Invitation(id, rows::decode(row)?),
            Issued::JoinCode(id) => Self::JoinCode(id, rows::decode(row)?),
            Issued::ApiToken(key) => Self::ApiToken(key, rows::decode(row)?),
        };
        let ended = match &thing {
            Self::Invitation(..) => false,
            Self::JoinCode(_, row) => row.revoked_at.is_some(),
            Self::ApiToken(_, row) => row.revoked_at.is_some(),
        };
        Ok(Some(thing).filter(|_| !ended))
    }

    /// Adds to `left` what the caller may see of it.
    fn show(&self, known: &Roles, with_tokens: bool, left: &mut Left) {
        match self {
            Self::Invitation(id, row) => left.invitations.push(LeftInvitation {
                id: *id,
                email: row.address.as_email().map(str::to_owned),
                username: row.address.as_username().map(str::to_owned),
                roles: known.ranked(row.roles.clone()),
                expires_at: row.expires_at,
            }),
            Self::JoinCode(id, row) => left.join_codes.push(LeftJoinCode {
                id: *id,
                code_hint: row.hint.clone(),
                role: known.ranked(vec![row.role.clone()]).into_iter().next().unwrap_or_else(RoleName::member),
                expires_at: row.expires_at,
            }),
            Self::ApiToken(key, row) => left.api_tokens.push(LeftApiToken {
                key: *key,
                name: row.name.clone().filter(|_| with_tokens),
                permissions: with_tokens.then(|| known.registry().registered(&row.permissions)),
                expires_at: row.expires_at,
            }),
        }
    }

    /// Ends it, as the operation that ends one such thing would, and with the same permission required of the caller.
    async fn revoke(self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        match self {
            Self::Invitation(id, row) => invitations::revoke::withdraw(tx, id, row).await,
            Self::JoinCode(id, row) => join_codes::revoke::withdraw(tx, id, row).await.map(|_| ()),
            Self::ApiToken(key, row) => {
                tx.authority.require(tx.registry(), Permission::TOKENS_MANAGE)?;
                tokens::revoke::end(tx, key, row).map(|_| ())
            }
        }
    }
}

impl Left {
    fn of(tx: &Transaction<'_>, known: &Roles, things: &[Thing]) -> Self {
        let with_tokens = tx.authority.require(tx.registry(), Permission::TOKENS_MANAGE).is_ok();
        let mut left = Self::default();
        for thing in things {
            thing.show(known, with_tokens, &mut left);
        }
        left
    }

    pub(super) fn is_empty(&self) -> bool {
        self.invitations.is_empty() && self.join_codes.is_empty() && self.api_tokens.is_empty()
    }

    /// Only the ids and keys, for the audit log.
    pub(super) fn names(&self) -> Value {
        json!({
            "invitations": self.invitations.iter().map(|invitation| invitation.id).collect::<Vec<_>>(),
            "joinCodes": self.join_codes.iter().map(|code| code.id).collect::<Vec<_>>(),
            "apiTokens": self.api_tokens.iter().map(|token| token.key).collect::<Vec<_>>(),
        })
    }
}

/// What the user has issued, to be shown, and whether there is more. The commit checks none of it, so that somebody who
/// keeps issuing things cannot prevent their own removal.
pub(super) async fn look(tx: &mut Transaction<'_>, user: &UserId) -> Result<(Left, bool), Error> {
    let mut issued = issued::by_user(tx, user, limits::ISSUED_MAX + 1).await?;
    let more = issued.len() > limits::ISSUED_MAX;
    issued.truncate(limits::ISSUED_MAX);
    let keys: Vec<_> = issued.iter().map(|what| what.row_key()).collect();
    let values = tx.peek_bytes(&keys).await?;
    // An invitation to the removed member's own address ends in this transaction.
    let standing = issued.into_iter().zip(&values).filter(|(what, _)| !tx.deletes(&what.row_key()));
    let things = standing.map(|(what, value)| Thing::new(what, value.as_ref()));
    let things: Vec<_> = things.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    let known = tx.roles().await?;
    Ok((Left::of(tx, &known, &things), more))
}

/// Ends all that the user has issued. If they issue more while this is decided, it is decided again.
pub(super) async fn revoke(tx: &mut Transaction<'_>, user: &UserId) -> Result<Left, Error> {
    // Read before the index, so that the commit notices what is issued after the index was read.
    tx.load([keys::issued(user).key]).await?;
    let issued = issued::by_user(tx, user, limits::ISSUED_MAX + 1).await?;
    if issued.len() > limits::ISSUED_MAX {
        let mend = format!(
            "they issued more than {} invitations, join codes and API tokens: revoke some first, or leave this out",
            limits::ISSUED_MAX
        );
        return Err(Error::invalid_field("revokeIssued", "too_many", mend));
    }
    tx.load(issued.iter().map(|what| what.row_key())).await?;
    let mut things = Vec::with_capacity(issued.len());
    for what in issued {
        let row = tx.bytes(&what.row_key()).await?;
        things.extend(Thing::new(what, row.as_ref())?);
    }
    // Ending an invitation frees its address: read the rows of all these addresses in one round trip.
    let addresses = things.iter().filter_map(|thing| match thing {
        Thing::Invitation(_, row) => Some(keys::address(&row.address.normal()).key),
        Thing::JoinCode(..) | Thing::ApiToken(..) => None,
    });
    tx.load(addresses.collect::<Vec<_>>()).await?;
    let known = tx.roles().await?;
    let revoked = Left::of(tx, &known, &things);
    for thing in things {
        thing.revoke(tx).await?;
    }
    Ok(revoked)
}

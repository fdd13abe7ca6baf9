use std::time::Duration;

use serde_json::json;

use super::{Created, unrevoked};
use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    rows::{PreviousSecretRow, TokenRow, keys},
    secret::ApiTokenSecret,
    store::{Key, change::Change},
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        limits,
        token_key::TokenKey,
        validate::Violations,
    },
    wire::{ApiTokenCreated, input},
};

input! {
    /// Gives an API token a new secret; its key and what it may do stay. A token may do this to itself, with its
    /// present secret.
    ///
    /// Of earlier secrets, at most the last one works on, and that only during the overlap. An API token that ends gives
    /// no new secret to another one that ends later.
    pub struct Rotate {
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Which token, by its public half.
        pub key: TokenKey,
        /// For how many seconds the present secret works on beside the new one: at most 2592000 (30 days), and no
        /// longer than the token itself; not at all if absent.
        #[cfg_attr(feature = "openapi", schema(maximum = 2_592_000))]
        pub overlap_seconds: Option<u32>,
    }
}

impl Operation for Rotate {
    type Output = Created;

    const ROUTE: &'static str = "tokens/rotate";
    const SUMMARY: &'static str = "Give an API token a new secret; the token itself may, too";
    const NEEDS: Needs = Needs::Permission(Permission::TOKENS_MANAGE);
    const ERRORS: &'static [ErrorKind] =
        &[ErrorKind::GrantExceedsOwn, ErrorKind::Expired, ErrorKind::Revoked, ErrorKind::IdempotencyMismatch];
    const EVENT: Option<&'static str> = Some("tokens.rotate");

    fn check(&self, problems: &mut Violations) {
        if self.overlap_seconds.is_some_and(|seconds| seconds > limits::OVERLAP_SECONDS_MAX) {
            let detail = format!("give 0 to {}, or leave it out for no overlap", limits::OVERLAP_SECONDS_MAX);
            problems.add("overlapSeconds", "out_of_bounds", detail);
        }
    }

    fn itself(&self) -> Option<&TokenKey> {
        Some(&self.key)
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, _: &Caller) -> Vec<Key> {
        vec![keys::token(&self.key).key]
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Created, Error> {
        let mut row = unrevoked(tx, self.organization_id, &self.key).await?;
        self.require_right(tx, &row)?;
        if row.expires_at.is_some_and(|expiry| expiry <= tx.now) {
            return Err(Error::new(ErrorKind::Expired, "the API token has expired: make a new one"));
        }
        let secret = ApiTokenSecret::new(tx.entropy())?;
        let overlap = self.overlap_seconds.filter(|seconds| *seconds > 0).map(u64::from).map(Duration::from_secs);
        row.previous = overlap.map(|overlap| PreviousSecretRow {
            secret: row.secret.clone(),
            last_four: row.last_four.clone(),
            valid_until: row.no_later(tx.now.after(overlap)),
        });
        row.secret = secret.hashed();
        row.last_four = secret.last_four();
        tx.put(&keys::token(&self.key), &row)?;
        let details = json!({ "overlapSeconds": self.overlap_seconds.unwrap_or(0) });
        tx.changed(Change::Token(self.key), Some(self.key.to_string()), &details)?;
        Ok(Created { api_token: ApiTokenCreated::new(self.key, &secret) })
    }
}

impl Rotate {
    /// Whoever gets the new secret can do what the token can. So the caller must hold that already, or be the token.
    fn require_right(&self, tx: &Transaction<'_>, row: &TokenRow) -> Result<(), Error> {
        match tx.caller {
            Caller::Token(presented) if presented.key == self.key && presented.secret == row.secret => Ok(()),
            // Whoever found an old secret must not be able to lock out those who have the new one.
            Caller::Token(presented) if presented.key == self.key => {
                Err(Error::new(ErrorKind::Forbidden, "this secret was replaced: rotate with the present one"))
            }
            _ => {
                let granted = tx.registry().set(row.permissions.iter().map(String::as_str));
                tx.authority.may_grant_permissions(tx.registry(), &granted)?;
                tx.authority.may_grant_until("key", row.expires_at)
            }
        }
    }
}

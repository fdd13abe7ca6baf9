use std::{borrow::Cow, collections::BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    allowance::{count_mails, require_inviter},
    invitee::Invitee,
};
use crate::{
    access::permission::Permission,
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    host::directory::Found,
    rows::{index, keys},
    values::{
        error::{Error, ErrorKind, FieldError},
        ids::OrganizationId,
        limits,
        validate::Violations,
    },
    wire::{OrgInvitationCreated, input, output},
};

input! {
    /// Invites many. Each is decided as if they were invited one after the other; who cannot be invited does not stop
    /// the others, and all others are invited in one step.
    pub struct CreateBatch {
        /// Into which organization.
        pub organization_id: OrganizationId,
        /// Whom: 1 to 100.
        #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 100))]
        pub invitations: Vec<Invitee>,
    }
}

output! {
    /// What became of each, in the order of the request.
    pub struct Invited {
        /// An invitation and its token, or why there is none.
        pub results: Vec<BatchResult>,
    }
}

/// What became of one invitee of several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BatchResult {
    /// They are invited.
    Invited(OrgInvitationCreated),
    /// They are not.
    Refused {
        /// Why not.
        error: Refusal,
    },
}

output! {
    /// Why one of several was refused: the same words as in a problem document.
    pub struct Refusal {
        /// A stable machine word.
        pub code: Cow<'static, str>,
        /// What was wrong, and the mend.
        pub detail: String,
        /// The fields that are not valid, such as `invitations[3].email`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub errors: Vec<FieldError>,
    }
}

impl Operation for CreateBatch {
    type Output = Invited;

    const ROUTE: &'static str = "invitations/create-batch";
    const SUMMARY: &'static str = "Invite many at once";
    const NEEDS: Needs = Needs::Permission(Permission::MEMBERS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::InvitationsExhausted, ErrorKind::RateLimited];
    const EVENT: Option<&'static str> = Some("invitations.create-batch");

    fn check(&self, problems: &mut Violations) {
        if !(1..=limits::INVITATIONS_PER_BATCH_MAX).contains(&self.invitations.len()) {
            problems.add("invitations", "out_of_bounds", format!("give 1 to {}", limits::INVITATIONS_PER_BATCH_MAX));
        }
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Invited, Error> {
        let organization = tx.organization().await?;
        require_inviter(tx, &organization).await?;
        let found = self.find(tx).await?;
        self.load(tx, &found).await?;
        let mut claimed = BTreeSet::new();
        let mut decided = Vec::with_capacity(self.invitations.len());
        for (place, (invitee, found)) in self.invitations.iter().zip(&found).enumerate() {
            let mut problems = Violations::new(tx.now);
            invitee.check(&mut problems);
            let admissible = match problems.into_result() {
                Ok(()) => invitee.decide(tx, found, &mut claimed).await,
                Err(error) => Err(error),
            };
            decided.push(match admissible {
                Ok(admissible) => Ok(admissible),
                // The service failed: that is no decision about this invitee.
                Err(error) if matches!(error.kind(), ErrorKind::Internal | ErrorKind::Unavailable) => {
                    return Err(error);
                }
                Err(error) => Err(Refusal::new(place, &error)),
            });
        }
        count_mails(tx, claimed.len()).await?;
        let mut number = tx.next_numbers(index::INVITATIONS, claimed.len()).await?;
        let mut results = Vec::with_capacity(decided.len());
        for admissible in decided {
            results.push(match admissible {
                Ok(admissible) => {
                    let invited = admissible.invite(tx, &organization.name, number).await?;
                    number += 1;
                    BatchResult::Invited(invited)
                }
                Err(error) => BatchResult::Refused { error },
            });
        }
        Ok(Invited { results })
    }
}

impl CreateBatch {
    /// What the host knows of each invitee.
    async fn find(&self, tx: &Transaction<'_>) -> Result<Vec<Found>, Error> {
        let mut found = Vec::with_capacity(self.invitations.len());
        for some in self.invitations.chunks(limits::LOOKUPS_AT_ONCE_MAX) {
            let lookups = some.iter().map(|invitee| invitee.find(tx.engine));
            found.extend(futures_util::future::join_all(lookups).await);
        }
        found.into_iter().collect()
    }

    /// Reads ahead all rows on which the decisions rest, in two round trips however many are invited.
    async fn load(&self, tx: &mut Transaction<'_>, found: &[Found]) -> Result<(), Error> {
        let addresses = self.invitations.iter().filter_map(|invitee| invitee.address().ok());
        let address_keys: Vec<_> = addresses.map(|address| keys::address(&address.normal())).collect();
        let member_keys = found.iter().filter_map(|found| match found {
            Found::User(profile) => Some(keys::member(&profile.id).key),
            Found::Unknown | Found::Nobody => None,
        });
        tx.load(address_keys.iter().map(|key| key.key.clone()).chain(member_keys)).await?;
        let mut earlier = Vec::new();
        for key in &address_keys {
            earlier.extend(tx.get(key).await?.and_then(|known| known.invitation));
        }
        tx.load(earlier.into_iter().map(|id| keys::invitation(id).key)).await
    }
}

impl Refusal {
    fn new(place: usize, error: &Error) -> Self {
        let fields = error.fields().iter().cloned();
        let errors = fields.map(|field| FieldError { field: format!("invitations[{place}].{}", field.field), ..field });
        let errors: Vec<_> = errors.collect();
        let detail = if errors.is_empty() { error.to_string() } else { Error::invalid(errors.clone()).to_string() };
        Self { code: Cow::Borrowed(error.code()), detail, errors }
    }
}

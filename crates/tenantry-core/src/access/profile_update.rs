//! What a credential, or the host, reports about a user's profile.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    access::caller::Identity,
    rows::MemberRow,
    values::{address::Address, clock::Timestamp, edit::Edit, limits},
};

/// A report about a user's profile. What it does not mention stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ProfileUpdate {
    #[serde(default, skip_serializing_if = "Edit::is_keep")]
    pub(crate) email: Edit<Address>,
    #[serde(default, skip_serializing_if = "Edit::is_keep")]
    pub(crate) username: Edit<Address>,
    #[serde(default, skip_serializing_if = "Edit::is_keep")]
    pub(crate) name: Edit<String>,
    #[serde(default, skip_serializing_if = "Edit::is_keep")]
    pub(crate) avatar_url: Edit<String>,
}

impl ProfileUpdate {
    /// The report of a credential. A claim that is absent changes nothing.
    pub(crate) fn by(identity: &Identity) -> Self {
        Self {
            email: Edit::of(identity.verified_email().cloned()),
            username: Edit::of(identity.username.clone()),
            name: Edit::of(identity.name.clone()),
            avatar_url: Edit::of(identity.avatar_url.clone()),
        }
    }

    /// Applies the report to `member`, and answers the changes for the audit log.
    pub(crate) fn apply(self, member: &mut MemberRow) -> Map<String, Value> {
        let mut changes = Map::new();
        let addresses = [("email", self.email, &mut member.email), ("username", self.username, &mut member.username)];
        for (field, told, known) in addresses {
            let told = applied(&told, known.as_ref());
            // Another spelling of the same address is no change.
            if told.as_ref().map(Address::normal) != known.as_ref().map(Address::normal) {
                let from = known.as_ref().map(ToString::to_string);
                let to = told.as_ref().map(ToString::to_string);
                changes.insert(field.to_owned(), json!({ "from": from, "to": to }));
                *known = told;
            }
        }
        let texts = [("name", self.name, &mut member.name), ("avatarUrl", self.avatar_url, &mut member.avatar_url)];
        for (field, told, known) in texts {
            let told = applied(&told, known.as_ref());
            if told != *known {
                changes.insert(field.to_owned(), json!({ "from": known, "to": told }));
                *known = told;
            }
        }
        changes
    }
}

/// The value after this edit of `known`.
fn applied<T: Clone>(told: &Edit<T>, known: Option<&T>) -> Option<T> {
    let mut applied = known.cloned();
    told.apply(&mut applied);
    applied
}

/// Whether the credential reports a change of the member that is to be written now.
pub(crate) fn is_due(identity: &Identity, member: &MemberRow, now: Timestamp) -> bool {
    let known_at = member.profile_at.unwrap_or(member.joined_at);
    identity.issued_at.unwrap_or(now) > known_at
        && now.since(known_at) >= limits::PROFILE_GRANULARITY
        && !ProfileUpdate::by(identity).apply(&mut member.clone()).is_empty()
}

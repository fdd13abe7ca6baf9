//! Encodes words that rows use often in fewer bytes.
//!
//! A word of a table is written as the control character for its place in the table; no such text contains one
//! otherwise. Any other text is written as it is. So a table may only grow at its end, and an older node shows the
//! control character of a word that it does not know.

use crate::values::role::RoleName;

const ROLES: &[&str] = &[RoleName::OWNER, RoleName::ADMIN, RoleName::MEMBER];

/// The actions of audit events.
const ACTIONS: &[&str] = &[
    "organization.create",
    "organization.update",
    "organization.delete",
    "organization.leave",
    "organization.set-status",
    "organization.transfer-ownership",
    "members.set-role",
    "members.update",
    "members.remove",
    "invitations.create",
    "invitations.create-batch",
    "invitations.accept",
    "invitations.decline",
    "invitations.register",
    "invitations.resend",
    "invitations.revoke",
    "join-codes.create",
    "join-codes.join",
    "join-codes.revoke",
    "roles.create",
    "roles.update",
    "roles.delete",
    "tokens.create",
    "tokens.update",
    "tokens.rotate",
    "tokens.revoke",
    "workspaces.create",
    "workspaces.update",
    "workspaces.delete",
    "accounts.update",
    "accounts.forget",
];

/// The control characters except NUL: first those of one byte, then those of two.
const CONTROLS: &[&str] = &[
    "\u{1}", "\u{2}", "\u{3}", "\u{4}", "\u{5}", "\u{6}", "\u{7}", "\u{8}", "\u{9}", "\u{a}", "\u{b}", "\u{c}",
    "\u{d}", "\u{e}", "\u{f}", "\u{10}", "\u{11}", "\u{12}", "\u{13}", "\u{14}", "\u{15}", "\u{16}", "\u{17}",
    "\u{18}", "\u{19}", "\u{1a}", "\u{1b}", "\u{1c}", "\u{1d}", "\u{1e}", "\u{1f}", "\u{7f}", "\u{80}", "\u{81}",
    "\u{82}", "\u{83}", "\u{84}", "\u{85}", "\u{86}", "\u{87}", "\u{88}", "\u{89}", "\u{8a}", "\u{8b}", "\u{8c}",
    "\u{8d}", "\u{8e}", "\u{8f}",
];

/// `text`, or the character that stands for it.
fn short<'t>(text: &'t str, table: &[&str]) -> &'t str {
    let place = table.iter().position(|word| *word == text);
    let code = place.and_then(|place| CONTROLS.get(place));
    code.copied().unwrap_or(text)
}

/// Undoes [`short`].
fn long<'t>(text: &'t str, table: &[&'t str]) -> &'t str {
    let place = CONTROLS.iter().position(|code| *code == text);
    place.and_then(|place| table.get(place)).copied().unwrap_or(text)
}

/// The name of a role.
pub(crate) mod role {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::{ROLES, RoleName, long, short};

    pub(crate) fn serialize<S: Serializer>(role: &RoleName, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(short(role.as_str(), ROLES))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RoleName, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        RoleName::new(long(text, ROLES)).map_err(de::Error::custom)
    }
}

/// Names of roles.
pub(crate) mod roles {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::RoleName;

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Role(#[serde(with = "super::role")] RoleName);

    pub(crate) fn serialize<S: Serializer>(roles: &[RoleName], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(roles.iter().cloned().map(Role))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RoleName>, D::Error> {
        Ok(Vec::<Role>::deserialize(deserializer)?.into_iter().map(|role| role.0).collect())
    }
}

/// The action of an audit event.
pub(crate) mod action {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{ACTIONS, long, short};

    pub(crate) fn serialize<S: Serializer>(action: &str, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(short(action, ACTIONS))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        <&str>::deserialize(deserializer).map(|text| long(text, ACTIONS).to_owned())
    }
}

/// A principal. JSON names its fields; a row does not.
pub(crate) mod principal {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::values::{host_actor::HostActor, ids::UserId, principal::Principal, token_key::TokenKey};

    #[derive(Serialize, Deserialize)]
    enum Kept {
        User(UserId),
        ApiToken(TokenKey),
        PlatformAdmin(UserId),
        Host(HostActor),
    }

    pub(crate) fn serialize<S: Serializer>(principal: &Principal, serializer: S) -> Result<S::Ok, S::Error> {
        let kept = match principal {
            Principal::User(user) => Kept::User(user.clone()),
            Principal::ApiToken(key) => Kept::ApiToken(*key),
            Principal::PlatformAdmin(user) => Kept::PlatformAdmin(user.clone()),
            Principal::Host(actor) => Kept::Host(actor.clone()),
        };
        kept.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Principal, D::Error> {
        Ok(match Kept::deserialize(deserializer)? {
            Kept::User(user) => Principal::User(user),
            Kept::ApiToken(key) => Principal::ApiToken(key),
            Kept::PlatformAdmin(user) => Principal::PlatformAdmin(user),
            Kept::Host(actor) => Principal::Host(actor),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_table_is_one_character() {
        for table in [ROLES, ACTIONS] {
            for word in table {
                let written = short(word, table);
                assert_eq!((written.len(), long(written, table)), (1, *word));
            }
        }
        for other in ["", "helper", "host.owner", "a"] {
            assert_eq!(long(short(other, ROLES), ROLES), other);
        }
        assert!(ACTIONS.len() <= CONTROLS.len(), "there are no more control characters");
    }
}

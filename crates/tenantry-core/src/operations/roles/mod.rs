//! The roles that there are, what each may do, and those that an organization defines for itself.

mod create;
mod delete;
mod show;
mod update;

use crate::{
    access::{permission::PermissionSet, registry::Registry, roles::Roles},
    engine::transaction::{Transaction, counter},
    rows::{OwnRoleRow, keys},
    store::Add,
    values::{error::Error, limits, role::RoleName},
    wire::output,
};

pub use create::{Create, Defined};
pub use delete::Delete;
pub use show::{OrgRoleMatrix, Show};
pub use update::Update;

output! {
    /// A role that an organization defined for itself.
    pub struct OrgOwnRole {
        /// Its name.
        pub role: RoleName,
        /// A number for people, never reused in this organization. Of two roles, the one with the smaller number
        /// ranks higher.
        pub number: u64,
        /// What it permits.
        pub permissions: Vec<String>,
        /// What it is for; may be empty.
        pub description: String,
    }
}

impl OrgOwnRole {
    fn new(own: &OwnRoleRow, roles: &Roles) -> Self {
        Self {
            role: own.name.clone(),
            number: own.number,
            permissions: roles.registry().names(&roles.permissions(own)),
            description: own.description.clone(),
        }
    }
}

/// The roles that `field` of a request means by these names, by their names in rows, from the highest to the lowest,
/// each once. An unknown name is refused.
pub(crate) fn meant(known: &Roles, field: &str, names: &[RoleName]) -> Result<Vec<RoleName>, Error> {
    let meant = names.iter().map(|name| known.meant(name).ok_or(name)).collect::<Result<Vec<_>, _>>();
    let unknown = match meant {
        Ok(meant) => return Ok(known.in_order(meant)),
        Err(unknown) => unknown,
    };
    let known: Vec<_> = known.matrix().into_iter().map(|(role, _)| role.to_string()).collect();
    Err(Error::invalid_field(field, "unknown", format!("there is no role {unknown}: name one of {}", known.join(", "))))
}

/// The one role that `field` of a request means by this name, by its name in rows.
pub(crate) fn meant_one(known: &Roles, field: &str, name: &RoleName) -> Result<RoleName, Error> {
    let meant = meant(known, field, std::slice::from_ref(name))?.into_iter().next();
    meant.ok_or_else(|| Error::internal("of one role there is one"))
}

/// The permissions with these names; refuses a name that is not registered.
pub(crate) fn require_permissions(registry: &Registry, names: &[String]) -> Result<PermissionSet, Error> {
    let Some(unknown) = names.iter().find(|name| registry.index(name).is_none()) else {
        return Ok(registry.set(names.iter().map(String::as_str)));
    };
    let shown: String = unknown.chars().take(limits::ROLE_CHARS_MAX).collect();
    let detail = format!("there is no permission {shown:?}: name some of those that roles lists");
    Err(Error::invalid_field("permissions", "unknown", detail))
}

/// The place of a role in the row of the organization's own roles.
fn position(roles: &Roles, name: &RoleName) -> Result<usize, Error> {
    let own = roles.own().find(|own| own.name == *name);
    let place = own.and_then(|own| roles.row().own.iter().position(|other| other.number == own.number));
    place.ok_or_else(|| Error::not_found("role of the organization's own"))
}

/// How many bear the name of each of these roles. The commit checks that it is unchanged.
async fn holders(tx: &mut Transaction<'_>, own: &[OwnRoleRow]) -> Result<Vec<i64>, Error> {
    let keys: Vec<_> = own.iter().map(|own| keys::role_holders(own.number)).collect();
    tx.load(keys.iter().cloned()).await?;
    let mut holders = Vec::with_capacity(keys.len());
    for key in &keys {
        holders.push(counter(tx.bytes(key).await?.as_deref())?);
    }
    Ok(holders)
}

/// Counts who bears the names of the organization's own roles: somebody lost the names `lost` and got the names
/// `gained`.
///
/// Members, open invitations and join codes that were not revoked are counted, in the commits by which they come to
/// bear a name and cease to. So if nobody bears a role's name, nobody can come to bear it except by being given the
/// role, and that checks the row of the roles.
pub(crate) async fn count_holders(
    tx: &mut Transaction<'_>,
    lost: &[RoleName],
    gained: &[RoleName],
) -> Result<(), Error> {
    let is_own = |role: &RoleName| !role.is_built_in() && role.plain_of_host().is_none();
    if !lost.iter().chain(gained).any(is_own) {
        return Ok(());
    }
    for own in &tx.roles().await?.row().own {
        let by = i64::from(gained.contains(&own.name)) - i64::from(lost.contains(&own.name));
        if by != 0 {
            let add = Add { key: keys::role_holders(own.number), by, min: None, max: None };
            tx.add(add, Error::internal("a counter without bounds left them"));
        }
    }
    Ok(())
}

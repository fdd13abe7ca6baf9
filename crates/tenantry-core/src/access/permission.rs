//! Permissions and compact sets of them.

use std::fmt;

use crate::values::limits;

/// The name of a permission: `noun:verb`, in lower case.
///
/// ```
/// use tenantry_core::access::permission::Permission;
///
/// const NOTES_WRITE: Permission = Permission::new("notes:write");
/// assert_eq!(NOTES_WRITE.as_str(), "notes:write");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission(&'static str);

impl Permission {
    /// See the organization.
    pub const ORG_VIEW: Self = Self("org:view");
    /// Change the organization.
    pub const ORG_MANAGE: Self = Self("org:manage");
    /// Delete the organization.
    pub const ORG_DELETE: Self = Self("org:delete");
    /// See the members.
    pub const MEMBERS_VIEW: Self = Self("members:view");
    /// Invite, change and remove members.
    pub const MEMBERS_MANAGE: Self = Self("members:manage");
    /// Make, change and revoke API tokens; whoever holds [`ORG_MANAGE`](Self::ORG_MANAGE) may too.
    pub const TOKENS_MANAGE: Self = Self("tokens:manage");
    /// Read the audit log.
    pub const AUDIT_VIEW: Self = Self("audit:view");
    /// See the wallet.
    pub const WALLET_VIEW: Self = Self("wallet:view");

    /// The permissions that every Tenantry has.
    pub const BUILT_IN: [Self; 8] = [
        Self::ORG_VIEW,
        Self::ORG_MANAGE,
        Self::ORG_DELETE,
        Self::MEMBERS_VIEW,
        Self::MEMBERS_MANAGE,
        Self::TOKENS_MANAGE,
        Self::AUDIT_VIEW,
        Self::WALLET_VIEW,
    ];

    /// Names a permission that the host registers at start-up.
    ///
    /// # Panics
    /// When `name` is not of the form `noun:verb`. In a `const`, that is an error of the compiler.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        assert!(is_well_formed(name), "a permission is named noun:verb, in lower-case letters, digits, - and _");
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl AsRef<str> for Permission {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permission({})", self.0)
    }
}

/// `[a-z][a-z0-9_-]*:[a-z][a-z0-9_-]*`, at most [`limits::ROLE_CHARS_MAX`] characters.
pub(crate) const fn is_well_formed(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut index = 0;
    let mut colons = 0;
    let mut first_of_word = true;
    while index < bytes.len() {
        match bytes[index] {
            b'a'..=b'z' => first_of_word = false,
            b'0'..=b'9' | b'_' | b'-' if !first_of_word => {}
            b':' if !first_of_word => {
                colons += 1;
                first_of_word = true;
            }
            _ => return false,
        }
        index += 1;
    }
    colons == 1 && !first_of_word && bytes.len() <= limits::ROLE_CHARS_MAX
}

/// The place of a permission in its [`Registry`](crate::access::registry::Registry).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PermissionIndex(pub(crate) u8);

/// A set of registered permissions: 256 bits, so that every operation on it takes the same time.
///
/// It has a meaning only together with the registry that assigned the indexes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct PermissionSet([u64; 4]);

impl PermissionSet {
    /// Adds a permission.
    pub fn insert(&mut self, index: PermissionIndex) {
        self.0[usize::from(index.0 >> 6)] |= 1 << (index.0 & 63);
    }

    /// Takes a permission away.
    pub fn remove(&mut self, index: PermissionIndex) {
        self.0[usize::from(index.0 >> 6)] &= !(1 << (index.0 & 63));
    }

    /// Whether the permission is in the set.
    #[must_use]
    pub const fn contains(&self, index: PermissionIndex) -> bool {
        self.0[(index.0 >> 6) as usize] & (1 << (index.0 & 63)) != 0
    }

    /// The permissions that are in either set.
    #[must_use]
    pub const fn union(mut self, other: &Self) -> Self {
        let mut word = 0;
        while word < 4 {
            self.0[word] |= other.0[word];
            word += 1;
        }
        self
    }

    /// The permissions that are in this set and not in `other`.
    #[must_use]
    pub const fn minus(mut self, other: &Self) -> Self {
        let mut word = 0;
        while word < 4 {
            self.0[word] &= !other.0[word];
            word += 1;
        }
        self
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0[0] | self.0[1] | self.0[2] | self.0[3] == 0
    }

    /// The members, in the order of their registration.
    pub fn iter(&self) -> impl Iterator<Item = PermissionIndex> + '_ {
        (0..=u8::MAX).map(PermissionIndex).filter(|index| self.contains(*index))
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|index| index.0)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_noun_and_verb() {
        for name in ["org:view", "a:b", "audit_log:re-read", "v2:x9"] {
            assert!(is_well_formed(name), "{name}");
        }
        for name in ["", ":", "a", "a:", ":b", "A:b", "a:b:c", "a b:c", "1a:b", "a:*", "é:b"] {
            assert!(!is_well_formed(name), "{name}");
        }
        assert!(!is_well_formed(&format!("a:{}", "b".repeat(47))));
    }

    #[test]
    fn a_set_holds_what_was_inserted_and_not_removed() {
        let mut set = PermissionSet::default();
        assert!(set.is_empty());
        for place in [0, 63, 64, 255] {
            set.insert(PermissionIndex(place));
        }
        assert_eq!(set.iter().map(|index| index.0).collect::<Vec<_>>(), [0, 63, 64, 255]);
        let mut less = set;
        less.remove(PermissionIndex(64));
        assert!(!less.contains(PermissionIndex(64)));
        assert_eq!(set.minus(&less).iter().count(), 1);
        assert!(less.minus(&set).is_empty());
        assert_eq!(less.union(&set), set);
    }
}

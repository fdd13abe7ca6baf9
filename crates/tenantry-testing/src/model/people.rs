//! Who acts in the model's sequences, and how they are addressed.

use tenantry_core::caller::Caller;

use crate::actors;

/// The place of a person in [`PEOPLE`]; one more than the last is a stranger.
pub(super) type Person = usize;

/// A [`Person`] who administers the platform is `root`.
pub(super) const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "mallory", "root"];
const BOB: Person = 1;
const CAROL: Person = 2;
const MALLORY: Person = 3;
pub(super) const ROOT: Person = 4;

/// Where an invitation is sent. Of whom the address is, [`holds`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address {
    Email(Person),
    Username(Person),
}

/// The verified e-mail address: everybody's own, but Carol's is not verified, and Mallory shares Bob's.
pub(super) const fn verified_email(person: Person) -> Option<Address> {
    match person {
        CAROL => None,
        MALLORY => Some(Address::Email(BOB)),
        other => Some(Address::Email(other)),
    }
}

/// Whether an invitation to `address` is for `person`.
pub(super) fn holds(person: Person, address: Address) -> bool {
    address == Address::Username(person) || verified_email(person) == Some(address)
}

/// Spells the people of one run apart from those of all others.
#[derive(Debug, Clone)]
pub(super) struct People {
    pub(super) tag: String,
}

impl People {
    /// The user id and username.
    pub(super) fn id(&self, person: Person) -> String {
        let name = PEOPLE.get(person).copied().unwrap_or("stranger");
        format!("{name}\u{e9}-{}", self.tag)
    }

    pub(super) fn email(&self, person: Person) -> String {
        format!("{}@example.com", self.id(person))
    }

    pub(super) fn caller(&self, person: Person) -> Caller {
        let email = if person == MALLORY { self.email(BOB) } else { self.email(person) };
        let caller = actors::user_at(&self.id(person), &email, person != CAROL);
        match caller {
            Caller::User(mut identity) if person == ROOT => {
                identity.platform_admin = true;
                Caller::User(identity)
            }
            other => other,
        }
    }

    /// The address as somebody types it, in one of four ways that mean the same (of a username: two).
    pub(super) fn spelled(&self, address: Address, spelling: usize) -> String {
        let decomposed = |text: String| text.replace('\u{e9}', "e\u{301}");
        match (address, spelling % 4) {
            (Address::Email(person), 0) => self.email(person),
            (Address::Email(person), 1) => decomposed(self.email(person)),
            (Address::Email(person), 2) => self.email(person).to_uppercase(),
            (Address::Email(person), _) => decomposed(self.email(person)).to_uppercase(),
            (Address::Username(person), 0 | 2) => self.id(person),
            (Address::Username(person), _) => decomposed(self.id(person)),
        }
    }
}

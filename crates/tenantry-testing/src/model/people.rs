//! Who acts in the model's sequences, how they are addressed, and what their host knows of them.

use std::sync::{Arc, Mutex, PoisonError};

use tenantry_core::{
    access::caller::Caller,
    host::{
        Host,
        registrar::{NotRegistered, Registration},
    },
    values::ids::UserId,
};

use crate::actors;

/// The place of a person in [`PEOPLE`]; one more than the last is a stranger.
pub(super) type Person = usize;

/// A [`Person`] who administers the platform is `root`.
pub(super) const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "mallory", "root"];
const BOB: Person = 1;
const CAROL: Person = 2;
const MALLORY: Person = 3;
pub(super) const ROOT: Person = 4;
/// Has no account, until they register; then they have no username.
pub(super) const STRANGER: Person = 5;

/// What somebody registers with.
pub(super) const PASSWORDS: [&str; 2] = ["correct horse", "battery staple"];

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
    (address == Address::Username(person) && person != STRANGER) || verified_email(person) == Some(address)
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
            Caller::User(mut identity) => {
                identity.platform_admin = person == ROOT;
                identity.username = identity.username.filter(|_| person != STRANGER);
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

    /// The host's side: it registers the stranger, with the password that they chose first, and nobody who has an
    /// account.
    pub(super) fn host(&self) -> Host {
        let (people, account) = (self.clone(), Arc::new(Mutex::new(None)));
        Host::default().registrar(move |registration: Registration| {
            let (people, account) = (people.clone(), account.clone());
            async move {
                let stranger = Address::Email(STRANGER);
                if !(0..4).any(|spelling| people.spelled(stranger, spelling) == registration.email) {
                    return Err(NotRegistered::Taken);
                }
                let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
                let password = account.get_or_insert_with(|| registration.password.expose().to_owned());
                if password != registration.password.expose() {
                    return Err(NotRegistered::Taken);
                }
                UserId::new(people.id(STRANGER)).map_err(|error| NotRegistered::Failed(error.into()))
            }
        })
    }
}

//! The plain model: what there is, and who may do what. Written from the specification, without a look at how the
//! core does it: vectors and loops, no store.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tenantry_core::{
    clock::Timestamp,
    error::ErrorKind,
    registry::{Registry, RegistryError},
};

use super::{
    people::{Address, People, Person, ROOT, holds},
    step::{Actor, Expiry, Spelling},
};

/// All permissions, in the order in which a list names them. The last one is the host's.
pub(super) const PERMISSIONS: [&str; 9] = [
    "org:view",
    "org:manage",
    "org:delete",
    "members:view",
    "members:manage",
    "tokens:manage",
    "audit:view",
    "wallet:view",
    "notes:write",
];

/// All roles, from the highest to the lowest. `inviter` is the host's.
pub(super) const ROLES: [&str; 4] = ["owner", "admin", "inviter", "member"];

/// What the host of the model registers.
pub(super) fn registry() -> Result<Registry, RegistryError> {
    let inviter = ["org:view", "members:view", "members:manage"];
    Registry::builder().permission("notes:write").role("inviter", inviter).build()
}

/// What a role permits.
pub(super) fn permissions_of(role: &str) -> BTreeSet<&'static str> {
    let permitted = |permission: &&str| match role {
        "owner" => true,
        "admin" => *permission != "org:delete",
        "inviter" => ["org:view", "members:view", "members:manage"].contains(permission),
        "member" => ["org:view", "members:view"].contains(permission),
        _ => false,
    };
    PERMISSIONS.into_iter().filter(permitted).collect()
}

/// In the order in which a list names them.
pub(super) fn ordered<'a>(names: &'static [&'static str], chosen: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let chosen: BTreeSet<_> = chosen.into_iter().collect();
    names.iter().copied().filter(|name| chosen.contains(name)).collect()
}

#[derive(Debug)]
pub(super) struct Organization {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) version: u64,
    /// In the order in which they became owners.
    pub(super) owners: Vec<Person>,
    /// In the order of joining.
    pub(super) members: Vec<Member>,
    pub(super) invitations: Vec<Invitation>,
    pub(super) codes: Vec<Code>,
    pub(super) tokens: Vec<Token>,
    pub(super) workspaces: Vec<Workspace>,
    /// How many changes there were: as many as there must be audit events.
    pub(super) events: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) person: Person,
    /// From the highest to the lowest.
    pub(super) roles: Vec<&'static str>,
    /// By their places; none that was deleted.
    pub(super) workspaces: BTreeSet<usize>,
    /// Tells in which order a person joined organizations.
    pub(super) joined: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Accepted,
    Revoked,
    Declined,
    /// It was expired, and another to the same address took its place.
    Replaced,
}

#[derive(Debug)]
pub(super) struct Invitation {
    pub(super) id: String,
    pub(super) token: String,
    pub(super) to: Address,
    pub(super) spelled: String,
    pub(super) roles: Vec<&'static str>,
    pub(super) state: State,
    pub(super) expires_at: Timestamp,
}

#[derive(Debug)]
pub(super) struct Code {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) role: &'static str,
    pub(super) uses: u32,
    pub(super) uses_max: Option<u32>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) revoked: bool,
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) key: String,
    pub(super) bearer: String,
    pub(super) permissions: BTreeSet<&'static str>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) revoked: bool,
}

#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) id: String,
    pub(super) name: Spelling,
    pub(super) deleted: bool,
}

/// Everything.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) people: People,
    pub(super) now: Timestamp,
    pub(super) organizations: Vec<Organization>,
    /// Where each invitation, code, token and workspace is: its organization, and its place there.
    pub(super) invitations: Vec<(usize, usize)>,
    pub(super) codes: Vec<(usize, usize)>,
    pub(super) tokens: Vec<(usize, usize)>,
    pub(super) workspaces: Vec<(usize, usize)>,
    /// How often somebody joined anything.
    pub(super) joins: usize,
    /// Since when each person tries wrong codes, and how many they tried.
    pub(super) guesses: BTreeMap<Person, (Timestamp, u32)>,
}

/// What somebody may do in an organization.
#[derive(Debug)]
pub(super) struct Rights {
    pub(super) permissions: BTreeSet<&'static str>,
    pub(super) owner: bool,
}

impl Rights {
    pub(super) fn hold(&self, permission: &str) -> bool {
        self.permissions.contains(permission)
            || permission == "tokens:manage" && self.permissions.contains("org:manage")
    }

    /// Nobody grants what they lack, and only an owner makes an owner.
    pub(super) fn may_grant(&self, roles: &[&str]) -> Result<(), ErrorKind> {
        let granted: BTreeSet<_> = roles.iter().flat_map(|role| permissions_of(role)).collect();
        if roles.contains(&"owner") && !self.owner { Err(ErrorKind::GrantExceedsOwn) } else { self.may_give(&granted) }
    }

    pub(super) fn may_give(&self, permissions: &BTreeSet<&str>) -> Result<(), ErrorKind> {
        let lacks = permissions.iter().any(|permission| !self.hold(permission));
        if lacks { Err(ErrorKind::GrantExceedsOwn) } else { Ok(()) }
    }
}

impl Plain {
    pub(super) fn new(people: People, now: Timestamp) -> Self {
        Self {
            people,
            now,
            organizations: Vec::new(),
            invitations: Vec::new(),
            codes: Vec::new(),
            tokens: Vec::new(),
            workspaces: Vec::new(),
            joins: 0,
            guesses: BTreeMap::new(),
        }
    }

    /// Where the token is that acts; `None`: a person acts.
    pub(super) fn token(&self, actor: Actor) -> Option<(usize, usize)> {
        match actor {
            Actor::Token(which) if !self.tokens.is_empty() => Some(self.tokens[which % self.tokens.len()]),
            _ => None,
        }
    }

    fn valid_token(&self, (org, place): (usize, usize)) -> Result<&Token, ErrorKind> {
        let token = &self.organizations[org].tokens[place];
        if token.revoked {
            Err(ErrorKind::InvalidToken)
        } else if token.expires_at.is_some_and(|end| end <= self.now) {
            Err(ErrorKind::ExpiredToken)
        } else {
            Ok(token)
        }
    }

    /// The credential is good, whatever it is good for.
    pub(super) fn authenticated(&self, actor: Actor) -> Result<(), ErrorKind> {
        self.token(actor).map_or(Ok(()), |place| self.valid_token(place).map(|_| ()))
    }

    /// The person who acts: some things only a person can do.
    pub(super) fn person(&self, actor: Actor) -> Result<Person, ErrorKind> {
        self.authenticated(actor)?;
        match (self.token(actor), actor) {
            (Some(_), _) => Err(ErrorKind::Forbidden),
            (None, Actor::Person(person)) => Ok(person),
            (None, Actor::Token(_) | Actor::Insider(_)) => Ok(0),
        }
    }

    /// What the actor may do there, if it is enough for `needed`.
    pub(super) fn rights(&self, actor: Actor, org: usize, needed: &str) -> Result<Rights, ErrorKind> {
        let rights = if let Some(place) = self.token(actor) {
            let token = self.valid_token(place)?;
            if place.0 != org {
                return Err(ErrorKind::NotFound);
            }
            Rights { permissions: token.permissions.clone(), owner: false }
        } else {
            let person = self.person(actor)?;
            let Some(member) = self.organizations[org].member(person) else {
                // Every organization of the model keeps an owner, so it is none of the platform's business.
                return Err(if person == ROOT { ErrorKind::Forbidden } else { ErrorKind::NotFound });
            };
            Rights {
                permissions: member.roles.iter().flat_map(|role| permissions_of(role)).collect(),
                owner: member.roles.contains(&"owner"),
            }
        };
        if rights.hold(needed) { Ok(rights) } else { Err(ErrorKind::Forbidden) }
    }

    /// When something ends that was given this expiry; a request is refused whose expiry has passed.
    pub(super) fn end(&self, expiry: Expiry) -> (Option<Timestamp>, Result<(), ErrorKind>) {
        let hour = std::time::Duration::from_secs(3600);
        match expiry {
            Expiry::Unsaid => (None, Ok(())),
            Expiry::InAnHour => (Some(self.now.after(hour)), Ok(())),
            Expiry::InThePast => (Some(self.now), Err(ErrorKind::InvalidRequest)),
        }
    }

    /// Makes the person a member.
    pub(super) fn admit(&mut self, org: usize, person: Person, roles: Vec<&'static str>) {
        self.joins += 1;
        let organization = &mut self.organizations[org];
        if roles.contains(&"owner") {
            organization.owners.push(person);
            organization.version += 1;
        }
        organization.members.push(Member { person, roles, workspaces: BTreeSet::new(), joined: self.joins });
        organization.events += 1;
    }
}

impl Organization {
    pub(super) fn member(&self, person: Person) -> Option<&Member> {
        self.members.iter().find(|member| member.person == person)
    }

    /// Whether some member has the address.
    pub(super) fn knows(&self, address: Address) -> bool {
        self.members.iter().any(|member| holds(member.person, address))
    }

    pub(super) fn shown(&self, people: &People) -> Value {
        let owner = self.owners.first().map(|owner| people.id(*owner));
        let slug = if self.slug.is_empty() { Value::Null } else { json!(self.slug) };
        let mut shown = json!({ "name": self.name, "owner": owner, "version": self.version, "status": "active" });
        // What is not known yet is learned from the answer.
        if !slug.is_null() {
            shown["slug"] = slug;
        }
        if !self.id.is_empty() {
            shown["id"] = json!(self.id);
        }
        shown
    }
}

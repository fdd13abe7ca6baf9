//! The plain model: what there is, and who may do what. Written from the specification, without a look at how the
//! core does it: vectors and loops, no store.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tenantry_core::values::{clock::Timestamp, error::ErrorKind};

use super::{
    people::{Address, People, Person, ROOT, holds},
    roles::{OwnRole, PERMISSIONS, host_roles},
    step::{Actor, Expiry, Spelling},
};

#[derive(Debug)]
pub(super) struct Organization {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) version: u64,
    pub(super) created_at: Timestamp,
    pub(super) status: &'static str,
    pub(super) status_reason: Option<&'static str>,
    /// It was deleted: nothing of it is left, whatever stands here still.
    pub(super) gone: bool,
    /// In the order in which they became owners.
    pub(super) owners: Vec<Person>,
    /// In the order of joining.
    pub(super) members: Vec<Member>,
    /// How often somebody joined it.
    pub(super) numbers_given: usize,
    /// In the order of their making, the deleted ones too.
    pub(super) own_roles: Vec<OwnRole>,
    pub(super) own_roles_made: usize,
    /// What the host has registered, wherever it is asked.
    pub(super) host_roles: &'static [&'static str],
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
    /// As they were meant when they were given, from the highest to the lowest then; the host's with `host.`.
    pub(super) roles: Vec<&'static str>,
    pub(super) email: Option<String>,
    /// As the host said it since they joined.
    pub(super) name: Option<&'static str>,
    /// By their places; none that was deleted.
    pub(super) workspaces: BTreeSet<usize>,
    pub(super) number: usize,
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
    /// Whom it was for joined by another way.
    Superseded,
}

#[derive(Debug)]
pub(super) struct Invitation {
    pub(super) id: String,
    pub(super) token: String,
    pub(super) to: Address,
    pub(super) spelled: String,
    /// `None`: a token.
    pub(super) maker: Option<Person>,
    pub(super) roles: Vec<&'static str>,
    pub(super) state: State,
    pub(super) expires_at: Timestamp,
}

#[derive(Debug)]
pub(super) struct Code {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) role: &'static str,
    pub(super) maker: Option<Person>,
    pub(super) uses: u32,
    pub(super) uses_max: Option<u32>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) revoked: bool,
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) key: String,
    /// With each secret that it ever had, the present one last.
    pub(super) bearers: Vec<String>,
    /// Until when the secret before the present one works.
    pub(super) overlap_ends: Option<Timestamp>,
    pub(super) name: Option<&'static str>,
    pub(super) maker: Option<Person>,
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
    /// Where each invitation, code and workspace is: its organization, and its place there.
    pub(super) invitations: Vec<(usize, usize)>,
    pub(super) codes: Vec<(usize, usize)>,
    pub(super) workspaces: Vec<(usize, usize)>,
    /// Where the token of each secret is, and which of its secrets it is.
    pub(super) secrets: Vec<(usize, usize, usize)>,
    /// How often somebody joined anything.
    pub(super) joins: usize,
    /// Since when each person tries wrong codes, and how many they tried.
    pub(super) guesses: BTreeMap<Person, (Timestamp, u32)>,
    /// With which password the stranger registered.
    pub(super) account: Option<&'static str>,
    pub(super) host_roles: &'static [&'static str],
}

/// What somebody may do in an organization.
#[derive(Debug)]
pub(super) struct Rights {
    pub(super) permissions: BTreeSet<&'static str>,
    pub(super) owner: bool,
    /// When the token ends that acts, or its secret.
    pub(super) until: Option<Timestamp>,
}

impl Rights {
    pub(super) fn hold(&self, permission: &str) -> bool {
        self.permissions.contains(permission)
            || permission == "tokens:manage" && self.permissions.contains("org:manage")
    }

    /// Nobody grants what they lack.
    pub(super) fn may_give(&self, permissions: &BTreeSet<&str>) -> Result<(), ErrorKind> {
        let lacks = permissions.iter().any(|permission| !self.hold(permission));
        if lacks { Err(ErrorKind::GrantExceedsOwn) } else { Ok(()) }
    }

    /// And nobody for longer than they have it.
    pub(super) fn may_give_until(&self, end: Option<Timestamp>) -> Result<(), ErrorKind> {
        match (self.until, end) {
            (None, _) => Ok(()),
            (Some(own), Some(end)) if end <= own => Ok(()),
            (Some(_), _) => Err(ErrorKind::GrantExceedsOwn),
        }
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
            workspaces: Vec::new(),
            secrets: Vec::new(),
            joins: 0,
            guesses: BTreeMap::new(),
            account: None,
            host_roles: host_roles(false),
        }
    }

    /// Where the token is that acts, and by which of its secrets; `None`: a person acts.
    pub(super) fn token(&self, actor: Actor) -> Option<(usize, usize, usize)> {
        match actor {
            Actor::Token(which) if !self.secrets.is_empty() => Some(self.secrets[which % self.secrets.len()]),
            _ => None,
        }
    }

    /// Whose it is what the actor issues; `None`: a token acts.
    pub(super) fn maker(&self, actor: Actor) -> Option<Person> {
        match (self.token(actor), actor) {
            (Some(_), _) => None,
            (None, Actor::Person(person)) => Some(person),
            (None, Actor::Token(_) | Actor::Insider(_)) => Some(0),
        }
    }

    /// The secret works, in an organization that is in use.
    pub(super) fn valid_token(&self, (org, place, secret): (usize, usize, usize)) -> Result<&Token, ErrorKind> {
        let organization = &self.organizations[org];
        let token = &organization.tokens[place];
        let age = token.bearers.len() - 1 - secret;
        let overlaps = age == 1 && token.overlap_ends.is_some_and(|end| end > self.now);
        if organization.gone || token.revoked || (age > 0 && !overlaps) {
            Err(ErrorKind::InvalidToken)
        } else if token.expires_at.is_some_and(|end| end <= self.now) {
            Err(ErrorKind::ExpiredToken)
        } else {
            organization.require_active().map(|()| token)
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

    /// Some things only the platform can do.
    pub(super) fn platform(&self, actor: Actor) -> Result<(), ErrorKind> {
        if self.person(actor)? == ROOT { Ok(()) } else { Err(ErrorKind::Forbidden) }
    }

    /// What the actor may do there, if it is enough for `needed`.
    pub(super) fn rights(&self, actor: Actor, org: usize, needed: &str) -> Result<Rights, ErrorKind> {
        let rights = self.place(actor, org)?;
        if rights.hold(needed) { Ok(rights) } else { Err(ErrorKind::Forbidden) }
    }

    /// What the actor may do there, if they belong there.
    pub(super) fn place(&self, actor: Actor, org: usize) -> Result<Rights, ErrorKind> {
        if let Some(place) = self.token(actor) {
            let token = self.valid_token(place)?;
            let overlap_ends = token.overlap_ends.filter(|_| place.2 + 1 < token.bearers.len());
            let until = token.expires_at.into_iter().chain(overlap_ends).min();
            let rights = Rights { permissions: token.permissions.clone(), owner: false, until };
            return if place.0 == org { Ok(rights) } else { Err(ErrorKind::NotFound) };
        }
        let person = self.person(actor)?;
        let organization = &self.organizations[org];
        if organization.gone {
            return Err(ErrorKind::NotFound);
        }
        if organization.is_looked_after_by(person) {
            return Ok(Rights { permissions: PERMISSIONS.into(), owner: true, until: None });
        }
        let Some(member) = organization.member(person) else {
            // As long as it has an owner, it is none of the platform's business.
            return Err(if person == ROOT { ErrorKind::Forbidden } else { ErrorKind::NotFound });
        };
        if person != ROOT {
            organization.require_active()?;
        }
        let owner = member.roles.contains(&"owner");
        Ok(Rights { permissions: organization.permissions_of(&member.roles), owner, until: None })
    }

    /// When something ends that was given this expiry; a request is refused whose expiry has passed.
    pub(super) fn end(&self, expiry: Expiry) -> (Option<Timestamp>, Result<(), ErrorKind>) {
        let after = |seconds| Some(self.now.after(std::time::Duration::from_secs(seconds)));
        match expiry {
            Expiry::Unsaid | Expiry::Never => (None, Ok(())),
            Expiry::InAMinute => (after(60), Ok(())),
            Expiry::InAnHour => (after(3600), Ok(())),
            Expiry::InThePast => (Some(self.now), Err(ErrorKind::InvalidRequest)),
        }
    }

    /// Makes the person, who has that e-mail address, a member.
    pub(super) fn admit(&mut self, org: usize, person: Person, email: Option<String>, roles: Vec<&'static str>) {
        self.joins += 1;
        let organization = &mut self.organizations[org];
        if roles.contains(&"owner") {
            organization.owners.push(person);
            organization.version += 1;
        }
        organization.numbers_given += 1;
        let number = organization.numbers_given;
        organization.end_invitations(person, State::Superseded);
        let workspaces = BTreeSet::new();
        let (name, joined) = (None, self.joins);
        organization.members.push(Member { person, roles, email, name, workspaces, number, joined });
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

    /// Ends what is open for the person: nobody is a member and invited.
    pub(super) fn end_invitations(&mut self, person: Person, state: State) {
        for invitation in &mut self.invitations {
            if invitation.state == State::Open && holds(person, invitation.to) {
                invitation.state = state;
            }
        }
    }

    /// Whether the person acts as its owner, since it has none.
    pub(super) fn is_looked_after_by(&self, person: Person) -> bool {
        person == ROOT && self.owners.is_empty()
    }

    pub(super) fn require_active(&self) -> Result<(), ErrorKind> {
        if self.status == "active" { Ok(()) } else { Err(ErrorKind::OrganizationSuspended) }
    }

    pub(super) fn shown(&self, people: &People) -> Value {
        let mut shown = json!({
            "name": self.name,
            "owner": self.owners.first().map(|owner| people.id(*owner)),
            "version": self.version,
            "status": self.status,
            "statusReason": self.status_reason,
            "createdAt": self.created_at,
        });
        // What is not known yet is learned from the answer.
        for (field, known) in [("slug", &self.slug), ("id", &self.id)] {
            if !known.is_empty() {
                shown[field] = json!(known);
            }
        }
        shown
    }
}

//! Organizations, by the specification.

use serde_json::{Value, json};
use tenantry_core::values::error::ErrorKind;

use super::{
    moves::{Learn, Move},
    people::{ROOT, verified_email},
    plain::{Member, Organization, Plain},
    roles::in_order,
    step::{Actor, IfVersion, Order},
};

/// What the slug of that number is called in this run.
fn slug_text(plain: &Plain, slug: Option<usize>) -> Option<String> {
    slug.map(|number| format!("slug-{number}-{}", plain.people.tag))
}

impl Plain {
    /// A name of this run, with the spaces that `name` has around it.
    fn named(&self, name: &str) -> String {
        let spaces = &name[..name.len() - name.trim_start().len()];
        format!("{spaces}{} {}", self.people.tag, name.trim_start())
    }

    fn slug_is_free(&self, slug: Option<&str>, but: Option<usize>) -> Result<(), ErrorKind> {
        let others = self.organizations.iter().enumerate();
        let mut others = others.filter(|(place, organization)| Some(*place) != but && !organization.gone);
        let taken = slug.is_some_and(|slug| others.any(|(_, organization)| organization.slug == slug));
        if taken { Err(ErrorKind::SlugTaken) } else { Ok(()) }
    }

    /// An organization of which nothing but its name is known.
    pub(super) fn organization(&self, name: String) -> Organization {
        Organization {
            id: String::new(),
            name,
            slug: String::new(),
            version: 1,
            created_at: self.now,
            status: "active",
            status_reason: None,
            gone: false,
            owners: Vec::new(),
            members: Vec::new(),
            numbers_given: 0,
            own_roles: Vec::new(),
            own_roles_made: 0,
            host_roles: self.host_roles,
            invitations: Vec::new(),
            codes: Vec::new(),
            tokens: Vec::new(),
            workspaces: Vec::new(),
            events: 0,
        }
    }

    pub(super) fn create(&mut self, by: Actor, name: &str, slug: Option<usize>) -> Move {
        let (name, slug) = (self.named(name), slug_text(self, slug));
        let input = json!({ "name": name, "slug": slug });
        let person = self.person(by).and_then(|person| {
            self.slug_is_free(slug.as_deref(), None)?;
            Ok(person)
        });
        let expected = person.map(|person| {
            let mut organization = self.organization(name.trim().to_owned());
            organization.slug = slug.unwrap_or_default();
            organization.version = 0;
            let place = self.organizations.len();
            self.organizations.push(organization);
            let email = verified_email(person).map(|address| self.people.spelled(address, 0));
            self.admit(place, person, email, vec!["owner"]);
            json!({ "organization": self.organizations[place].shown(&self.people) })
        });
        Move::new(by, "create", input, expected)
            .learning(Learn::Organization(self.organizations.len().saturating_sub(1)))
    }

    pub(super) fn get(&self, by: Actor, org: usize) -> Move {
        let expected = self.rights(by, org, "org:view");
        let organization = &self.organizations[org];
        let expected = expected.map(|_| json!({ "organization": organization.shown(&self.people) }));
        Move::new(by, "get", json!({ "organizationId": organization.id }), expected)
    }

    pub(super) fn list(&self, by: Actor, limit: Option<u32>) -> Move {
        let expected = self.person(by).map(|person| {
            let living = self.organizations.iter().filter(|organization| !organization.gone);
            let of_person = |organization| Some((organization, Organization::member(organization, person)?));
            let mut memberships: Vec<(&Organization, &Member)> = living.filter_map(of_person).collect();
            memberships.sort_by_key(|(_, member)| member.joined);
            let shown = memberships.into_iter().map(|(organization, member)| {
                let roles = organization.ranked(&member.roles);
                json!({
                    "organization": organization.shown(&self.people),
                    "role": roles[0],
                    "roles": roles,
                    "permissions": in_order(&organization.permissions_of(&member.roles)),
                })
            });
            json!({ "organizations": shown.collect::<Vec<_>>() })
        });
        Move::new(by, "list", json!({ "limit": limit }), expected)
    }

    /// Of the platform, what belongs to this run; of anybody else's, their own.
    pub(super) fn search(
        &self,
        by: Actor,
        (name, active): (Option<&'static str>, bool),
        order: Order,
        (limit, offset): (Option<u32>, Option<u32>),
    ) -> Move {
        let mut filter = json!({ "name": { "like": format!("{} %", self.people.tag) } });
        if active {
            filter["status"] = json!({ "eq": "active" });
        }
        let fields = order.fields().iter().map(|(field, direction)| json!({ "field": field, "direction": direction }));
        let fields: Vec<_> = fields.collect();
        let input = json!({ "name": name, "filter": filter, "order": fields, "limit": limit, "offset": offset });
        let expected = self.person(by).map(|person| {
            let mut found: Vec<_> = self
                .organizations
                .iter()
                .filter(|organization| !organization.gone && (!active || organization.status == "active"))
                .filter(|organization| person == ROOT || organization.member(person).is_some())
                .filter(|organization| {
                    name.is_none_or(|name| organization.name.to_lowercase().contains(&name.to_lowercase()))
                })
                .collect();
            found.sort_by(|one, two| order.compare(one, two));
            let passed_over = usize::try_from(offset.unwrap_or(0)).unwrap_or(usize::MAX);
            let shown = found.into_iter().skip(passed_over).map(|organization| organization.shown(&self.people));
            json!({ "organizations": shown.collect::<Vec<_>>() })
        });
        Move::new(by, "search", input, expected)
    }

    pub(super) fn update(
        &mut self,
        by: Actor,
        org: usize,
        name: Option<&str>,
        slug: Option<usize>,
        version: IfVersion,
    ) -> Move {
        let (name, slug) = (name.map(|name| self.named(name)), slug_text(self, slug));
        let rights = self.rights(by, org, "org:manage");
        let free = self.slug_is_free(slug.as_deref(), Some(org));
        let people = self.people.clone();
        let organization = &mut self.organizations[org];
        let if_version = match version {
            IfVersion::Unsaid => None,
            IfVersion::Current => Some(organization.version),
            IfVersion::Other => Some(organization.version + 7),
        };
        let input = json!({ "organizationId": organization.id, "name": name, "slug": slug, "ifVersion": if_version });
        let expected =
            rights.and(if matches!(version, IfVersion::Other) { Err(ErrorKind::Stale) } else { free }).map(|()| {
                let name = name.map_or_else(|| organization.name.clone(), |name| name.trim().to_owned());
                let slug = slug.unwrap_or_else(|| organization.slug.clone());
                if (&name, &slug) != (&organization.name, &organization.slug) {
                    (organization.name, organization.slug) = (name, slug);
                    organization.version += 1;
                    organization.events += 1;
                }
                json!({ "ok": true, "organization": organization.shown(&people) })
            });
        Move::new(by, "update", input, expected)
    }

    pub(super) fn set_status(
        &mut self,
        by: Actor,
        org: usize,
        status: &'static str,
        reason: Option<&'static str>,
    ) -> Move {
        let input = json!({ "organizationId": self.organizations[org].id, "status": status, "reason": reason });
        let allowed = self.platform(by);
        let people = self.people.clone();
        let organization = &mut self.organizations[org];
        let expected = allowed.and_then(|()| {
            if organization.gone {
                return Err(ErrorKind::NotFound);
            }
            let reason = reason.filter(|_| status != "active");
            if (status, reason) != (organization.status, organization.status_reason) {
                (organization.status, organization.status_reason) = (status, reason);
                organization.version += 1;
                organization.events += 1;
            }
            Ok(json!({ "organization": organization.shown(&people) }))
        });
        Move::new(by, "set-status", input, expected)
    }

    pub(super) fn delete(&mut self, by: Actor, org: usize) -> Move {
        let input = json!({ "organizationId": self.organizations[org].id });
        let expected: Result<Value, _> = self.rights(by, org, "org:delete").map(|_| {
            self.organizations[org].gone = true;
            json!({ "ok": true })
        });
        Move::new(by, "delete", input, expected)
    }
}

impl Order {
    const fn fields(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Name => &[("name", "asc")],
            Self::NameBackwards => &[("name", "desc")],
            Self::Newest => &[("createdAt", "desc")],
            Self::NameThenNewest => &[("name", "asc"), ("createdAt", "desc")],
            Self::Status => &[("status", "asc"), ("name", "asc")],
        }
    }

    /// Ties go by id, in the direction of the last field.
    fn compare(self, one: &Organization, two: &Organization) -> std::cmp::Ordering {
        let name = || one.name.to_lowercase().cmp(&two.name.to_lowercase());
        let newest = || two.created_at.cmp(&one.created_at);
        let id = || one.id.cmp(&two.id);
        match self {
            Self::Name => name().then_with(id),
            Self::NameBackwards => name().then_with(id).reverse(),
            Self::Newest => newest().then_with(|| id().reverse()),
            Self::NameThenNewest => name().then_with(newest).then_with(|| id().reverse()),
            Self::Status => one.status.cmp(two.status).then_with(name).then_with(id),
        }
    }
}

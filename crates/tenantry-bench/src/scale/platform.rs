//! A platform of many organizations.

use anyhow::Result;
use serde_json::json;
use tenantry_core::{
    access::caller::Caller,
    engine::Engine,
    operations::{join_codes, organizations, tokens},
    values::ids::OrganizationId,
};
use tenantry_testing::actors;

use super::home::{Home, Kind};
use crate::{crowd::together, world::must};

/// Organizations in a store of their own.
pub(super) struct Platform {
    pub(super) size: usize,
    /// For the tables: how many organizations, and what is special.
    pub(super) name: String,
    pub(super) engine: Engine,
    pub(super) home: Home,
    /// What each organization takes of the store's memory, or of its file.
    pub(super) bytes_each: f64,
    pub(super) keys_each: f64,
    organizations: Vec<OrganizationId>,
    strangers: usize,
    /// Of each organization by its place, whether its member with number 1 is an admin.
    admins: Vec<bool>,
    random: u64,
}

/// An organization, by its place on the platform.
pub(super) struct One {
    pub(super) id: OrganizationId,
    place: usize,
}

impl One {
    pub(super) fn owner(&self) -> Caller {
        member(self.place, 0)
    }

    /// The id of its member with this number; 0 is the owner.
    pub(super) fn member(&self, number: usize) -> String {
        member_name(self.place, number)
    }
}

fn member_name(place: usize, number: usize) -> String {
    format!("user-{place}-{number}")
}

fn member(place: usize, number: usize) -> Caller {
    actors::user(&member_name(place, number))
}

impl Platform {
    /// Makes as many organizations, by the operations that anybody uses.
    pub(super) async fn load(size: usize, callers: usize, kind: Kind) -> Result<Self> {
        let (home, engine) = Home::open(kind).await?;
        let before = home.bytes()?;
        let making = engine.clone();
        let act = move |place| organization(making.clone(), place);
        let (_, organizations) = together(callers, (0..size).collect(), act).await?;
        let each = |count: u64| count as f64 / size as f64;
        Ok(Self {
            size,
            name: if let Kind::Redis(settings) = kind {
                [&[&*size.to_string()], settings].concat().join(" ")
            } else {
                size.to_string()
            },
            engine,
            bytes_each: each(home.bytes()?.saturating_sub(before)),
            keys_each: each(home.keys()?),
            home,
            organizations,
            strangers: 0,
            admins: vec![false; size],
            random: 0,
        })
    }

    /// So many organizations from everywhere on the platform, the same ones in every run.
    pub(super) fn some(&mut self, count: usize) -> Vec<One> {
        let mut random = || {
            // The multiplier is Knuth's; the upper half is random enough to jump about.
            self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            self.random >> 33
        };
        let places = (0..count).map(|_| random()).collect::<Vec<_>>();
        let one = |random: u64| {
            #[expect(clippy::cast_possible_truncation, reason = "it has 31 bits")]
            let place = random as usize % self.organizations.len();
            One { id: self.organizations[place], place }
        };
        places.into_iter().map(one).collect()
    }

    /// The role to give to the organization's member with number 1: never the one that they have.
    pub(super) fn other_role(&mut self, one: &One) -> &'static str {
        let is_admin = &mut self.admins[one.place];
        *is_admin = !*is_admin;
        if *is_admin { "admin" } else { "member" }
    }

    /// The names of people whom nobody knows.
    pub(super) fn strangers(&mut self, count: usize) -> Vec<String> {
        let first = self.strangers;
        self.strangers += count;
        (first..self.strangers).map(|number| format!("stranger-{number}")).collect()
    }
}

/// An organization with three members, an API token and a join code.
async fn organization(engine: Engine, place: usize) -> Result<OrganizationId> {
    let owner = member(place, 0);
    let created = must::<organizations::Create>(&engine, &owner, json!({ "name": format!("Organization {place}") }));
    let id = created.await?.organization.id;
    let code = must::<join_codes::Create>(&engine, &owner, json!({ "organizationId": id })).await?.code;
    for number in 1..3 {
        must::<join_codes::Join>(&engine, &member(place, number), json!({ "code": code })).await?;
    }
    let input = json!({ "organizationId": id, "permissions": ["org:view"] });
    must::<tokens::Create>(&engine, &owner, input).await?;
    Ok(id)
}

//! What one primary has lost is put back from what another still has.

use serde_json::{Value, json};
use tenantry_core::{
    engine::{
        Engine,
        operation::{Operation, Request},
        repair::ContestedSlug,
    },
    operations::{invitations, join_codes, members, organizations},
    values::error::{Error, ErrorKind},
};
use tenantry_testing::{
    actors,
    redis_server::{NAMESPACE, RedisServer},
};

use crate::must;

pub(crate) async fn run<O: Operation>(engine: &Engine, user: &str, input: Value) -> Result<O::Output, Error> {
    let operation: O = serde_json::from_value(input).expect("the test gives valid inputs");
    engine.run(&Request::new(actors::user(user)), &operation).await
}

/// Takes away what the shards have whose names begin so, as a primary does that has lost it.
async fn lose(namespace: &str, shards: &[&str]) {
    let client = redis::Client::open(RedisServer::shared().url()).expect("the server has an address");
    let mut connection = client.get_multiplexed_async_connection().await.expect("the server runs");
    for shard in shards {
        let pattern = format!("{NAMESPACE}-{namespace}:{{{shard}*");
        let keys: Vec<String> =
            redis::cmd("KEYS").arg(pattern).query_async(&mut connection).await.expect("Redis is there");
        assert!(!keys.is_empty(), "there was to be something of {shard}");
        let _: u64 = redis::cmd("DEL").arg(keys).query_async(&mut connection).await.expect("Redis is there");
    }
}

/// All steps; the last word on slugs.
pub(crate) async fn repair(engine: &Engine) -> (u64, Vec<ContestedSlug>) {
    let (mut progress, mut entries, mut contested) = (None, 0, Vec::new());
    loop {
        let step = engine.repair(progress).await.expect("the store is there");
        entries += step.entries;
        contested.extend(step.contested);
        match step.next {
            Some(next) => progress = Some(next),
            None => return (entries, contested),
        }
    }
}

struct World {
    engine: Engine,
    id: String,
    code: String,
    invitation: Value,
}

async fn world(namespace: &str) -> World {
    let engine = crate::engine(crate::redis(namespace).await);
    let create = json!({ "name": "Acme", "slug": "acme-slug" });
    let id = must::<organizations::Create>(&engine, "alice", create).await.organization.id.to_string();
    let code = must::<join_codes::Create>(&engine, "alice", json!({ "organizationId": id })).await.code;
    must::<join_codes::Join>(&engine, "bob", json!({ "code": code })).await;
    let invite = json!({ "organizationId": id, "username": "carol" });
    let invitation = must::<invitations::Create>(&engine, "alice", invite).await.invitation.id;
    World { engine, id, code, invitation: json!(invitation) }
}

impl World {
    async fn organizations_of(&self, user: &str) -> usize {
        must::<organizations::List>(&self.engine, user, json!({})).await.organizations.len()
    }

    /// Everything leads to the organization as it did.
    async fn is_well(&self) {
        let World { engine, id, code, invitation } = self;
        assert_eq!((self.organizations_of("alice").await, self.organizations_of("bob").await), (1, 1));
        let again = run::<organizations::Create>(engine, "mallory", json!({ "name": "No", "slug": "acme-slug" })).await;
        assert_eq!(again.err().map(|error| error.kind()), Some(ErrorKind::SlugTaken));
        must::<join_codes::Join>(engine, "erin", json!({ "code": code })).await;
        let mine = must::<invitations::Mine>(engine, "carol", json!({})).await.invitations;
        assert_eq!(mine.len(), 1);
        must::<invitations::Accept>(engine, "carol", json!({ "id": invitation })).await;
        let members = must::<members::List>(engine, "alice", json!({ "organizationId": id })).await.members;
        assert_eq!(members.len(), 4);
        let found = engine.run(&Request::new(actors::platform_admin()), &search()).await.expect("an admin may");
        assert!(found.organizations.iter().any(|found| found.id.to_string() == *id), "it is found by its name");
    }
}

fn search() -> organizations::Search {
    serde_json::from_value(json!({ "limit": 10 })).expect("the input is valid")
}

#[tokio::test]
async fn a_walk_through_all_organizations_puts_back_what_is_lost() {
    // One of the two indexes by which organizations are found may be among it.
    for (namespace, finder) in [("repair-names", "p:names"), ("repair-creations", "p:creations")] {
        let world = world(namespace).await;
        lose(namespace, &["u:", "a:", "c:", "s:", finder]).await;
        assert_eq!(world.organizations_of("bob").await, 0, "that was lost");
        let (entries, contested) = repair(&world.engine).await;
        assert!(entries >= 9 && contested.is_empty(), "{entries}, {contested:?}");
        world.is_well().await;
        repair(&world.engine).await;
    }
}

#[tokio::test]
async fn who_comes_back_finds_their_place_again() {
    let world = world("repair-touch").await;
    lose("repair-touch", &["u:"]).await;
    let joined = must::<join_codes::Join>(&world.engine, "bob", json!({ "code": world.code })).await;
    assert!(joined.already_member);
    assert_eq!((world.organizations_of("bob").await, world.organizations_of("alice").await), (1, 0));
    lose("repair-touch", &["s:", "p:names"]).await;
    must::<organizations::Update>(&world.engine, "alice", json!({ "organizationId": world.id, "city": "Roma" })).await;
    let taken =
        run::<organizations::Create>(&world.engine, "mallory", json!({ "name": "No", "slug": "acme-slug" })).await;
    assert_eq!(taken.err().map(|error| error.kind()), Some(ErrorKind::SlugTaken));
}

#[tokio::test]
async fn a_slug_that_two_organizations_hold_is_told() {
    let world = world("repair-slug").await;
    lose("repair-slug", &["s:"]).await;
    let other = json!({ "name": "Other", "slug": "acme-slug" });
    must::<organizations::Create>(&world.engine, "mallory", other).await;
    let (_, contested) = repair(&world.engine).await;
    let id = world.id.parse().expect("it is an id");
    // Each organization is met by both of the indexes.
    assert_eq!(contested.len(), 2);
    let is_told = |contested: &ContestedSlug| contested.slug == "acme-slug" && contested.organization == id;
    assert!(contested.iter().all(is_told), "{contested:?}");
    let rename = json!({ "organizationId": world.id, "slug": "acme-renamed" });
    must::<organizations::Update>(&world.engine, "alice", rename).await;
    assert_eq!(repair(&world.engine).await.1, []);
}

//! What an operation answers while the disk of its Redis takes nothing, and afterwards.

use serde_json::{Value, json};
use tenantry_core::{
    access::caller::Caller,
    engine::Engine,
    operations::{invitations, join_codes, members, organizations, tokens},
    values::error::{Error, ErrorKind},
};
use tenantry_testing::{
    actors,
    disk::Disk,
    redis_server::{RedisServer, Stop},
};

use crate::{eventually, server_faults::run};

/// What is there before the disk fails: an organization of Alice's and Bob's.
struct World {
    engine: Engine,
    id: Value,
    code: String,
    code_id: Value,
    bearer: String,
    token: Value,
}

/// What people do meanwhile, each under an idempotency key of that name.
const CHANGES: [&str; 9] =
    ["create", "update", "new-code", "join", "invite", "set-role", "new-token", "revoke-token", "revoke-code"];

impl World {
    async fn start(server: &RedisServer) -> Self {
        let engine = crate::engine(crate::redis_at(&server.store_url(), "disk").await);
        let alice = || actors::user("alice");
        let created = run::<organizations::Create>(&engine, alice(), "1", json!({ "name": "Acme" })).await;
        let id = json!(created.expect("the disk is well").organization.id);
        let code = json!({ "organizationId": id });
        let code = run::<join_codes::Create>(&engine, alice(), "2", code).await.expect("the disk is well");
        let join = json!({ "code": code.code });
        run::<join_codes::Join>(&engine, actors::user("bob"), "3", join).await.expect("the disk is well");
        let made = json!({ "organizationId": id, "permissions": ["org:view"] });
        let made = run::<tokens::Create>(&engine, alice(), "4", made).await.expect("the disk is well").api_token;
        let (code, code_id) = (code.code, json!(code.join_code.id));
        Self { engine, id, code, code_id, bearer: made.bearer, token: json!(made.key) }
    }

    async fn create(&self, key: &str) -> Result<(), Error> {
        // A slug is claimed before the organization is made: nothing of the claim may stand in its maker's way.
        let input = json!({ "name": "More", "slug": format!("slug-of-{key}") });
        run::<organizations::Create>(&self.engine, actors::user("dora"), key, input).await.map(drop)
    }

    async fn change(&self, what: &str) -> Result<(), Error> {
        let Self { engine, id, code, code_id, token, .. } = self;
        let (alice, here) =
            (actors::user("alice"), |name: &str, value: Value| json!({ "organizationId": id, name: value }));
        match what {
            "create" => self.create("create").await,
            "update" => run::<organizations::Update>(engine, alice, what, here("name", json!("Acne"))).await.map(drop),
            "new-code" => run::<join_codes::Create>(engine, alice, what, here("maxUses", json!(1))).await.map(drop),
            "join" => {
                run::<join_codes::Join>(engine, actors::user("erin"), what, json!({ "code": code })).await.map(drop)
            }
            "invite" => {
                let input = here("username", json!("carol"));
                run::<invitations::Create>(engine, alice, what, input).await.map(drop)
            }
            "set-role" => {
                let input = json!({ "organizationId": id, "userId": "bob", "role": "admin" });
                run::<members::SetRole>(engine, alice, what, input).await.map(drop)
            }
            "new-token" => {
                let input = here("permissions", json!(["org:view"]));
                run::<tokens::Create>(engine, alice, what, input).await.map(drop)
            }
            "revoke-token" => run::<tokens::Revoke>(engine, alice, what, here("key", token.clone())).await.map(drop),
            "revoke-code" => {
                run::<join_codes::Revoke>(engine, alice, what, here("id", code_id.clone())).await.map(drop)
            }
            other => panic!("there is no change {other}"),
        }
    }

    /// How many members, codes, tokens and invitations there are, how many organizations Dora has, and Bob's role.
    async fn shown(&self) -> (usize, usize, usize, usize, usize, String) {
        let here = || json!({ "organizationId": self.id });
        let members = crate::must::<members::List>(&self.engine, "alice", here()).await.members;
        let codes = crate::must::<join_codes::List>(&self.engine, "alice", here()).await.join_codes;
        let tokens = crate::must::<tokens::List>(&self.engine, "alice", here()).await.api_tokens;
        let invitations = crate::must::<invitations::List>(&self.engine, "alice", here()).await.invitations;
        let of_dora = crate::must::<organizations::List>(&self.engine, "dora", json!({})).await.organizations;
        let bob = members.iter().find(|member| member.username.as_deref() == Some("bob")).expect("Bob is a member");
        let role = bob.role.to_string();
        (members.len(), codes.len(), tokens.len(), invitations.len(), of_dora.len(), role)
    }

    async fn token_works(&self) -> bool {
        let Caller::Token(presented) = actors::token(&self.bearer) else { panic!("a token was made") };
        self.engine.resolve_token(&presented).await.is_ok()
    }

    /// Every change is refused, says that it was not made, and was not; what is there is shown.
    async fn refuses_all(&self) {
        let before = self.shown().await;
        for what in CHANGES {
            let error = self.change(what).await.expect_err("the disk takes nothing");
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{what}: {error}");
            assert!(error.to_string().contains("has not made it"), "{what}: {error}");
        }
        assert_eq!(self.shown().await, before);
        assert!(self.token_works().await);
        assert!(self.engine.store().ping().await.is_err(), "it is not ready");
        assert!(self.engine.needs_restart().is_none(), "a restart would mend nothing");
    }

    /// What was refused is done when it is tried again, each once.
    async fn makes_up_for_all(&self, of_dora: usize) {
        for _ in 0..2 {
            for what in CHANGES {
                self.change(what).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            }
        }
        self.has_all(of_dora).await;
    }

    async fn has_all(&self, of_dora: usize) {
        // Those that were revoked are still listed.
        assert_eq!(self.shown().await, (3, 2, 2, 1, of_dora, "admin".to_owned()));
        assert!(!self.token_works().await, "it was revoked");
        let join = json!({ "code": self.code });
        assert!(run::<join_codes::Join>(&self.engine, actors::user("frank"), "late", join).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_of_redis_refuses_every_change_until_there_is_room() {
    let Some(disk) = Disk::of("24m") else { return };
    let place = disk.path().to_string_lossy().into_owned();
    let log = ["--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"];
    let server = RedisServer::start(&[&log[..], &["--dir", &place]].concat());
    let world = World::start(&server).await;
    disk.fill();
    // Redis notices with what it has acknowledged, and keeps that in memory to write it later.
    let mut acknowledged = Vec::new();
    let refused = loop {
        let key = format!("more-{}", acknowledged.len());
        match world.create(&key).await {
            Ok(()) => acknowledged.push(key),
            Err(error) => break error,
        }
        assert!(acknowledged.len() < 1000, "the disk is full");
    };
    assert!(refused.to_string().contains("has not made it"), "{refused}");
    world.refuses_all().await;

    disk.clear();
    eventually("Redis writes again", async || world.create("first").await.ok()).await;
    world.makes_up_for_all(acknowledged.len() + 2).await;

    // All of it is on the disk.
    server.stop(Stop::Ask);
    server.start_again();
    eventually("Redis is back", async || world.engine.store().ping().await.ok()).await;
    world.has_all(acknowledged.len() + 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_that_fail_refuse_every_change_until_one_succeeds() {
    let server = RedisServer::start(&[]);
    let world = World::start(&server).await;
    // Where the snapshot belongs there is a directory: this fails for root, too.
    let place = server.directory().join("dump.rdb");
    std::fs::create_dir(&place).expect("there is no snapshot yet");
    for setting in [["save", "3600 1000000"], ["stop-writes-on-bgsave-error", "yes"]] {
        let answer = server.command(&[&["CONFIG", "SET"][..], &setting].concat());
        assert!(answer.starts_with("+OK"), "{answer}");
    }
    let saved = async |wanted: &str| {
        server.command(&["BGSAVE"]);
        let is_so = async || server.command(&["INFO", "persistence"]).contains(wanted).then_some(());
        eventually("Redis has tried to save", is_so).await;
    };
    saved("rdb_last_bgsave_status:err").await;
    world.refuses_all().await;

    std::fs::remove_dir(&place).expect("it is empty");
    saved("rdb_last_bgsave_status:ok").await;
    world.makes_up_for_all(1).await;
}

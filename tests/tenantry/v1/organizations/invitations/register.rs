//! `POST /v1/organizations/invitations/register`

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tenantry::core::{
    host::{
        Host,
        registrar::{NotRegistered, Registration},
    },
    values::ids::UserId,
};

use crate::{
    actors::Actor,
    world::{World, embedded, new_namespace, redis},
};

const PASSWORD: &str = "correct horse battery staple";

/// The host's table of users: by address, the password and how often it was asked for. `down@…` fails once.
#[derive(Debug, Clone, Default)]
struct Accounts(Arc<Mutex<HashMap<String, (String, usize)>>>);

impl Accounts {
    fn host(&self) -> Host {
        let accounts = self.clone();
        Host::default().registrar(move |registration: Registration| {
            let accounts = accounts.clone();
            async move { accounts.register(&registration) }
        })
    }

    fn register(&self, registration: &Registration) -> Result<UserId, NotRegistered> {
        let password = registration.password.expose().to_owned();
        if password == "qwertyuiop" {
            return Err(NotRegistered::Password("choose another".to_owned()));
        }
        let mut accounts = self.0.lock().unwrap();
        let (kept, asked) = accounts.entry(registration.email.clone()).or_insert((password.clone(), 0));
        *asked += 1;
        if *kept != password {
            return Err(NotRegistered::Taken);
        }
        if registration.email.starts_with("down") && *asked == 1 {
            return Err(NotRegistered::Failed(format!("the database is away, and {password} is lost").into()));
        }
        UserId::new(format!("id of {}", registration.email)).map_err(|error| NotRegistered::Failed(error.into()))
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().values().map(|(_, asked)| asked).sum()
    }
}

async fn on_every_store(test: impl AsyncFn(World, Accounts)) {
    let accounts = Accounts::default();
    test(World::start_with(embedded(), accounts.host()).await, accounts).await;
    let accounts = Accounts::default();
    test(World::start_with(redis(&new_namespace()).await, accounts.host()).await, accounts).await;
}

async fn invite(world: &World, alice: &Actor, organization: &str, whom: Value) -> Value {
    let mut input = whom;
    input["organizationId"] = json!(organization);
    world.call(alice, "invitations/create", input).await.ok()
}

fn register(invited: &Value, password: &str) -> Value {
    json!({ "token": invited["token"], "password": password })
}

#[tokio::test]
async fn who_has_no_account_gets_one_and_is_a_member() {
    on_every_store(async |world, accounts| {
        let [alice, nobody] = [Actor::user("alice"), Actor::nobody()];
        let organization = world.organization(&alice).await;
        let invited =
            invite(&world, &alice, &organization, json!({ "email": "Zoe@example.com", "role": "writer" })).await;
        let mut input = register(&invited, PASSWORD);
        input["name"] = json!(" Zoe Z ");
        let answer = world.call(&nobody, "invitations/register", input.clone()).await;
        let expected = json!({ "organizationId": organization, "role": "writer", "userId": "id of Zoe@example.com" });
        assert_eq!(answer.ok(), expected);
        let members = world.call(&alice, "members/list", json!({ "organizationId": organization })).await.ok();
        let zoe = members["members"].as_array().unwrap().iter().find(|member| member["userId"] != "alice").unwrap();
        assert_eq!((&zoe["email"], &zoe["name"]), (&json!("Zoe@example.com"), &json!("Zoe Z")));
        world.call(&nobody, "invitations/register", input).await.refused(410, "used");
        assert_eq!(accounts.asked(), 1, "nobody is registered by a token that is used");

        let events = world.tenantry.engine().audit_events(organization.parse().unwrap(), None, 10).await.unwrap();
        assert_eq!(events[0].action, "invitations.register");
        assert_eq!(events[0].actor.id(), "id of Zoe@example.com");
        assert!(!serde_json::to_string(&events).unwrap().contains(PASSWORD));
        // A credential is not looked at.
        let other = invite(&world, &alice, &organization, json!({ "email": "yan@example.com" })).await;
        let nonsense = Actor { id: String::new(), authorization: Some("Bearer nonsense".to_owned()) };
        world.call(&nonsense, "invitations/register", register(&other, PASSWORD)).await.ok();
    })
    .await;
}

#[tokio::test]
async fn when_the_registrar_refuses_or_fails_the_invitation_stays() {
    on_every_store(async |world, _| {
        let [alice, nobody] = [Actor::user("alice"), Actor::nobody()];
        let organization = world.organization(&alice).await;
        let invited = invite(&world, &alice, &organization, json!({ "email": "down@example.com" })).await;
        let call = async |invited: &Value, password: &str| {
            let answer = world.call(&nobody, "invitations/register", register(invited, password)).await;
            assert!(!answer.body.to_string().contains(password), "a password is not echoed");
            answer
        };
        call(&invited, "qwertyuiop").await.names_field("password");
        call(&invited, PASSWORD).await.refused(503, "unavailable");
        // Somebody else with the link, or a slip of the fingers: the account that is there stays as it is.
        call(&invited, "another password").await.refused(409, "already_registered");
        call(&invited, PASSWORD).await.ok();
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_accepted_registers_nobody() {
    on_every_store(async |world, accounts| {
        let [alice, nobody] = [Actor::user("alice"), Actor::nobody()];
        let organization = world.organization(&alice).await;
        let call = async |input: Value| world.call(&nobody, "invitations/register", input).await;
        let invited = invite(&world, &alice, &organization, json!({ "email": "zoe@example.com" })).await;
        for password in ["1234567", &"x".repeat(1025)] {
            let refused = call(register(&invited, password)).await;
            refused.names_field("password");
            assert!(!refused.body.to_string().contains(password));
        }
        let number = call(json!({ "token": invited["token"], "password": 987_654_321 })).await;
        number.names_field("password");
        assert!(!number.body.to_string().contains("987654321"));
        call(json!({ "token": "ti_x", "password": PASSWORD })).await.names_field("token");
        call(json!({ "token": invited["token"] })).await.names_field("password");
        let by_name = invite(&world, &alice, &organization, json!({ "username": "zoe" })).await;
        call(register(&by_name, PASSWORD)).await.names_field("token");
        let resend = json!({ "organizationId": organization, "id": invited["invitation"]["id"] });
        let renewed = world.call(&alice, "invitations/resend", resend.clone()).await.ok();
        call(register(&invited, PASSWORD)).await.refused(404, "not_found");
        world.call(&alice, "invitations/revoke", resend).await.ok();
        call(register(&renewed, PASSWORD)).await.refused(410, "revoked");
        assert_eq!(accounts.asked(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_is_let_in() {
    on_every_store(async |world, _| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let invited = invite(&world, &alice, &organization, json!({ "email": "zoe@example.com" })).await;
        let tries = (0..8)
            .map(async |_| world.call(&Actor::nobody(), "invitations/register", register(&invited, PASSWORD)).await);
        let answers = join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| answer.status.is_success()).count(), 1);
        answers.iter().filter(|answer| !answer.status.is_success()).for_each(|answer| answer.refused(410, "used"));
        let members = world.call(&alice, "members/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(members["members"].as_array().map(Vec::len), Some(2));
    })
    .await;
}

#[tokio::test]
async fn without_a_registrar_nobody_registers() {
    let world = World::start_with(embedded(), Host::default()).await;
    let alice = Actor::user("alice");
    let organization = world.organization(&alice).await;
    let invited = invite(&world, &alice, &organization, json!({ "email": "zoe@example.com" })).await;
    let refused = world.call(&Actor::nobody(), "invitations/register", register(&invited, PASSWORD)).await;
    refused.refused(404, "not_found");
    assert!(refused.body["detail"].as_str().is_some_and(|detail| detail.contains("sign in")));
}

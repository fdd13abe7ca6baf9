//! What people see of names and profiles: `POST /v1/organizations/…`, wherever a text is given.

use serde_json::{Value, json};

use crate::{actors::Actor, world::on_every_store};

/// They turn the line, break it, or show nothing.
const REFUSED: [&str; 5] = ["Acme\u{202e}gro", "Acme\u{2028}Ltd", "Acme\u{2067}Ltd", "\u{200b}", "\u{3164}"];

/// Persian with a joiner, Devanagari with a joiner, Hebrew, emoji with joiners, tags and selectors.
const KEPT: [&str; 6] = ["می‌خواهم", "क्‍ष", "שלום", "👩‍👩‍👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️"];

/// Operations, the field that holds a text, and the rest of the input.
fn places(organization: &str) -> Vec<(&'static str, &'static str, Value)> {
    let of = |rest: Value| {
        let mut input = json!({ "organizationId": organization });
        input.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        input
    };
    vec![
        ("create", "name", json!({})),
        ("create", "description", json!({ "name": "Acme" })),
        ("update", "name", of(json!({}))),
        ("update", "description", of(json!({}))),
        ("update", "type", of(json!({}))),
        ("update", "country", of(json!({}))),
        ("update", "city", of(json!({}))),
        ("update", "address", of(json!({}))),
        ("workspaces/create", "name", of(json!({}))),
        ("tokens/create", "name", of(json!({}))),
        ("roles/create", "description", of(json!({ "role": "helper", "permissions": [] }))),
        ("invitations/create", "name", of(json!({ "email": "guest@example.com" }))),
        ("invitations/create", "username", of(json!({}))),
        ("set-status", "reason", of(json!({ "status": "suspended" }))),
        ("accounts/update", "name", json!({ "userId": "bob" })),
        ("accounts/update", "username", json!({ "userId": "bob" })),
    ]
}

#[tokio::test]
async fn a_text_that_turns_the_line_or_shows_nothing_is_refused_wherever_it_is_given() {
    on_every_store(async |world| {
        let (alice, root) = (Actor::user("alice"), Actor::platform_admin());
        let organization = world.organization(&alice).await;
        for (operation, field, input) in places(&organization) {
            let platform = matches!(operation, "set-status" | "accounts/update");
            for text in REFUSED {
                let mut input = input.clone();
                input[field] = json!(text);
                world.call(if platform { &root } else { &alice }, operation, input).await.names_field(field);
            }
        }
        for name in KEPT {
            let made = world.call(&alice, "create", json!({ "name": name, "description": name })).await.ok();
            assert_eq!(made["organization"]["name"], name);
            let workspace = json!({ "organizationId": organization, "name": name });
            world.call(&alice, "workspaces/create", workspace).await.ok();
        }
    })
    .await;
}

#[tokio::test]
async fn two_workspaces_that_look_alike_have_one_name() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let named = |name: &str| json!({ "organizationId": organization, "name": name });
        world.call(&alice, "workspaces/create", named("Ops Team")).await.ok();
        for name in ["Ops\u{200b} Team", "OPS\u{a0}TEAM", "Ops Team\u{200f}", "\u{3164}Ops Team"] {
            world.call(&alice, "workspaces/create", named(name)).await.refused(409, "workspace_taken");
        }
        world.call(&alice, "workspaces/create", named("OpsTeam")).await.ok();
    })
    .await;
}

#[tokio::test]
async fn a_domain_is_one_in_both_spellings() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let invite = |email: &str| json!({ "organizationId": organization, "email": email });
        let made = world.call(&alice, "invitations/create", invite("ann@bücher.example")).await.ok();
        assert_eq!(made["invitation"]["email"], "ann@bücher.example");
        for email in ["ann@xn--bcher-kva.example", "Ann@XN--BCHER-KVA.EXAMPLE", "ann@bücher\u{3002}example"] {
            world.call(&alice, "invitations/create", invite(email)).await.refused(409, "already_invited");
        }
        for email in ["ann@example.com.", "ann@xn--a.example", "a\u{200b}nn@example.com", "ann@a\u{202e}b.example"] {
            world.call(&alice, "invitations/create", invite(email)).await.names_field("email");
        }
    })
    .await;
}

#[tokio::test]
async fn a_profile_holds_only_what_exists() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let with = |field: &str, value: &str| json!({ "organizationId": organization, field: value });
        for (field, given, kept) in [
            ("timezone", "europe/berlin", json!("Europe/Berlin")),
            ("timezone", "UTC", json!("UTC")),
            ("timezone", "", json!("")),
            ("countryCode", "GB", json!("GB")),
            ("countryCode", "", json!("")),
            ("avatarUrl", "https://example.com/a\"b'.png", json!("https://example.com/a%22b%27.png")),
            ("avatarUrl", "", json!(null)),
        ] {
            let changed = world.call(&alice, "update", with(field, given)).await.ok();
            assert_eq!(changed["organization"][field], kept, "{field}: {given}");
        }
        let long = format!("https://example.com/{}", "ü".repeat(1000));
        for (field, value) in [
            ("timezone", "../../etc/passwd"),
            ("timezone", "Mars/Olympus"),
            ("countryCode", "UK"),
            ("countryCode", "ZZ"),
            ("countryCode", "de"),
            ("avatarUrl", "https://ann:secret@example.com/a.png"),
            ("avatarUrl", "javascript://example.com/%0aalert(1)"),
            ("avatarUrl", long.as_str()),
        ] {
            world.call(&alice, "update", with(field, value)).await.names_field(field);
        }
    })
    .await;
}

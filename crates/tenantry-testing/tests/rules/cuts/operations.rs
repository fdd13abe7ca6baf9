//! The operations that are cut, and what each is told to do.

use serde_json::{Value, json};
use tenantry_core::{
    engine::operation::Operation,
    operations::{invitations, join_codes, members, organizations, roles, tokens, workspaces},
};

use super::stage::{Run, Scene, run};

/// One operation in a [`Scene`].
pub(crate) struct Case {
    /// Its route, and what is special about it.
    pub(crate) name: String,
    /// Who acts.
    pub(crate) by: &'static str,
    pub(crate) input: fn(&Scene) -> Value,
    pub(crate) run: Run,
    /// Once it is done its caller has no place in the organization: a repetition is told that there is none.
    pub(crate) ends_the_right: bool,
}

fn case<O: Operation>(what: &str, by: &'static str, input: fn(&Scene) -> Value) -> Case {
    Case { name: format!("{} {what}", O::ROUTE).trim_end().to_owned(), by, input, run: run::<O>, ends_the_right: false }
}

pub(crate) fn organizations() -> Vec<Case> {
    use organizations::{Create, Delete, Leave, TransferOwnership, Update};
    vec![
        case::<Create>(
            "with a slug",
            "dave",
            |scene| json!({ "name": scene.title("Fresh"), "slug": scene.name("fresh") }),
        ),
        case::<Create>("without a slug", "dave", |scene| json!({ "name": scene.title("Fresh") })),
        case::<Update>("", "alice", |scene| {
            scene.input(json!({ "name": scene.title("Umbrella"), "slug": scene.name("umbrella") }))
        }),
        Case { ends_the_right: true, ..case::<Delete>("", "alice", |scene| scene.input(json!({}))) },
        case::<Leave>("", "bob", |scene| scene.input(json!({}))),
        case::<TransferOwnership>("", "alice", |scene| scene.input(json!({ "userId": scene.name("bob") }))),
    ]
}

pub(crate) fn members() -> Vec<Case> {
    use members::{Remove, SetRole, Update};
    fn bob(scene: &Scene, mut fields: Value) -> Value {
        fields["userId"] = json!(scene.name("bob"));
        scene.input(fields)
    }
    vec![
        case::<SetRole>("", "alice", |scene| bob(scene, json!({ "role": "admin" }))),
        case::<SetRole>("to owner", "alice", |scene| bob(scene, json!({ "role": "owner" }))),
        case::<Remove>("", "alice", |scene| bob(scene, json!({ "revokeIssued": true }))),
        case::<Update>("", "alice", |scene| {
            let workspaces = [&scene.known["workspace"]["workspace"]["id"]];
            bob(scene, json!({ "roles": ["member"], "workspaces": workspaces }))
        }),
        case::<join_codes::Create>("", "alice", |scene| scene.input(json!({ "role": "auditor", "maxUses": 2 }))),
        case::<join_codes::Join>("", "dave", |scene| json!({ "code": scene.known["code"]["code"] })),
        case::<join_codes::Join>(
            "of one who is invited",
            "carol",
            |scene| json!({ "code": scene.known["code"]["code"] }),
        ),
        case::<join_codes::Revoke>("", "alice", |scene| {
            scene.input(json!({ "id": scene.known["code"]["joinCode"]["id"] }))
        }),
    ]
}

pub(crate) fn invitations() -> Vec<Case> {
    use invitations::{Accept, Create, CreateBatch, Decline, Resend, Revoke};
    vec![
        case::<Create>("", "alice", |scene| scene.input(json!({ "email": scene.email("dave"), "role": "auditor" }))),
        case::<CreateBatch>("", "alice", |scene| {
            let [one, two, three] = ["dave", "erin", "frank"].map(|who| json!({ "email": scene.email(who) }));
            scene.input(json!({ "invitations": [one, two, three] }))
        }),
        case::<Accept>("by token", "carol", |scene| json!({ "token": scene.known["carol"]["token"] })),
        case::<Accept>("by id", "carol", |scene| json!({ "id": scene.known["carol"]["invitation"]["id"] })),
        case::<Decline>("by id", "carol", |scene| json!({ "id": scene.known["carol"]["invitation"]["id"] })),
        case::<Decline>("by token", "carol", |scene| json!({ "token": scene.known["carol"]["token"] })),
        case::<Resend>("", "alice", |scene| scene.input(json!({ "id": scene.known["carol"]["invitation"]["id"] }))),
        case::<Revoke>("", "alice", |scene| scene.input(json!({ "id": scene.known["carol"]["invitation"]["id"] }))),
    ]
}

pub(crate) fn settings() -> Vec<Case> {
    fn token(scene: &Scene, mut fields: Value) -> Value {
        fields["key"] = scene.known["token"]["apiToken"]["key"].clone();
        scene.input(fields)
    }
    fn workspace(scene: &Scene, mut fields: Value) -> Value {
        fields["id"] = scene.known["workspace"]["workspace"]["id"].clone();
        scene.input(fields)
    }
    vec![
        case::<tokens::Create>("", "alice", |scene| {
            scene.input(json!({ "name": "second", "permissions": ["org:view", "members:view"] }))
        }),
        case::<tokens::Rotate>("", "alice", |scene| token(scene, json!({ "overlapSeconds": 86400 }))),
        case::<tokens::Rotate>("at once", "alice", |scene| token(scene, json!({}))),
        case::<tokens::Update>("", "alice", |scene| token(scene, json!({ "name": "automaton", "permissions": [] }))),
        case::<tokens::Revoke>("", "alice", |scene| token(scene, json!({}))),
        case::<roles::Create>("", "alice", |scene| {
            scene.input(json!({ "role": "clerk", "permissions": ["org:view"] }))
        }),
        case::<roles::Update>("", "alice", |scene| {
            scene.input(json!({ "role": "auditor", "permissions": ["org:view"] }))
        }),
        case::<roles::Delete>("", "alice", |scene| scene.input(json!({ "role": "auditor", "replacement": "member" }))),
        case::<workspaces::Create>("", "alice", |scene| scene.input(json!({ "name": "Sales" }))),
        case::<workspaces::Update>("", "alice", |scene| workspace(scene, json!({ "name": "Drafts" }))),
        case::<workspaces::Delete>("", "alice", |scene| workspace(scene, json!({}))),
    ]
}

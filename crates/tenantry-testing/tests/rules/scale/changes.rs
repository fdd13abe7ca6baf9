//! What changes an organization, or shows a part of it.

use serde_json::{Value, json};
use tenantry_core::{
    access::caller::Caller,
    engine::operation::Operation,
    operations::{invitations, join_codes, members, organizations, roles, tokens},
};
use tenantry_testing::{actors, counting::Counts};

use super::{NUMBER_BYTES_MAX, World, member};

/// The most calls of any of these operations that answer something, and the most that write.
const CALLS_MAX: usize = 8;

/// What each operation asked, in their order.
struct Course<'a> {
    world: &'a World,
    organization: &'a str,
    asked: Vec<(&'static str, Counts)>,
}

impl Course<'_> {
    async fn run<O: Operation>(&mut self, caller: &Caller, mut input: Value) -> Value {
        if input.get("token").is_none() && input.get("code").is_none() {
            input["organizationId"] = json!(self.organization);
        }
        let (answer, counts) = self.world.counted::<O>(caller, input).await;
        let answering = counts.reads + counts.ranges + counts.sorted_ranges + counts.numbers;
        assert!(answering <= CALLS_MAX && counts.commits <= CALLS_MAX, "{}: {counts:?}", O::ROUTE);
        self.asked.push((O::ROUTE, counts));
        answer
    }
}

async fn course(world: &World, owner: &Caller, organization: &str) -> Vec<(&'static str, Counts)> {
    let mut course = Course { world, organization, asked: Vec::new() };
    let id = |number: usize| actors::id(&member(number));
    course.run::<organizations::Get>(owner, json!({})).await;
    course.run::<organizations::Update>(owner, json!({ "city": "Roma" })).await;
    course.run::<roles::Create>(owner, json!({ "role": "helper", "permissions": ["org:view"] })).await;
    course.run::<members::Get>(owner, json!({ "userId": id(1) })).await;
    course.run::<members::SetRole>(owner, json!({ "userId": id(1), "role": "admin" })).await;
    course.run::<members::Update>(owner, json!({ "userId": id(2), "roles": ["member", "helper"] })).await;
    course.run::<roles::Update>(owner, json!({ "role": "helper", "permissions": [] })).await;
    course.run::<roles::Delete>(owner, json!({ "role": "helper", "replacement": "member" })).await;
    course.run::<members::SetRole>(owner, json!({ "userId": id(3), "role": "owner" })).await;
    course.run::<organizations::TransferOwnership>(&member(3), json!({ "userId": id(4) })).await;
    course.run::<members::Remove>(owner, json!({ "userId": id(5) })).await;
    course.run::<organizations::Leave>(&member(6), json!({})).await;
    let invited = course.run::<invitations::Create>(owner, json!({ "username": id(5) })).await;
    course.run::<invitations::Resend>(owner, json!({ "id": invited["invitation"]["id"] })).await;
    course.run::<invitations::Revoke>(owner, json!({ "id": invited["invitation"]["id"] })).await;
    let invited = course.run::<invitations::Create>(owner, json!({ "username": id(5) })).await;
    course.run::<invitations::Accept>(&member(5), json!({ "token": invited["token"] })).await;
    let code = course.run::<join_codes::Create>(owner, json!({ "maxUses": 3 })).await;
    course.run::<join_codes::Join>(&member(6), json!({ "code": code["code"] })).await;
    course.run::<join_codes::Revoke>(owner, json!({ "id": code["joinCode"]["id"] })).await;
    let token = course.run::<tokens::Create>(owner, json!({ "permissions": ["org:view"] })).await;
    let key = &token["apiToken"]["key"];
    course.run::<tokens::Update>(owner, json!({ "key": key, "name": "ci" })).await;
    course.run::<tokens::Rotate>(owner, json!({ "key": key })).await;
    course.run::<tokens::Revoke>(owner, json!({ "key": key })).await;
    course.asked
}

/// Each operation asks the same of an organization of few members and of one of many.
pub(super) async fn cost_the_same(world: &World, owner: &Caller, [few, many]: [&str; 2]) {
    let few = course(world, owner, few).await;
    let many = course(world, owner, many).await;
    for ((route, few), (_, many)) in few.into_iter().zip(many) {
        let longer = many.bytes.abs_diff(few.bytes);
        assert!(longer <= NUMBER_BYTES_MAX * few.keys, "{route}: {longer} bytes more");
        assert_eq!(Counts { bytes: 0, ..few }, Counts { bytes: 0, ..many }, "{route}, of few members and of many");
    }
}

//! `POST /v1/organizations/get`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn only_whoever_belongs_to_an_organization_knows_of_it() {
    on_every_store(async |world| {
        let [alice, mallory] = ["alice", "mallory"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let input = json!({ "organizationId": organization });
        let shown = world.call(&alice, "get", input.clone()).await.ok();
        assert_eq!(shown["organization"]["id"], organization);
        let hidden = world.call(&mallory, "get", input).await;
        hidden.refused(404, "not_found");
        let absent = json!({ "organizationId": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5" });
        let absent = world.call(&mallory, "get", absent).await;
        assert_eq!(hidden.body, absent.body, "an organization that is hidden looks like one that is not there");
    })
    .await;
}

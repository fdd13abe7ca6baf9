//! Keys and documents that must not be believed, beside others that are.

use http::Request;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tenantry_tower::{
    Head,
    jwt::{self, Issuer},
};

use super::{
    issuer::TestIssuer,
    keys::IssuerKey,
    stage::{HandClock, Stage, authenticator, builder, told},
};
use crate::support::{AUDIENCE, HS_SECRET, ISSUER, Signing, claims, hs256_key, sign, sign_with_header};

#[tokio::test]
async fn each_type_of_key_verifies_with_its_own_algorithm() {
    let stage = Stage::new(TestIssuer::start(&IssuerKey::new("first"))).await;
    let all = [Algorithm::RS256, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384];
    let all = all.into_iter().chain([Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA]);
    let all: Vec<_> = all.map(|algorithm| IssuerKey::pem(algorithm, Some(&format!("{algorithm:?}")))).collect();
    stage.issuer.publish(&all);
    stage.next_fetch().await;
    for key in &all {
        assert_eq!(stage.ask(&key.sign(&stage.issuer.name(), "ann", stage.clock.time())).await, "ann", "{}", key.jwk);
        // The same numbers in the name of another key, or of none.
        for other in &all {
            let as_other = json!({ "kid": other.jwk["kid"] });
            let jwt = key.sign_with(&as_other, &stage.issuer.name(), "ann", stage.clock.time());
            let expected = if other.jwk["kid"] == key.jwk["kid"] { "ann" } else { "invalid_token" };
            assert_eq!(stage.ask(&jwt).await, expected, "{} as {}", key.jwk, other.jwk);
        }
        let nameless = key.sign_with(&json!({ "kid": null }), &stage.issuer.name(), "ann", stage.clock.time());
        assert_eq!(stage.ask(&nameless).await, "ann", "{}", key.jwk);
    }
}

#[tokio::test]
async fn an_rsa_key_that_names_no_algorithm_is_for_rs256_unless_the_host_says_otherwise() {
    let key = |algorithm| IssuerKey::pem(algorithm, Some("rsa")).with("alg", Value::Null);
    let issuer = TestIssuer::start(&key(Algorithm::RS256));
    let ask = async |stage: &Stage, algorithm| {
        stage.ask(&key(algorithm).sign(&stage.issuer.name(), "ann", stage.clock.time())).await
    };
    let stage = Stage::new(issuer).await;
    assert_eq!(ask(&stage, Algorithm::RS256).await, "ann");
    assert_eq!(ask(&stage, Algorithm::RS384).await, "invalid_token");
    assert_eq!(ask(&stage, Algorithm::PS256).await, "invalid_token");
    let keys = stage.issuer.jwks().rsa_algorithms([jwt::Algorithm::Ps256, jwt::Algorithm::Rs384]);
    let trusted = stage.issuer.with(keys);
    let stage = Stage::with(stage.issuer, trusted).await;
    assert_eq!(ask(&stage, Algorithm::RS384).await, "ann");
    assert_eq!(ask(&stage, Algorithm::PS256).await, "ann");
    assert_eq!(ask(&stage, Algorithm::RS256).await, "invalid_token");
}

#[tokio::test]
async fn a_bad_key_is_skipped_and_spoils_none_beside_it() {
    let good = IssuerKey::new("good");
    let stage = Stage::new(TestIssuer::start(&good)).await;
    let (rsa, ec) = (IssuerKey::pem(Algorithm::RS256, Some("bad")), IssuerKey::pem(Algorithm::ES256, Some("bad")));
    let ed = IssuerKey::pem(Algorithm::EdDSA, Some("bad"));
    let bad = [
        rsa.clone().with("use", json!("enc")),
        rsa.clone().with("use", json!(7)),
        rsa.clone().with("key_ops", json!(["encrypt"])),
        rsa.clone().with("alg", json!("RSA-OAEP")),
        rsa.clone().with("alg", json!("ES256")),
        rsa.clone().with("alg", json!("HS256")),
        rsa.clone().with("alg", json!("none")),
        rsa.clone().with("d", json!("AQAB")),
        rsa.clone().with("e", json!("AQ")),
        rsa.clone().with("e", json!("Ag")),
        rsa.clone().with("e", Value::Null),
        rsa.clone().with("n", json!("AQAB")),
        rsa.clone().with("n", json!(format!("AAAA{}w", "_".repeat(337)))),
        rsa.clone().with("n", json!("+/==")),
        rsa.clone().with("kty", json!("EC")),
        rsa.clone().with("kty", json!("AKP")),
        rsa.with("kty", Value::Null),
        ec.clone().with("crv", json!("P-384")),
        ec.clone().with("crv", json!("P-521")),
        ec.clone().with("x", json!("AQAB")),
        ec.clone().with("y", Value::Null),
        ec.with("alg", json!("ES384")),
        ed.clone().with("crv", json!("X25519")),
        ed.clone().with("alg", json!("RS256")),
        ed.with("x", json!("AQAB")),
    ];
    for bad in bad {
        stage.issuer.publish([&bad, &good]);
        stage.next_fetch().await;
        assert_eq!(stage.ask_fresh().await, "ann", "{}", bad.jwk);
        let jwt = bad.sign(&stage.issuer.name(), "ann", stage.clock.time());
        assert_ne!(stage.ask(&jwt).await, "ann", "{}", bad.jwk);
        stage.clock.resting().await;
    }
}

#[tokio::test]
async fn a_symmetric_key_is_never_taken_nor_a_public_one_for_a_secret() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let good = IssuerKey::new("good");
    let stage = Stage::new(TestIssuer::start(&good)).await;
    let secret = URL_SAFE_NO_PAD.encode(HS_SECRET);
    let oct = json!({ "kty": "oct", "alg": "HS256", "use": "sig", "kid": "oct", "k": secret });
    stage.issuer.publish_raw(vec![oct, good.jwk.clone()]);
    stage.next_fetch().await;
    let public = URL_SAFE_NO_PAD.decode(good.jwk["x"].as_str().unwrap()).unwrap();
    for (kid, secret) in [("oct", HS_SECRET.as_slice()), ("good", &public), ("good", b"{}")] {
        let mut claims = claims("ann", stage.clock.time());
        claims["iss"] = stage.issuer.name().into();
        let header = json!({ "alg": "HS256", "kid": kid });
        let jwt = sign_with_header(&header, &claims, &Signing::secret(Algorithm::HS256, secret));
        assert_eq!(stage.ask(&jwt).await, "invalid_token", "{kid}");
    }
    assert_eq!(stage.ask_fresh().await, "ann");
}

#[tokio::test]
async fn a_key_that_the_token_brings_along_or_links_to_is_not_looked_at() {
    let stage = Stage::new(TestIssuer::start(&IssuerKey::new("key"))).await;
    let eves = IssuerKey::new("key");
    let elsewhere = TestIssuer::start(&eves);
    let jku = format!("{}/keys", elsewhere.name());
    for more in
        [json!({ "jwk": eves.jwk }), json!({ "jku": jku }), json!({ "x5u": jku }), json!({ "jku": jku, "kid": "k" })]
    {
        let jwt = eves.sign_with(&more, &stage.issuer.name(), "ann", stage.clock.time());
        assert_eq!(stage.ask(&jwt).await, "invalid_token", "{more}");
    }
    assert_eq!(elsewhere.fetches(), 0);
}

#[tokio::test]
async fn the_keys_of_one_issuer_verify_nothing_of_another() {
    let clock = HandClock::new(std::sync::Arc::default());
    let keys = [IssuerKey::new("same"), IssuerKey::new("same")];
    let issuers = [TestIssuer::start(&keys[0]), TestIssuer::start(&keys[1])];
    let builder = builder(&clock).issuer(Issuer::new(ISSUER, hs256_key()).audience(AUDIENCE));
    let builder = builder.issuer(issuers[0].discovered()).issuer(issuers[1].with(issuers[1].jwks()));
    let authenticator = authenticator(builder.dangerously_share_users());
    let time = clock.time();
    for (issuer, own) in issuers.iter().zip(&keys) {
        assert_eq!(told(&authenticator, &own.sign(&issuer.name(), "ann", time)).await, "ann");
        for key in &keys {
            let expected = if key.jwk == own.jwk { "ann" } else { "invalid_token" };
            assert_eq!(told(&authenticator, &key.sign(&issuer.name(), "ann", time)).await, expected);
            // Neither for an issuer whose key the host gave, nor for one that nobody named.
            for other in [ISSUER, "https://unknown.example.com", ""] {
                assert_eq!(told(&authenticator, &key.sign(other, "ann", time)).await, "invalid_token");
            }
        }
        let mut of_issuer = claims("ann", time);
        of_issuer["iss"] = issuer.name().into();
        assert_ne!(told(&authenticator, &sign(&of_issuer, &Signing::hs256())).await, "ann");
    }
    assert_eq!(told(&authenticator, &sign(&claims("ann", time), &Signing::hs256())).await, "ann");
    assert!(authenticator.authenticate(Head::of(&Request::new(()))).await.unwrap().is_none());
}

#[tokio::test]
async fn a_configuration_must_be_the_issuers_own_and_lead_to_a_safe_place() {
    let key = IssuerKey::new("key");
    let issuer = TestIssuer::start(&key);
    let keys = format!("{}/keys", issuer.name());
    let with_user = keys.replace("http://", "http://user:password@");
    let wrong = [
        ("issuer", format!("{}/", issuer.name())),
        ("issuer", issuer.name().to_uppercase()),
        ("issuer", "https://id.example.com".to_owned()),
        ("jwks_uri", "http://id.example.com/keys".to_owned()),
        ("jwks_uri", "file:///etc/passwd".to_owned()),
        ("jwks_uri", "/keys".to_owned()),
        ("jwks_uri", with_user),
    ];
    for (member, value) in wrong {
        let right = if member == "issuer" { issuer.name() } else { keys.clone() };
        issuer.configure(member, value.as_str());
        let clock = HandClock::new(std::sync::Arc::default());
        let authenticator = authenticator(builder(&clock).issuer(issuer.discovered()));
        let jwt = issuer.token("ann", clock.time());
        assert_eq!(told(&authenticator, &jwt).await, "unavailable", "{member}: {value}");
        assert_eq!(issuer.fetches(), 0);
        issuer.configure(member, right);
    }
    let stage = Stage::new(issuer).await;
    assert_eq!(stage.ask_fresh().await, "ann");
    assert_eq!(claims("ann", stage.clock.time())["aud"], AUDIENCE);
}

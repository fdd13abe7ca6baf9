//! Which tokens are none for access, and what of a right one is told.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tenantry_core::values::{
    clock::{Clock, Timestamp},
    error::Error,
};
use tenantry_tower::{JwtVerifier, JwtVerifierBuilder, jwt::Issuer};

use crate::{
    jwts::{believing, identified},
    support::{
        AUDIENCE, DEFAULT_PROVIDER, ISSUER, Signing, TestClock, World, ask, claims, hs256_key, plain, sign,
        sign_with_header,
    },
};

/// What becomes of a right token of Ann, once `change` is done to its claims.
fn changed(change: impl FnOnce(&mut Value)) -> Result<tenantry_core::access::caller::Identity, Error> {
    let clock = Arc::new(TestClock::default());
    let mut claims = claims("ann", &clock);
    change(&mut claims);
    identified(believing([hs256_key()], &clock), &sign(&claims, &Signing::hs256()))
}

/// The token must be refused, and for this reason.
#[track_caller]
fn refused(result: &Result<tenantry_core::access::caller::Identity, Error>, because: &str) {
    let error = result.as_ref().expect_err("it is refused");
    assert_eq!(error.code(), "invalid_token", "{error}");
    assert!(error.to_string().contains(because), "{error}");
}

#[test]
fn a_token_of_another_type_does_not_pass_for_one_that_gives_access() {
    let clock = Arc::new(TestClock::default());
    let ask = |types: &[&str], typ: Value| {
        let issuer = Issuer::new(ISSUER, hs256_key()).audience(AUDIENCE);
        let issuer = types.iter().fold(issuer, |issuer, typ| issuer.token_type(*typ));
        let builder = JwtVerifier::builder().issuer(issuer).clock(clock.clone());
        let header = json!({ "alg": "HS256", "typ": typ });
        identified(builder, &sign_with_header(&header, &claims("ann", &clock), &Signing::hs256()))
    };
    let access = ["JWT", "jwt", "Application/JWT", "at+jwt", "AT+JWT", "application/at+jwt"];
    let other = ["refresh+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt", "application/logout+jwt", "JOSE", "text/jwt"];
    for typ in access {
        assert!(ask(&[], json!(typ)).is_ok(), "{typ}");
    }
    assert!(ask(&[], Value::Null).is_ok());
    for typ in other.into_iter().chain(["", "application/", "JWT "]) {
        refused(&ask(&[], json!(typ)), "type (typ)");
    }
    for no_text in [json!(7), json!(["JWT"]), json!({})] {
        refused(&ask(&[], no_text), "not a JWT");
    }
    // What the host names is all that is accepted.
    for named in ["at+jwt", "Application/At+Jwt"] {
        for typ in access {
            assert_eq!(ask(&[named], json!(typ)).is_ok(), typ.to_lowercase().contains("at+jwt"), "{named}: {typ}");
        }
        refused(&ask(&[named], Value::Null), "type (typ)");
    }
    assert!(ask(&["at+jwt", "logout+jwt"], json!("logout+jwt")).is_ok());
    refused(&ask(&["at+jwt", "logout+jwt"], json!("refresh+jwt")), "type (typ)");
}

#[test]
fn a_token_that_is_bound_to_a_key_is_no_bearer_token() {
    for cnf in [json!({ "jkt": "x" }), json!({ "x5t#S256": "x" }), json!({}), json!("x"), json!(false)] {
        refused(&changed(|claims| claims["cnf"] = cnf), "(cnf)");
    }
    assert!(changed(|claims| claims["cnf"] = Value::Null).is_ok());
}

#[test]
fn a_member_stands_once_in_the_header_and_in_the_claims() {
    let clock = Arc::new(TestClock::default());
    let right = (r#"{"alg":"HS256","typ":"JWT"}"#.to_owned(), claims("ann", &clock).to_string());
    let ask = |header: &str, claims: &str| {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let Signing { algorithm, key } = Signing::hs256();
        let signer = (DEFAULT_PROVIDER.signer_factory)(&algorithm, &key).unwrap();
        let signature = URL_SAFE_NO_PAD.encode(signer.try_sign(message.as_bytes()).unwrap());
        identified(believing([hs256_key()], &clock), &format!("{message}.{signature}"))
    };
    assert!(ask(&right.0, &right.1).is_ok());
    let more = |text: &str, member: &str| format!("{},{member}}}", text.strip_suffix('}').unwrap());
    assert!(ask(&more(&right.0, r#""kid":null"#), &more(&right.1, r#""email":"ann@example.com""#)).is_ok());
    for member in
        [r#""sub":"bob""#, r#""sub":"ann""#, r#""\u0073ub":"bob""#, r#""x":1,"x":1"#, r#""x":[{"y":1,"y":1}]"#]
    {
        refused(&ask(&right.0, &more(&right.1, member)), "twice");
    }
    for member in [r#""alg":"HS256""#, r#""typ":"at+jwt""#, r#""x":1,"x":2"#, r#""jwk":{"kty":"EC","kty":"EC"}"#] {
        refused(&ask(&more(&right.0, member), &right.1), "twice");
    }
}

#[test]
fn an_end_beyond_all_time_is_the_end_of_time() {
    let last = Timestamp::from_millis(i64::MAX).as_seconds();
    let far = [json!(last), json!(253_402_300_799_i64), json!(1e15), json!(i64::MAX), json!(u64::MAX), json!(f64::MAX)];
    for exp in far {
        assert!(changed(|claims| claims["exp"] = exp.clone()).is_ok(), "{exp}");
        refused(&changed(|claims| claims["nbf"] = exp), "not valid yet");
    }
    let clock = Arc::new(TestClock::default());
    let mut claims = claims("ann", &clock);
    claims["exp"] = 253_402_300_799_i64.into();
    let lenient = believing([hs256_key()], &clock).leeway(Duration::from_secs(300));
    assert!(identified(lenient, &sign(&claims, &Signing::hs256())).is_ok());
}

#[tokio::test]
async fn a_token_without_a_near_end_is_remembered_like_another() {
    let world = World::new().await;
    let mut claims = claims("ann", &world.clock);
    claims["exp"] = 253_402_300_799_i64.into();
    let bearer = format!("Bearer {}", sign(&claims, &Signing::hs256()));
    let service = plain(&world.layer().build().unwrap());
    let request = || crate::support::get("/", &[("authorization", &bearer)]);
    world.until_remembered(&service, request).await;
    assert_eq!(ask(&service, &[("authorization", &bearer)]).await.status, 200);
}

#[test]
fn a_time_that_is_none_is_told_apart_from_one_that_is_missing() {
    for missing in [None, Some(Value::Null)] {
        let result = changed(|claims| match missing.clone() {
            Some(null) => claims["exp"] = null,
            None => drop(claims.as_object_mut().unwrap().remove("exp")),
        });
        refused(&result, "does not say when it ends (exp)");
    }
    for claim in ["exp", "nbf"] {
        for none in [json!("1900000000"), json!([]), json!({}), json!(true)] {
            refused(&changed(|claims| claims[claim] = none), &format!("{claim} is not a number of seconds"));
        }
        for early in [json!(-1), json!(-0.001), json!(i64::MIN), json!(f64::MIN)] {
            refused(&changed(|claims| claims[claim] = early), &format!("{claim} lies before 1970"));
        }
    }
}

#[test]
fn a_sub_that_names_nobody_is_told_what_is_wrong_with_it() {
    let long = "x".repeat(256);
    for (sub, because) in [
        (Value::Null, "does not name a user (sub)"),
        (json!(42), "sub must be a text"),
        (json!(["ann"]), "sub must be a text"),
        (json!(""), "is not empty"),
        (json!("a\u{0}b"), "no control characters"),
        (json!(long), "at most 255 bytes, and this would have 256"),
        (json!("é".repeat(128)), "at most 255 bytes, and this would have 256"),
    ] {
        refused(&changed(|claims| claims["sub"] = sub), because);
    }
    assert_eq!(changed(|claims| claims["sub"] = json!("x".repeat(255))).unwrap().id.as_str().len(), 255);
}

#[test]
fn it_is_told_when_the_token_was_issued_unless_that_cannot_be() {
    let clock = TestClock::default();
    let now = clock.now().as_seconds();
    let told = |iat: Value| changed(|claims| claims["iat"] = iat).unwrap().issued_at;
    assert_eq!(changed(|_| {}).unwrap().issued_at, None);
    assert_eq!(told(json!(now - 60)), Some(Timestamp::from_millis((now - 60) * 1000)));
    assert_eq!(told(json!(now)), Some(Timestamp::from_millis(now * 1000)));
    for not_told in [json!(now + 1), json!(i64::MAX), json!(-1), json!("yesterday"), json!([]), Value::Null] {
        assert_eq!(told(not_told.clone()), None, "{not_told}");
    }
    let clock = Arc::new(clock);
    let mut claims = claims("ann", &clock);
    claims["iat"] = (now + 30).into();
    let lenient: JwtVerifierBuilder = believing([hs256_key()], &clock).leeway(Duration::from_secs(30));
    let told = identified(lenient, &sign(&claims, &Signing::hs256())).unwrap().issued_at;
    assert_eq!(told, Some(Timestamp::from_millis((now + 30) * 1000)));
}

#[tokio::test]
async fn a_credential_that_is_too_long_is_told_the_bound() {
    let world = World::new().await;
    let service = plain(&world.layer().build().unwrap());
    let mut claims = claims("ann", &world.clock);
    claims["padding"] = "x".repeat(7000).into();
    let jwt = sign(&claims, &Signing::hs256());
    let answer = ask(&service, &[("authorization", &format!("Bearer {jwt}"))]).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "invalid_token"));
    assert!(answer.body["detail"].as_str().unwrap().contains("at most 8192 bytes"), "{}", answer.body);
}

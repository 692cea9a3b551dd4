//! Each kind of target is told as its specification says: push services of browsers, FCM's and Apple's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};

use crate::harness::push_accounts::PushAccounts;
use crate::harness::receiver::Received;
use crate::harness::system::{System, receiver};
use crate::harness::{eventually, over_both_shapes, unique};
use crate::mobile_push::CURRENT;

over_both_shapes!(
    a_browser_decrypts_what_it_gets,
    android_devices_are_told_by_fcm,
    apple_devices_are_told_by_apns,
    only_what_makes_sense_is_a_target,
);

/// A browser, as far as a push service sees it.
struct Browser {
    key: aws_lc_rs::agreement::PrivateKey,
    point: Vec<u8>,
    auth: [u8; 16],
}

impl Browser {
    fn new() -> Self {
        use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
        let key = PrivateKey::generate(&ECDH_P256).expect("a key");
        let point = key.compute_public_key().expect("a point").as_ref().to_vec();
        Self { key, point, auth: *b"sixteen bytes ok" }
    }

    fn keys(&self) -> Value {
        json!({ "p256dh": URL_SAFE_NO_PAD.encode(&self.point), "auth": URL_SAFE_NO_PAD.encode(self.auth) })
    }

    /// RFC 8291 from the other side.
    fn decrypt(&self, coded: &[u8]) -> Value {
        use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
        use aws_lc_rs::agreement::{ECDH_P256, UnparsedPublicKey, agree};
        use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
        struct Long(usize);
        impl KeyType for Long {
            fn len(&self) -> usize {
                self.0
            }
        }
        let expand = |secret: &Prk, info: &[&[u8]], long: usize| {
            let mut key = vec![0; long];
            secret.expand(info, Long(long)).and_then(|okm| okm.fill(&mut key)).expect("key material");
            key
        };
        let (salt, rest) = coded.split_at(16);
        let (size, rest) = rest.split_at(4);
        assert_eq!(size, 4096_u32.to_be_bytes());
        assert_eq!(rest[0], 65);
        let (server, record) = rest[1..].split_at(65);
        let peer = UnparsedPublicKey::new(&ECDH_P256, server);
        let secret =
            agree(&self.key, peer, (), |shared| Ok(Salt::new(HKDF_SHA256, &self.auth).extract(shared)));
        let secret = expand(&secret.expect("agrees"), &[b"WebPush: info\0", &self.point, server], 32);
        let secret = Salt::new(HKDF_SHA256, salt).extract(&secret);
        let key = expand(&secret, &[b"Content-Encoding: aes128gcm\0"], 16);
        let nonce = expand(&secret, &[b"Content-Encoding: nonce\0"], 12);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).expect("a key"));
        let nonce = Nonce::try_assume_unique_for_key(&nonce).expect("a nonce");
        let mut text = record.to_vec();
        let text = key.open_in_place(nonce, Aad::empty(), &mut text).expect("decrypts");
        let (delimiter, text) = text.split_last().expect("something");
        assert_eq!(*delimiter, 2);
        serde_json::from_slice(text).expect("JSON")
    }
}

async fn a_browser_decrypts_what_it_gets(system: &System) {
    let api = system.api(0);
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let offer = api.get("/api/notifications", &bob.token).await.ok();
    assert_eq!(offer["vapidPublicKey"], PushAccounts::shared().vapid.1);
    let (browser, path) = (Browser::new(), format!("/browser/{}", unique("")));
    let body = json!({ "kind": "webpush", "endpoint": receiver().url(&path), "keys": browser.keys() });
    let set = api.call(Method::PUT, CURRENT, &bob.token, Some(body.clone())).await.ok();
    assert_eq!(set["secret"], Value::Null, "its keys are not shown");
    let again = system.api(1).call(Method::PUT, CURRENT, &bob.token, Some(body)).await.ok();
    assert_eq!(again, set, "the same once more changes nothing");
    let place = api.direct(&ann, &bob).await;
    api.send(&ann, &place, "1", &"漢字 ".repeat(500)).await.ok();
    let told = receiver().wait_taken(&path, 1).await;
    let one = &told[0];
    for (name, expected) in [
        ("content-encoding", "aes128gcm"),
        ("ttl", "259200"),
        ("urgency", "high"),
        ("topic", &*format!("c{place}")),
    ] {
        assert_eq!(one.header(name), expected, "{name}");
    }
    let notice = browser.decrypt(&one.body);
    assert_eq!((&notice["conversationId"], &notice["title"]), (&json!(place), &json!(ann.username)));
    assert_eq!(notice["text"].as_str().expect("a text").chars().count(), 120);
    let shown = one.header("authorization").strip_prefix("vapid t=").and_then(|rest| rest.split_once(", k="));
    let (token, key) = shown.expect("a token and a key");
    assert_eq!(key, PushAccounts::shared().vapid.1);
    let claims = verified_es256(token, &URL_SAFE_NO_PAD.decode(key).expect("base64url"));
    let origin = receiver().url("");
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!(origin), &json!("mailto:ops@chat.example")));
}

/// The claims of a token, by the point that verifies it.
fn verified_es256(token: &str, point: &[u8]) -> Value {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    let (signed, signature) = token.rsplit_once('.').expect("a signature");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &signature)
        .expect("verifies");
    part(token, 1)
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("a part");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

async fn android_devices_are_told_by_fcm(system: &System) {
    let api = system.api(0);
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let token = unique("android-");
    let body = json!({ "kind": "fcm", "token": token });
    api.call(Method::PUT, CURRENT, &bob.token, Some(body)).await.ok();
    let place = api.direct(&ann, &bob).await;
    api.send(&ann, &place, "1", "Hello").await.ok();
    let path = "/v1/projects/oort-test/messages:send";
    let (headers, message) = eventually("FCM is asked", async || {
        let taken = receiver().taken(path).into_iter();
        let message = |one: Received| (one.headers.clone(), one.json()["message"].clone());
        taken.map(message).find(|(_, message)| message["token"] == token)
    })
    .await;
    assert_eq!(headers["authorization"], "Bearer granted");
    assert_eq!(message["notification"], json!({ "title": ann.username, "body": "Hello" }));
    assert_eq!(
        (&message["data"]["conversationId"], &message["data"]["unread"]),
        (&json!(place), &json!("1"))
    );
    assert_eq!(message["android"]["collapse_key"], format!("c{place}"));
    // How the access token was got.
    let asked = receiver().taken("/token");
    let form = String::from_utf8(asked[0].body.to_vec()).expect("text");
    let assertion = form
        .strip_prefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=")
        .expect("the form of RFC 7523");
    let (signed, signature) = assertion.rsplit_once('.').expect("a signature");
    let verifier = aws_lc_rs::signature::UnparsedPublicKey::new(
        &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256,
        PushAccounts::shared().fcm_public(),
    );
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    verifier.verify(signed.as_bytes(), &signature).expect("signed by the account");
    let claims = part(assertion, 1);
    assert_eq!(claims["aud"], receiver().url("/token"));
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/firebase.messaging");
    assert_eq!(part(assertion, 0)["kid"], "key-1");
}

async fn apple_devices_are_told_by_apns(system: &System) {
    let api = system.api(0);
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let digits: String = unique("").bytes().map(|byte| format!("{byte:02x}")).collect();
    let token = format!("{digits:0>64}");
    let body = json!({ "kind": "apns", "token": token });
    api.call(Method::PUT, CURRENT, &bob.token, Some(body)).await.ok();
    let place = api.direct(&ann, &bob).await;
    api.send(&ann, &place, "1", "Hello").await.ok();
    let path = format!("/3/device/{token}");
    let told = receiver().wait_taken(&path, 1).await;
    let one = &told[0];
    assert!(one.is_h2);
    for (name, expected) in [
        ("apns-topic", "example.chat"),
        ("apns-push-type", "alert"),
        ("apns-priority", "10"),
        ("apns-collapse-id", &*format!("c{place}")),
    ] {
        assert_eq!(one.header(name), expected, "{name}");
    }
    assert_eq!(one.json()["aps"]["alert"], json!({ "title": ann.username, "body": "Hello" }));
    assert_eq!(one.json()["oort"]["conversationId"], place);
    let bearer = one.header("authorization").strip_prefix("bearer ").expect("a token");
    assert_eq!(verified_es256(bearer, PushAccounts::shared().apns_public())["iss"], "TEAM456789");
    assert_eq!(part(bearer, 0)["kid"], "KEY1234567");
    receiver().answer(&path, 410, &[], r#"{"reason":"Unregistered","timestamp":1}"#);
    api.send(&ann, &place, "2", "Are you there?").await.ok();
    eventually("the target is removed", async || {
        (api.get(CURRENT, &bob.token).await.status == 404).then_some(())
    })
    .await;
}

async fn only_what_makes_sense_is_a_target(system: &System) {
    let api = system.api(0);
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let keys = Browser::new().keys();
    let set = async |body: Value| api.call(Method::PUT, CURRENT, &ann.token, Some(body)).await.refusal();
    let good = "https://push.example/1";
    for bad in [
        json!({ "kind": "pigeon", "endpoint": good }),
        json!({ "kind": "webhook" }),
        json!({ "kind": "webhook", "endpoint": "" }),
        json!({ "kind": "webhook", "endpoint": "push.example" }),
        json!({ "kind": "webhook", "endpoint": "ftp://push.example/" }),
        json!({ "kind": "webhook", "endpoint": "https://user@push.example/" }),
        json!({ "kind": "webhook", "endpoint": format!("{good}?{}", "x".repeat(2048)) }),
        json!({ "kind": "webpush", "endpoint": good }),
        json!({ "kind": "webpush", "endpoint": good, "keys": { "p256dh": "AAAA", "auth": keys["auth"] } }),
        json!({ "kind": "webpush", "endpoint": good, "keys": { "p256dh": keys["p256dh"], "auth": "AAAA" } }),
        json!({ "kind": "fcm", "token": "a b" }),
        json!({ "kind": "apns", "token": "x".repeat(64) }),
        json!({ "kind": "apns", "token": "ab" }),
    ] {
        assert_eq!(set(bad.clone()).await, (400, "invalid_field".to_owned()), "{bad}");
    }
    // Nobody else's log-in, and none that is not there.
    let list = api.get("/api/sessions", &bob.token).await.ok();
    let bobs = list["sessions"][0]["id"].as_str().expect("an id").to_owned();
    for id in [&*bobs, "nothing"] {
        let path = format!("/api/sessions/{id}/notifications");
        let body = json!({ "kind": "webhook", "endpoint": good });
        let reply = api.call(Method::PUT, &path, &ann.token, Some(body)).await;
        assert_eq!(reply.refusal(), (404, "not_found".to_owned()), "{id}");
        assert_eq!(api.get(&path, &ann.token).await.refusal().0, 404);
        assert_eq!(api.call(Method::DELETE, &path, &ann.token, None).await.status, 204);
    }
    // One's own by its id.
    let list = api.get("/api/sessions", &ann.token).await.ok();
    let path = format!("/api/sessions/{}/notifications", list["sessions"][0]["id"].as_str().expect("an id"));
    let body = json!({ "kind": "webhook", "endpoint": good });
    let set = api.call(Method::PUT, &path, &ann.token, Some(body)).await.ok();
    assert_eq!(api.get(CURRENT, &ann.token).await.ok(), set);
    assert_eq!(api.call(Method::DELETE, CURRENT, &ann.token, None).await.status, 204);
    assert_eq!(api.get(CURRENT, &ann.token).await.refusal().0, 404);
}

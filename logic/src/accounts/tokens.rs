//! Signed tokens: who may, until when. JWTs by HS256, and no other algorithm.
//!
//! A user's token and a server's differ in `aud`, so neither passes for the other.

use std::collections::HashMap;
use std::sync::Arc;

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
    get_current_timestamp,
};
use oort_api::error::{Code, Refusal};
use oort_api::generations::Generations;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::store::SigningKey;

const USER_AUDIENCE: &str = "oort-user";
const SERVER_AUDIENCE: &str = "oort-server";

/// Longer texts are refused unread, bytes.
const TOKEN_BYTES_MAX: usize = 4096;

/// Server tokens that are remembered: the operator's servers are few, and push often.
const SERVER_TOKENS_MAX: usize = 256;

/// What a server token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Pushing to users, rooms and everyone, and reading who is online.
    Push,
}

/// Claims of a user's access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UserClaims {
    pub(super) iss: String,
    pub(super) aud: String,
    /// User id in decimal.
    pub(super) sub: String,
    pub(super) name: String,
    /// Id of the log-in.
    pub(super) sid: String,
    /// Seconds since the epoch.
    pub(super) iat: u64,
    /// Seconds since the epoch.
    pub(super) exp: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct ServerClaims {
    iss: String,
    aud: String,
    sub: String,
    scopes: Vec<Scope>,
    iat: u64,
    exp: u64,
}

/// Signs with the newest key, verifies with any.
pub(super) struct Tokens {
    issuer: String,
    header: Header,
    signing: EncodingKey,
    verifying: HashMap<String, DecodingKey>,
    user_rules: Validation,
    server_rules: Validation,
    /// Server tokens that were verified: rightly signed they stay, only their time is to be looked at again.
    servers: Mutex<Generations<Box<str>, Arc<ServerClaims>>>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("issuer", &self.issuer).field("keys", &self.verifying.len()).finish()
    }
}

impl Tokens {
    /// `keys` newest first; `None` when there are none.
    pub(super) fn new(issuer: &str, keys: &[SigningKey]) -> Option<Self> {
        let newest = keys.first()?;
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(newest.id.clone());
        let verifying = keys.iter().map(|key| (key.id.clone(), DecodingKey::from_secret(&key.secret)));
        Some(Self {
            issuer: issuer.to_owned(),
            header,
            signing: EncodingKey::from_secret(&newest.secret),
            verifying: verifying.collect(),
            user_rules: rules(issuer, USER_AUDIENCE),
            server_rules: rules(issuer, SERVER_AUDIENCE),
            servers: Mutex::new(Generations::new(SERVER_TOKENS_MAX)),
        })
    }

    /// An access token of a log-in. Times in seconds since the epoch.
    pub(super) fn issue_user(
        &self,
        user: i64,
        name: &str,
        sid: &str,
        iat: u64,
        exp: u64,
    ) -> Result<String, Refusal> {
        self.sign(&UserClaims {
            iss: self.issuer.clone(),
            aud: USER_AUDIENCE.to_owned(),
            sub: user.to_string(),
            name: name.to_owned(),
            sid: sid.to_owned(),
            iat,
            exp,
        })
    }

    pub(super) fn issue_server(&self, scopes: &[Scope], iat: u64, exp: u64) -> Result<String, Refusal> {
        self.sign(&ServerClaims {
            iss: self.issuer.clone(),
            aud: SERVER_AUDIENCE.to_owned(),
            sub: "server".to_owned(),
            scopes: scopes.to_vec(),
            iat,
            exp,
        })
    }

    pub(super) fn verify_user(&self, token: &str) -> Option<UserClaims> {
        self.verify(token, &self.user_rules)
    }

    /// Whether a server token has this scope; `None` when it is none.
    pub(super) fn verify_server(&self, token: &str, scope: Scope) -> Option<bool> {
        let remembered = self.servers.lock().get_mut(token).map(|claims| Arc::clone(claims));
        let claims = match remembered {
            Some(claims) => Some(claims).filter(|claims| get_current_timestamp() <= claims.exp)?,
            None => {
                let claims = Arc::new(self.verify::<ServerClaims>(token, &self.server_rules)?);
                self.servers.lock().insert(token.into(), Arc::clone(&claims));
                claims
            }
        };
        Some(claims.scopes.contains(&scope))
    }

    fn sign<C: Serialize>(&self, claims: &C) -> Result<String, Refusal> {
        encode(&self.header, claims, &self.signing).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            Refusal::new(Code::Internal, "internal error")
        })
    }

    fn verify<C: DeserializeOwned>(&self, token: &str, rules: &Validation) -> Option<C> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let kid = decode_header(token).ok()?.kid?;
        let key = self.verifying.get(&kid)?;
        decode(token, key, rules).ok().map(|token| token.claims)
    }
}

fn rules(issuer: &str, audience: &str) -> Validation {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_issuer(&[issuer]);
    rules.set_audience(&[audience]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    rules.validate_nbf = true;
    rules.leeway = 0;
    rules
}

/// A door for the check of access tokens under `fuzz/`.
pub(crate) mod fuzzing {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    use jsonwebtoken::crypto;

    use super::{Algorithm, EncodingKey, SigningKey, Tokens};

    /// Issuer of all tokens here.
    pub const ISSUER: &str = "oort";
    /// Audience of users' tokens.
    pub const AUDIENCE: &str = super::USER_AUDIENCE;
    /// Name of the only key.
    pub const KEY_ID: &str = "k";
    const SECRET: [u8; 32] = [7; 32];

    /// User and expiry (s since the epoch) of a token that verifies.
    #[must_use]
    pub fn verify_user(token: &str) -> Option<(String, u64)> {
        let key = SigningKey { id: KEY_ID.to_owned(), secret: SECRET.to_vec(), created_at_ms: 0 };
        Tokens::new(ISSUER, &[key])?.verify_user(token).map(|claims| (claims.sub, claims.exp))
    }

    /// Any header and any claims, signed rightly.
    #[must_use]
    pub fn signed(header: &[u8], claims: &[u8]) -> Option<String> {
        let message = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
        let signature =
            crypto::sign(message.as_bytes(), &EncodingKey::from_secret(&SECRET), Algorithm::HS256).ok()?;
        Some(format!("{message}.{signature}"))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    use jsonwebtoken::get_current_timestamp;
    use serde_json::{Value, json};

    use super::*;

    fn key(id: &str, byte: u8) -> SigningKey {
        SigningKey { id: id.to_owned(), secret: vec![byte; 32], created_at_ms: 0 }
    }

    fn tokens() -> Tokens {
        Tokens::new("oort", &[key("new", 2), key("old", 1)]).expect("keys")
    }

    fn claims() -> Value {
        let now = get_current_timestamp();
        json!({"iss": "oort", "aud": USER_AUDIENCE, "sub": "7", "name": "ada", "sid": "x", "iat": now, "exp": now + 60})
    }

    fn signed(kid: Option<&str>, secret: u8, algorithm: Algorithm, claims: &Value) -> String {
        let mut header = Header::new(algorithm);
        header.kid = kid.map(str::to_owned);
        encode(&header, claims, &EncodingKey::from_secret(&[secret; 32])).expect("signs")
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    #[test]
    fn tokens_of_every_known_key_verify() {
        let now = get_current_timestamp();
        let token = tokens().issue_user(7, "ada", "x", now, now + 60).expect("signs");
        assert_eq!(tokens().verify_user(&token).expect("verifies").sub, "7");
        assert!(tokens().verify_user(&signed(Some("old"), 1, Algorithm::HS256, &claims())).is_some());
    }

    #[test]
    fn forgeries_do_not() {
        let now = get_current_timestamp();
        let good = signed(Some("new"), 2, Algorithm::HS256, &claims());
        assert!(tokens().verify_user(&good).is_some(), "the oracle itself");
        let mut parts: Vec<&str> = good.split('.').collect();
        let other_body = BASE64.encode(with("sub", json!("8")).to_string());
        parts[1] = &other_body;
        let forgeries = [
            ("no key id", signed(None, 2, Algorithm::HS256, &claims())),
            ("unknown key id", signed(Some("other"), 2, Algorithm::HS256, &claims())),
            ("other secret", signed(Some("new"), 9, Algorithm::HS256, &claims())),
            ("key of another id", signed(Some("new"), 1, Algorithm::HS256, &claims())),
            ("other algorithm", signed(Some("new"), 2, Algorithm::HS512, &claims())),
            ("other issuer", signed(Some("new"), 2, Algorithm::HS256, &with("iss", json!("else")))),
            (
                "other audience",
                signed(Some("new"), 2, Algorithm::HS256, &with("aud", json!(SERVER_AUDIENCE))),
            ),
            ("expired", signed(Some("new"), 2, Algorithm::HS256, &with("exp", json!(now - 1)))),
            ("not yet valid", signed(Some("new"), 2, Algorithm::HS256, &with("nbf", json!(now + 60)))),
            ("exp of another type", signed(Some("new"), 2, Algorithm::HS256, &with("exp", json!("never")))),
            ("body exchanged", parts.join(".")),
            ("signature cut", good.rsplit_once('.').expect("three parts").0.to_owned() + "."),
            ("not a token", "a.b.c".to_owned()),
            ("empty", String::new()),
            ("long", "a".repeat(TOKEN_BYTES_MAX + 1)),
        ];
        for (what, token) in forgeries {
            assert_eq!(tokens().verify_user(&token), None, "{what}");
        }
    }

    #[test]
    fn algorithm_none_is_refused_however_it_is_spelled() {
        for algorithm in ["none", "None", "NONE", "nOnE", "", "HS384"] {
            let header = BASE64.encode(json!({"typ": "JWT", "alg": algorithm, "kid": "new"}).to_string());
            let body = BASE64.encode(claims().to_string());
            for signature in ["", "x"] {
                assert_eq!(
                    tokens().verify_user(&format!("{header}.{body}.{signature}")),
                    None,
                    "{algorithm}"
                );
            }
        }
    }

    #[test]
    fn a_claim_that_is_missing_is_missed() {
        for name in ["iss", "aud", "sub", "exp", "sid", "name"] {
            let mut claims = claims();
            claims.as_object_mut().expect("an object").remove(name);
            assert_eq!(
                tokens().verify_user(&signed(Some("new"), 2, Algorithm::HS256, &claims)),
                None,
                "{name}"
            );
        }
    }

    #[test]
    fn user_and_server_tokens_are_not_exchangeable() {
        let (tokens, now) = (tokens(), get_current_timestamp());
        let user = tokens.issue_user(7, "ada", "x", now, now + 60).expect("signs");
        let server = tokens.issue_server(&[Scope::Push], now, now + 60).expect("signs");
        for _ in ["read", "remembered"] {
            assert_eq!(tokens.verify_server(&server, Scope::Push), Some(true));
            assert_eq!(tokens.verify_server(&user, Scope::Push), None);
            assert_eq!(tokens.verify_user(&server), None);
        }
    }

    #[test]
    fn a_token_that_is_remembered_ends_all_the_same() {
        let tokens = tokens();
        let last = get_current_timestamp() + 1;
        let token = tokens.issue_server(&[Scope::Push], last - 1, last).expect("signs");
        let mut good = 0_u32;
        while tokens.verify_server(&token, Scope::Push).is_some() {
            assert!(get_current_timestamp() <= last + 1, "it is over");
            good += 1;
        }
        assert!(good > 1 && get_current_timestamp() > last, "{good} times good");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_no_token(text in ".{0,200}") {
            proptest::prop_assert_eq!(tokens().verify_user(&text), None);
        }

        #[test]
        fn a_token_with_one_byte_changed_is_none(at in 0_usize..10_000, byte in 0_u8..128) {
            let good = signed(Some("new"), 2, Algorithm::HS256, &claims());
            let mut bytes = good.clone().into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            let changed = String::from_utf8(bytes).expect("ASCII");
            // The last character has bits that no byte of the signature has a part in: decoders must refuse them, too.
            proptest::prop_assert_eq!(tokens().verify_user(&changed).is_some(), changed == good, "{}", changed);
        }
    }
}

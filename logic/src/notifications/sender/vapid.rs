//! Who this server is to push services of browsers (RFC 8292).

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::jwt;

/// How long a proof is good, s; at most a day is allowed.
const VALID_S: u64 = 12 * 3_600;

/// The key of this application server.
#[derive(Debug)]
pub(crate) struct Key {
    pair: EcdsaKeyPair,
    public: String,
}

impl Key {
    /// Reads a private key: 32 bytes, base64url.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let private = URL_SAFE_NO_PAD.decode(text.trim().trim_end_matches('=')).ok()?;
        let public = PrivateKey::from_private_key(&ECDH_P256, &private).ok()?.compute_public_key().ok()?;
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, &private, public.as_ref()).ok()?;
        Some(Self { pair, public: URL_SAFE_NO_PAD.encode(public.as_ref()) })
    }

    /// As browsers subscribe with it.
    pub(crate) fn public(&self) -> &str {
        &self.public
    }

    /// The header `authorization` for a push service, by the origin of its URL.
    pub(super) fn authorization(
        &self,
        origin: &str,
        subject: &str,
        now_s: u64,
    ) -> Result<String, Unspecified> {
        let claims = json!({ "aud": origin, "exp": now_s + VALID_S, "sub": subject });
        Ok(format!("vapid t={}, k={}", jwt::es256(&self.pair, None, &claims)?, self.public))
    }
}

/// A new key: private and public part, as settings and browsers have them.
///
/// # Errors
/// When there is no randomness.
pub fn generate() -> Result<(String, String), crate::error::Error> {
    let fault = |_| crate::error::Error::Config(vec!["no key could be made".to_owned()]);
    let private = PrivateKey::generate(&ECDH_P256).map_err(fault)?;
    let public = private.compute_public_key().map_err(fault)?;
    let private: EcPrivateKeyBin<'_> = private.as_be_bytes().map_err(fault)?;
    Ok((URL_SAFE_NO_PAD.encode(private.as_ref()), URL_SAFE_NO_PAD.encode(public.as_ref())))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_new_key_signs_what_its_public_part_verifies() {
        let (private, public) = generate().expect("a key");
        let key = Key::read(&private).expect("reads");
        assert_eq!(key.public(), public);
        let header = key.authorization("https://push.example", "mailto:a@b.example", 1_000).expect("signs");
        let (token, shown) =
            header.strip_prefix("vapid t=").and_then(|rest| rest.split_once(", k=")).expect("both");
        assert_eq!(shown, public);
        let point = URL_SAFE_NO_PAD.decode(&public).expect("base64url");
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let verifier = DecodingKey::from_ec_components(&x, &y).expect("a point");
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_audience(&["https://push.example"]);
        rules.validate_exp = false;
        let claims = jsonwebtoken::decode::<Value>(token, &verifier, &rules).expect("verifies").claims;
        assert_eq!((&claims["exp"], &claims["sub"]), (&json!(44_200), &json!("mailto:a@b.example")));
        for bad in ["", "x", "AAAA", &public] {
            assert!(Key::read(bad).is_none(), "{bad}");
        }
    }
}

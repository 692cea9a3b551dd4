//! JSON Web Tokens by which this server shows who it is to push services.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Signed with a key of P-256.
pub(super) fn es256(key: &EcdsaKeyPair, key_id: Option<&str>, claims: &Value) -> Result<String, Unspecified> {
    let signed = signed("ES256", key_id, claims);
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes())?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref())))
}

/// Signed with a key of RSA.
pub(super) fn rs256(key: &RsaKeyPair, key_id: Option<&str>, claims: &Value) -> Result<String, Unspecified> {
    let signed = signed("RS256", key_id, claims);
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// What is signed.
fn signed(algorithm: &str, key_id: Option<&str>, claims: &Value) -> String {
    let mut head = json!({ "typ": "JWT", "alg": algorithm });
    if let Some(key_id) = key_id {
        head["kid"] = json!(key_id);
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(&head), part(claims))
}

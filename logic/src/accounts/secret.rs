//! Random secrets handed to clients; the store has only their hashes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use oort_api::error::{Code, Refusal};
use sha2::{Digest, Sha256};

/// What the store keeps of a secret.
pub(crate) type Hash = [u8; 32];

/// 32 random bytes as base64url, and the hash of those bytes.
pub(crate) fn generate() -> Result<(String, Hash), Refusal> {
    let bytes = random()?;
    Ok((BASE64.encode(bytes), hash(&bytes)))
}

/// The same, made of a salt and of what a client knows: whoever has both can make it again.
pub(crate) fn derived(salt: &[u8; 32], known: &str) -> (String, Hash) {
    let bytes: [u8; 32] = Sha256::new().chain_update(salt).chain_update(known).finalize().into();
    (BASE64.encode(bytes), hash(&bytes))
}

/// The hash of a secret as a client gave it; `None` when it cannot be one.
pub(crate) fn hash_of(text: &str) -> Option<Hash> {
    // 32 bytes are 43 characters; anything longer is not decoded.
    if text.len() != 43 {
        return None;
    }
    let bytes: [u8; 32] = BASE64.decode(text).ok()?.try_into().ok()?;
    Some(hash(&bytes))
}

/// 32 random bytes from the system.
pub(crate) fn random() -> Result<[u8; 32], Refusal> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "the system gives no random bytes");
        Refusal::new(Code::Internal, "internal error")
    })?;
    Ok(bytes)
}

// A plain hash is enough: 256 random bits cannot be guessed.
fn hash(bytes: &[u8; 32]) -> Hash {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_hash() {
        let (text, hash) = generate().expect("random bytes");
        assert_eq!(hash_of(&text), Some(hash));
        assert_ne!(generate().expect("random bytes").0, text);
        for bad in ["", "x", &text[1..], &format!("{text}A"), &text.replace(&text[..1], "!"), &"é".repeat(22)]
        {
            assert_eq!(hash_of(bad), None, "{bad}");
        }
    }
}

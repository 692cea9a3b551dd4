//! Encryption of a Web Push message (RFC 8291) as one record of the content
//! coding `aes128gcm` (RFC 8188).

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

/// A point of P-256 as browsers give it, uncompressed, bytes.
pub(in crate::notifications) const POINT_BYTES: usize = 65;
/// The secret browsers give beside it, bytes.
pub(in crate::notifications) const AUTH_BYTES: usize = 16;
const SALT_BYTES: usize = 16;
/// Size of a record, as the header has it: there is only one, and it may be smaller.
const RECORD_BYTES: u32 = 4096;
/// Largest message that every push service takes: a record, less header, delimiter and tag.
pub(super) const TEXT_BYTES_MAX: usize = 4096 - (SALT_BYTES + 4 + 1 + POINT_BYTES) - 1 - 16;

/// Encrypts for the browser with this public key and secret.
pub(super) fn encrypt(text: &[u8], browser: &[u8], auth: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|_| Unspecified)?;
    encrypt_with(text, browser, auth, &PrivateKey::generate(&ECDH_P256)?, salt)
}

/// Whether it is a point of the curve.
pub(in crate::notifications) fn is_point(bytes: &[u8]) -> bool {
    bytes.len() == POINT_BYTES
        && PrivateKey::generate(&ECDH_P256)
            .is_ok_and(|own| agree(&own, UnparsedPublicKey::new(&ECDH_P256, bytes), (), |_| Ok(())).is_ok())
}

fn encrypt_with(
    text: &[u8],
    browser: &[u8],
    auth: &[u8],
    own: &PrivateKey,
    salt: [u8; SALT_BYTES],
) -> Result<Vec<u8>, Unspecified> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Unspecified);
    }
    let public = own.compute_public_key()?;
    let peer = UnparsedPublicKey::new(&ECDH_P256, browser);
    let secret = agree(own, peer, Unspecified, |shared| Ok(Salt::new(HKDF_SHA256, auth).extract(shared)))?;
    let info: [&[u8]; 3] = [b"WebPush: info\0", browser, public.as_ref()];
    let secret: [u8; 32] = expand(&secret, &info)?;
    let secret = Salt::new(HKDF_SHA256, &salt).extract(&secret);
    let key: [u8; 16] = expand(&secret, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; 12] = expand(&secret, &[b"Content-Encoding: nonce\0"])?;

    let mut record = text.to_vec();
    // The last record's delimiter; no padding follows.
    record.push(2);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record)?;

    let mut coded = Vec::with_capacity(SALT_BYTES + 5 + POINT_BYTES + record.len());
    coded.extend_from_slice(&salt);
    coded.extend_from_slice(&RECORD_BYTES.to_be_bytes());
    coded.push(u8::try_from(public.as_ref().len()).map_err(|_| Unspecified)?);
    coded.extend_from_slice(public.as_ref());
    coded.extend_from_slice(&record);
    Ok(coded)
}

/// So many bytes of key material.
struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(secret: &Prk, info: &[&[u8]]) -> Result<[u8; N], Unspecified> {
    let mut key = [0; N];
    secret.expand(info, Bytes(N))?.fill(&mut key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).expect("base64url")
    }

    /// RFC 8291, section 5 and appendix A.
    #[test]
    fn the_example_of_the_rfc() {
        let text = b"When I grow up, I want to be a watermelon";
        let browser =
            bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
        let own = bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
        let own = PrivateKey::from_private_key(&ECDH_P256, &own).expect("a key");
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().expect("16 bytes");
        let auth = bytes("BTBZMqHH6r4Tts7J_aSIgg");
        let coded = encrypt_with(text, &browser, &auth, &own, salt).expect("encrypts");
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz\
                        AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(coded), expected);
    }

    #[test]
    fn what_is_no_key_or_too_long_is_refused() {
        let own = PrivateKey::generate(&ECDH_P256).expect("a key");
        let point = own.compute_public_key().expect("a point");
        assert!(is_point(point.as_ref()));
        for bad in [&[][..], &[4; POINT_BYTES], &point.as_ref()[..64]] {
            assert!(!is_point(bad));
            assert!(encrypt(b"x", bad, &[0; AUTH_BYTES]).is_err());
        }
        let most = vec![b'x'; TEXT_BYTES_MAX];
        assert_eq!(encrypt(&most, point.as_ref(), &[0; AUTH_BYTES]).expect("encrypts").len(), 4096);
        assert!(encrypt(&[most, vec![b'x']].concat(), point.as_ref(), &[0; AUTH_BYTES]).is_err());
    }
}

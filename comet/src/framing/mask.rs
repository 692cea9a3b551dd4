//! The client's mask (RFC 6455 §5.3).

/// XORs `bytes` with `mask`, whose first byte belongs to the payload byte `offset` bytes before `bytes[0]`
/// modulo four: a payload that comes in pieces is unmasked piece by piece with `offset` the length of the
/// pieces before.
pub fn unmask(bytes: &mut [u8], mask: [u8; 4], offset: usize) {
    let mut turned = mask;
    turned.rotate_left(offset % 4);
    let [a, b, c, d] = turned;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, tail) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(turned.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_definition_at_every_length_and_offset() {
        let mask = [0x6d, 0xb6, 0xb2, 0x80];
        for length in 0..70_u8 {
            for offset in 0..9 {
                let plain: Vec<u8> = (0..length).map(|i| i.wrapping_mul(37)).collect();
                let defined: Vec<u8> =
                    plain.iter().enumerate().map(|(i, byte)| byte ^ mask[(i + offset) % 4]).collect();
                let mut fast = plain.clone();
                unmask(&mut fast, mask, offset);
                assert_eq!(fast, defined, "length {length}, offset {offset}");
            }
        }
    }
}

//! Base62 of a fixed width: `0-9`, `A-Z`, `a-z`, most significant digit first, so that text sorts as its bytes do.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// This many digits are computed at once, since every operation encodes several ids. A number of ten digits, one of
/// [`TOGETHER`], fits into a word.
const DIGITS_TOGETHER: usize = 10;
const TOGETHER: u128 = 62_u128.pow(10);

/// The number whose big-endian bytes are `bytes`, in exactly `width` digits.
///
/// `width` must be wide enough for every number of that many bytes (11 digits for 8 bytes, 22 for 16, 43 for 32);
/// digits that do not fit would be cut off at the front.
pub(crate) fn encode(bytes: &[u8], width: usize) -> String {
    let word = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
    let mut number: Vec<u64> = bytes.rchunks(size_of::<u64>()).rev().map(word).collect();
    let mut digits = vec![b'0'; width];
    // The words of the number before this one are zero.
    let mut first = 0;
    for digits in digits.rchunks_mut(DIGITS_TOGETHER) {
        first += number[first..].iter().take_while(|word| **word == 0).count();
        let mut remainder = 0;
        for word in &mut number[first..] {
            let value = (u128::from(remainder) << u64::BITS) | u128::from(*word);
            #[expect(clippy::cast_possible_truncation, reason = "the remainder is less than TOGETHER: both fit")]
            let (quotient, rest) = ((value / TOGETHER) as u64, (value % TOGETHER) as u64);
            (*word, remainder) = (quotient, rest);
        }
        for digit in digits.iter_mut().rev() {
            *digit = ALPHABET[(remainder % 62) as usize];
            remainder /= 62;
        }
    }
    // All of the alphabet is ASCII.
    String::from_utf8(digits).unwrap_or_default()
}

/// The `N` big-endian bytes of the number that `text` writes, or `None` if it is not base62 or does not fit.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut number = [0_u8; N];
    for character in text.bytes() {
        let digit = match character {
            b'0'..=b'9' => character - b'0',
            b'A'..=b'Z' => character - b'A' + 10,
            b'a'..=b'z' => character - b'a' + 36,
            _ => return None,
        };
        let mut carry = u32::from(digit);
        for byte in number.iter_mut().rev() {
            let value = u32::from(*byte) * 62 + carry;
            *byte = (value & 0xff) as u8;
            carry = value >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decoded_as_they_were_encoded() {
        for bytes in [[0_u8; 16], [0xff; 16], [0x5a; 16]] {
            let text = encode(&bytes, 22);
            assert_eq!(text.len(), 22);
            assert_eq!(decode::<16>(&text), Some(bytes));
        }
        assert_eq!(encode(&[0xff; 32], 43).len(), 43);
        assert_eq!(decode::<32>(&encode(&[0xff; 32], 43)), Some([0xff; 32]));
        assert_eq!(encode(&[0, 61], 2), "0z");
        assert_eq!(encode(&[1, 0], 2), "48");
        let mut bytes = [0xa7_u8; 16];
        for place in 0..bytes.len() {
            bytes[place] = 0;
            assert_eq!(decode::<16>(&encode(&bytes, 22)), Some(bytes));
        }
    }

    #[test]
    fn what_does_not_fit_or_is_no_digit_is_refused() {
        assert_eq!(decode::<16>(&"z".repeat(22)), None);
        assert_eq!(decode::<16>("0_"), None);
    }
}

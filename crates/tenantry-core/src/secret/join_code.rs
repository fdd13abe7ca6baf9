use super::{Hashed, Plain};
use crate::values::{
    entropy::{Entropy, EntropyError, bytes},
    visible_text,
};

/// Crockford's base32: no I, L, O or U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How many digits a code has: 12 × 5 = 60 bits.
const DIGITS: usize = 12;

/// A short, shareable code that lets whoever has it join: `XXXX-XXXX-XXXX` in Crockford's base32.
///
/// A code is read whatever its case, its spaces, its dashes of any kind and its invisible characters; `O` is read as 0,
/// `I` and `L` as 1.
#[derive(Debug, Clone)]
pub struct JoinCode(Plain);

impl JoinCode {
    /// A new code.
    pub fn new(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let random: [u8; 8] = bytes(entropy)?;
        let mut bits = u64::from_be_bytes(random);
        let mut digits = String::with_capacity(DIGITS);
        for _ in 0..DIGITS {
            digits.push(char::from(ALPHABET[(bits & 31) as usize]));
            bits >>= 5;
        }
        Ok(Self(Plain::new(digits)))
    }

    /// Reads a code as somebody typed it.
    pub fn parse(text: &str) -> Result<Self, InvalidJoinCode> {
        let mut digits = String::with_capacity(DIGITS);
        // Programs from which people paste turn what was typed into en dashes and narrow spaces.
        let separates = |character: char| {
            visible_text::is_blank(character)
                || visible_text::is_dash(character)
                || visible_text::is_ignorable(character)
        };
        for character in text.chars().filter(|character| !separates(*character)) {
            let digit = match character.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other if other.is_ascii() && ALPHABET.contains(&(other as u8)) => other,
                _ => return Err(InvalidJoinCode),
            };
            if digits.len() == DIGITS {
                return Err(InvalidJoinCode);
            }
            digits.push(digit);
        }
        if digits.len() == DIGITS { Ok(Self(Plain::new(digits))) } else { Err(InvalidJoinCode) }
    }

    /// The code as it is shown, once: in groups of four.
    #[must_use]
    pub fn grouped(&self) -> Plain {
        let digits = self.0.expose();
        Plain::new(format!("{}-{}-{}", &digits[..4], &digits[4..8], &digits[8..]))
    }

    /// What a list shows of it: the last two characters. The other 50 bits stay secret.
    #[must_use]
    pub fn hint(&self) -> String {
        format!("…{}", &self.0.expose()[DIGITS - 2..])
    }

    /// The hash, which is what a store keeps.
    #[must_use]
    pub fn hashed(&self) -> Hashed {
        self.0.hashed()
    }
}

/// The text cannot be a join code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a join code of twelve letters and digits, such as 7Q4M-K2ZP-X9TA")]
pub struct InvalidJoinCode;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::entropy::SystemEntropy;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = JoinCode::new(&SystemEntropy).unwrap();
        let shown = code.grouped();
        let typed = shown.expose().to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        assert_eq!(JoinCode::parse(&typed).unwrap().hashed(), code.hashed());
        for separator in "–—‐‑‒―−﹣－\u{a0}\u{2009}\u{202f}\u{3000}\u{ad}\u{200b}\u{feff}\u{200e}\t".chars()
        {
            let typed = shown.expose().replace('-', &format!(" {separator}"));
            assert_eq!(JoinCode::parse(&typed).unwrap().hashed(), code.hashed(), "{separator:?}");
        }
        assert!(shown.expose().ends_with(&code.hint()["…".len()..]));
        for wrong in ["", "7Q4M-K2ZP-X9T", "7Q4M-K2ZP-X9TAA", "7Q4M-K2ZP-X9TU", "ééééééééééé"] {
            assert!(JoinCode::parse(wrong).is_err(), "{wrong}");
        }
    }
}

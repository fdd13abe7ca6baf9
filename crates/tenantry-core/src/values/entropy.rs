//! Randomness is a parameter.

use std::fmt;

/// A source of bytes that nobody can predict.
///
/// Secrets are made of these bytes: an implementation outside of tests must be cryptographically secure.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// If the source fails. The operation that asked for the bytes answers 503, and nothing is changed.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

/// The operating system's random number generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        #[expect(clippy::disallowed_methods, reason = "this is the place that provides randomness")]
        getrandom::fill(bytes).map_err(|error| EntropyError(error.to_string()))
    }
}

/// The source of randomness failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no randomness to be had: {0}")]
pub struct EntropyError(pub String);

/// `N` bytes from `source`.
pub(crate) fn bytes<const N: usize>(source: &dyn Entropy) -> Result<[u8; N], EntropyError> {
    let mut bytes = [0; N];
    source.fill(&mut bytes)?;
    Ok(bytes)
}

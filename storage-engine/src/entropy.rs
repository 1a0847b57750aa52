//! Randomness as a parameter: where keys, salts and ids come from.

/// The generator gave no bytes. Nothing can be sealed; retry later.
#[derive(Debug, thiserror::Error)]
#[error("the random number generator failed; nothing was sealed, try again")]
pub struct EntropyError;

/// A source of unpredictable bytes. Passed in everywhere, so that a failing test can replay.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// When the source is not available.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

/// A fresh random array.
///
/// # Errors
/// When the source is not available.
pub fn random<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], EntropyError> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the system's generator"
    )]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(bytes).map_err(|_| EntropyError)
    }
}

/// A generator that repeats itself: for tests only, never for data that matters.
#[cfg(feature = "testing")]
pub struct SeededEntropy(parking_lot::Mutex<rand_chacha::ChaCha20Rng>);

#[cfg(feature = "testing")]
impl SeededEntropy {
    /// The sequence of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        use rand_chacha::rand_core::SeedableRng;
        Self(parking_lot::Mutex::new(rand_chacha::ChaCha20Rng::seed_from_u64(
            seed,
        )))
    }
}

#[cfg(feature = "testing")]
impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        use rand_chacha::rand_core::Rng;
        self.0.lock().fill_bytes(bytes);
        Ok(())
    }
}

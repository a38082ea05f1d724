//! argon2id in PHC form, in memory that is used again.
//!
//! A hash fills 19 MiB. Taken from the allocator each time, by whichever thread is free, it would
//! stay with every thread that ever had it: some sign-ins later the process would hold many times
//! what its hashes need.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use ring::rand::{SecureRandom as _, SystemRandom};

/// OWASP's second choice: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 32;

/// What one hash at a time is computed in.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

/// That a password has the hash. Only [`Memory::verify`] makes one.
#[must_use]
pub(super) struct Match {
    /// Whether its parameters are those of today, or higher.
    pub(super) is_current: bool,
}

impl Memory {
    fn fill(
        &mut self,
        argon2: &Argon2<'_>,
        password: &str,
        salt: &[u8],
        tag: &mut [u8],
    ) -> anyhow::Result<()> {
        let blocks = argon2.params().block_count();
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::default());
        }
        argon2
            .hash_password_into_with_memory(password.as_bytes(), salt, tag, &mut self.0)
            .map_err(|error| anyhow::anyhow!("argon2: {error}"))
    }

    pub(super) fn hash(&mut self, password: &str) -> anyhow::Result<String> {
        let mut salt = [0; SALT_BYTES];
        SystemRandom::new().fill(&mut salt).or(Err(anyhow::anyhow!(
            "the operating system gave no randomness"
        )))?;
        let params = Params::new(MEMORY_KIB, PASSES, 1, None)?;
        let written = ParamsString::try_from(&params)?;
        let mut tag = [0; TAG_BYTES];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        self.fill(&argon2, password, &salt, &mut tag)?;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: written,
            salt: Some(Salt::new(&salt)?),
            hash: Some(Output::new(&tag)?),
        };
        Ok(hash.to_string())
    }

    /// `None` where the password is another one, or what is stored is no hash that is known here.
    pub(super) fn verify(&mut self, password: &str, stored: &str) -> Option<Match> {
        let stored = PasswordHash::new(stored).ok()?;
        let (salt, expected) = (stored.salt?, stored.hash?);
        let algorithm = Algorithm::try_from(stored.algorithm.as_str()).ok()?;
        let version = Version::try_from(stored.version?).ok()?;
        let params = Params::try_from(&stored).ok()?;
        let is_current = params.m_cost() >= MEMORY_KIB && params.t_cost() >= PASSES;
        let mut tag = vec![0; expected.len()];
        let argon2 = Argon2::new(algorithm, version, params);
        self.fill(&argon2, password, &salt, &mut tag).ok()?;
        // Compared in constant time: that is how outputs are equal.
        (Output::new(&tag).ok()? == expected).then_some(Match { is_current })
    }
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher as _, PasswordVerifier as _};

    use super::*;

    #[test]
    fn every_byte_counts() {
        let mut memory = Memory::default();
        for length in [72, 1_023] {
            let password = "a".repeat(length);
            let stored = memory.hash(&password).unwrap();
            assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
            assert!(memory.verify(&password, &stored).unwrap().is_current);
            let longer = format!("{password}a");
            assert!(memory.verify(&longer, &stored).is_none());
        }
        for broken in ["", "x", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0"] {
            assert!(memory.verify("x", broken).is_none());
        }
    }

    /// Both ways, with what the library does by itself; memory that has been used for something
    /// else makes no difference.
    #[test]
    fn the_library_agrees() {
        let mut memory = Memory::default();
        for (kib, passes, lanes) in [(8_192, 1, 1), (19_456, 2, 1), (64, 3, 4)] {
            let params = Params::new(kib, passes, lanes, None).unwrap();
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let theirs = argon2.hash_password(b"good enough once").unwrap();
            let found = memory.verify("good enough once", &theirs.to_string());
            assert_eq!(found.unwrap().is_current, kib == 19_456);
            assert!(memory.verify("another", &theirs.to_string()).is_none());
        }
        let ours = memory.hash("good enough once").unwrap();
        let argon2 = Argon2::default();
        argon2
            .verify_password(b"good enough once", ours.as_str())
            .unwrap();
        argon2
            .verify_password(b"another", ours.as_str())
            .unwrap_err();
    }
}

//! Instruction-set levels: what exists, what this machine has, and which one to use.
//!
//! A level is a whole bundle of CPU features, never an ad-hoc set, and is only ever detected as a whole. Each
//! architecture has levels of its own on top of the one that all share.
//! This file must not contain instructions; those belong to [`crate::isa`].

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// Environment variable that forces a lower level than the best one: `scalar`; `avx2`, `avx512` or `amx` on x86-64;
/// `neon` on 64-bit ARM.
pub const ISA_VARIABLE: &str = "IGLA_ISA";

/// A bundle of CPU features that kernels are compiled for, ordered from plainest to widest. No machine has all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Portable code on arrays of four; whatever the compiler's baseline makes of it.
    Scalar,
    /// NEON, which every 64-bit ARM has: 4 lanes, fused multiply-add.
    Neon,
    /// AVX2 with FMA, F16C, BMI1/2, LZCNT and POPCNT (x86-64-v3): 8 lanes.
    Avx2,
    /// AVX-512 F, BW, CD, DQ and VL on top of [`Level::Avx2`] (x86-64-v4): 16 lanes.
    Avx512,
    /// AMX with products of `bf16` and of bytes, and AVX-512 BF16, on top of [`Level::Avx512`], whose code everything but products
    /// on all threads runs: tiles do nothing else. A level of its own because tiles are of the operating system to give,
    /// and because whoever asks for AVX-512 wants no other unit.
    Amx,
}

impl Level {
    /// Every level, lowest first, whether or not this CPU has it.
    pub const ALL: [Level; 5] = [Level::Scalar, Level::Neon, Level::Avx2, Level::Avx512, Level::Amx];

    /// The levels of this architecture, each of them on top of those before it.
    #[cfg(target_arch = "x86_64")]
    const HERE: &'static [Level] = &[Level::Scalar, Level::Avx2, Level::Avx512, Level::Amx];
    #[cfg(target_arch = "aarch64")]
    const HERE: &'static [Level] = &[Level::Scalar, Level::Neon];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    const HERE: &'static [Level] = &[Level::Scalar];

    /// The levels of this CPU, lowest first. Never empty.
    pub fn available() -> &'static [Level] {
        static COUNT: OnceLock<usize> = OnceLock::new();
        let count = *COUNT.get_or_init(|| Level::HERE.iter().take_while(|level| level.is_detected()).count());
        &Level::HERE[..count]
    }

    /// Whether this CPU has the level.
    pub fn is_available(self) -> bool {
        Level::available().contains(&self)
    }

    /// The level to use: the highest available, or the lower one that `IGLA_ISA` names.
    ///
    /// # Panics
    /// When `IGLA_ISA` names an unknown level or one this CPU lacks. Programs that prefer an
    /// error message to a panic ask [`Level::from_environment`] first.
    pub fn best() -> Level {
        Level::from_environment().unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`Level::best`], reporting a bad `IGLA_ISA` as an error.
    pub fn from_environment() -> Result<Level, LevelError> {
        let highest = *Level::available().last().unwrap_or(&Level::Scalar);
        match std::env::var(ISA_VARIABLE) {
            Err(std::env::VarError::NotPresent) => Ok(highest),
            Err(std::env::VarError::NotUnicode(text)) => {
                Err(LevelError::Unknown { name: text.to_string_lossy().into_owned() })
            }
            Ok(text) if text.is_empty() => Ok(highest),
            Ok(text) => {
                let level: Level = text.parse()?;
                if level.is_available() { Ok(level) } else { Err(LevelError::Unavailable { level, highest }) }
            }
        }
    }

    /// The level's name: `scalar`, `neon`, `avx2`, `avx512` or `amx`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Scalar => "scalar",
            Level::Neon => "neon",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
            Level::Amx => "amx",
        }
    }

    /// The level that code is compiled for where this one runs.
    pub(crate) fn code(self) -> Level {
        if self == Level::Amx { Level::Avx512 } else { self }
    }

    #[cfg(target_arch = "x86_64")]
    fn is_detected(&self) -> bool {
        match self {
            Level::Scalar => true,
            Level::Neon => false,
            Level::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("f16c")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("bmi2")
                    && is_x86_feature_detected!("lzcnt")
                    && is_x86_feature_detected!("popcnt")
            }
            Level::Avx512 => {
                Level::Avx2.is_detected()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512cd")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            Level::Amx => Level::Avx512.is_detected() && crate::isa::amx::is_available(),
        }
    }

    #[cfg(target_arch = "aarch64")]
    fn is_detected(&self) -> bool {
        match self {
            Level::Scalar => true,
            Level::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            Level::Avx2 | Level::Avx512 | Level::Amx => false,
        }
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn is_detected(&self) -> bool {
        *self == Level::Scalar
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Level {
    type Err = LevelError;

    fn from_str(text: &str) -> Result<Level, LevelError> {
        Level::ALL
            .into_iter()
            .find(|level| level.name() == text)
            .ok_or_else(|| LevelError::Unknown { name: text.to_owned() })
    }
}

/// Why a level cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LevelError {
    /// No level has this name.
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The level exists but not on this CPU.
    Unavailable {
        /// What was asked for.
        level: Level,
        /// The highest level this CPU has.
        highest: Level,
    },
}

impl fmt::Display for LevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LevelError::Unknown { name } => {
                let levels = Level::ALL.map(Level::name).join(", ");
                write!(
                    f,
                    "{ISA_VARIABLE}: no instruction-set level is called \"{name}\"; the levels are {levels}"
                )
            }
            LevelError::Unavailable { level, highest } => {
                write!(
                    f,
                    "{ISA_VARIABLE}: this CPU does not have the level {level}; its highest is {highest}"
                )
            }
        }
    }
}

impl std::error::Error for LevelError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for level in Level::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
    }

    #[test]
    fn unknown_name_is_an_error_that_lists_the_levels() {
        let error = "sse9".parse::<Level>().unwrap_err();
        assert!(
            error.to_string().contains("sse9")
                && error.to_string().contains("scalar, neon, avx2, avx512, amx")
        );
    }

    #[test]
    fn scalar_is_always_available_and_levels_ascend() {
        assert_eq!(Level::available()[0], Level::Scalar);
        assert!(Level::available().is_sorted());
    }

    #[test]
    fn architectures_do_not_have_the_levels_of_others() {
        let (arm, x86) = (cfg!(target_arch = "aarch64"), cfg!(target_arch = "x86_64"));
        assert_eq!(Level::Neon.is_available(), arm);
        assert!(x86 || !Level::Avx2.is_available() && !Level::Avx512.is_available());
        #[cfg(target_arch = "x86_64")]
        assert_eq!(Level::Avx2.is_available(), Level::Avx2.is_detected());
        #[cfg(target_arch = "x86_64")]
        assert_eq!(Level::Avx512.is_available(), Level::Avx512.is_detected());
        for level in Level::ALL {
            assert!(Level::HERE.contains(&level) || !level.is_available(), "{level}");
        }
    }
}

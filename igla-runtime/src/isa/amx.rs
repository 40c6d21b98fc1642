//! Tiles: eight registers of up to 16 rows of 64 bytes, which a unit of their own multiplies.
//!
//! They exist on a thread only between [`Config::load`] and [`release`], and only if the operating system has let the
//! process have them: they are ten kilobytes more to save at a switch of threads and in a signal's frame. Nothing here
//! knows what is multiplied.

use core::arch::asm;
use core::arch::x86_64::{__cpuid_count, _xgetbv};
use std::sync::OnceLock;

/// Rows of a tile.
pub(crate) const ROWS: usize = 16;
/// 32-bit words of a tile's row.
pub(crate) const WORDS: usize = 16;

/// Whether this CPU multiplies tiles of `bf16` and of bytes, rounds to the former, and this process may: asks for that,
/// once.
pub(crate) fn is_available() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| is_detected() && is_permitted())
}

/// Whether the CPU has the instructions, and the operating system saves the registers.
fn is_detected() -> bool {
    /// AMX-BF16, AMX-TILE and AMX-INT8, of leaf 7.
    const FEATURES: u32 = 1 << 22 | 1 << 24 | 1 << 25;
    /// The tiles' configuration and their data.
    const STATES: u64 = 0b11 << 17;

    #[target_feature(enable = "xsave")]
    fn enabled_states() -> u64 {
        // SAFETY: register 0 exists wherever the instruction does.
        unsafe { _xgetbv(0) }
    }

    // Of AVX-512, this one also says that the CPU has so many leaves; `xsave` also says that the system uses it.
    if !is_x86_feature_detected!("avx512bf16") || !is_x86_feature_detected!("xsave") {
        return false;
    }
    // SAFETY: the CPU has the instruction.
    let states = unsafe { enabled_states() };
    __cpuid_count(7, 0).edx & FEATURES == FEATURES && states & STATES == STATES
}

/// Asks Linux for the tiles' data, for all threads of the process. It refuses if some thread's stack for signals is too
/// small for them.
#[cfg(target_os = "linux")]
fn is_permitted() -> bool {
    const ARCH_PRCTL: usize = 158;
    const ARCH_REQ_XCOMP_PERM: usize = 0x1023;
    const XFEATURE_XTILEDATA: usize = 18;
    let result: isize;
    // SAFETY: this call reads and writes no memory of the process; the instruction changes the two registers.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result == 0
}

/// How to ask others is not known here.
#[cfg(not(target_os = "linux"))]
fn is_permitted() -> bool {
    false
}

/// The shapes of the eight tiles.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Config {
    /// No tile at all.
    pub(crate) fn new() -> Self {
        Self { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] }
    }

    /// The same with some tiles of `rows` × `words`. Tiles without rows do not exist, and must not be used.
    pub(crate) fn tiles(mut self, which: core::ops::Range<usize>, rows: usize, words: usize) -> Self {
        assert!(which.end <= 8 && rows <= ROWS && (1..=WORDS).contains(&words));
        if rows > 0 {
            self.row_bytes[which.clone()].fill(4 * words as u16);
            self.rows[which].fill(rows as u8);
        }
        self
    }

    /// Gives the tiles these shapes, and zeros as contents.
    ///
    /// # Safety
    /// The process may use tiles ([`is_available`]). [`release`] comes before this thread runs code that is not about
    /// tiles.
    #[inline(always)]
    pub(crate) unsafe fn load(&self) {
        // SAFETY: the instruction reads 64 bytes of a valid configuration; the rest is the caller's contract.
        unsafe {
            asm!(
                "ldtilecfg [{config}]",
                config = in(reg) self,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, readonly, preserves_flags),
            );
        }
    }
}

/// Makes the tiles empty, so that nobody saves them.
///
/// # Safety
/// As [`Config::load`].
#[inline(always)]
pub(crate) unsafe fn release() {
    // SAFETY: the caller's contract.
    unsafe {
        asm!(
            "tilerelease",
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack, nomem, preserves_flags),
        );
    }
}

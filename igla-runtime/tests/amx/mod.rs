//! AMX where there is none: instructions that the CPU does not have raise SIGILL, whose handler here does what they
//! would have done. So the code that is tested is the code that runs on CPUs which have them.
//!
//! What the handler does not know, or what a CPU would refuse, ends the process.

#![allow(dead_code, reason = "not every test file uses everything")]

pub mod border;
mod decode;
mod machine;

use std::cell::{Cell, UnsafeCell};
use std::ffi::{c_int, c_void};
use std::sync::Once;

use igla_runtime::{Ctx, Level};

use decode::{Operand, Operation, decode};
use machine::Machine;

thread_local! {
    // Constants without destructors: nothing is registered or allocated at the first use, inside of the handler.
    static MACHINE: UnsafeCell<Machine> = const { UnsafeCell::new(Machine::NEW) };
    static PRODUCTS: Cell<usize> = const { Cell::new(0) };
}

/// A context of the AMX level: the CPU's own, or an emulated one. `None`, said on the terminal, on CPUs without
/// AVX-512 BF16, which no handler makes up for.
pub fn ctx(threads: usize) -> Option<Ctx> {
    if Level::Amx.is_available() {
        return Some(Ctx::with(Level::Amx, threads));
    }
    if !Level::Avx512.is_available() || !is_x86_feature_detected!("avx512bf16") {
        say("skipped: products in tiles need AVX-512 BF16 even where AMX is emulated\n");
        return None;
    }
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: all zeros are an action; the handler has the signature that SA_SIGINFO asks for. Not deferred inside
        // of itself: a mistake in it is to end the process, not to hang it.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_illegal as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_NODEFER;
            assert_eq!(libc::sigaction(libc::SIGILL, &action, std::ptr::null_mut()), 0);
        }
    });
    // SAFETY: the CPU has all but the tiles, and what is done with those is emulated.
    Some(unsafe { Ctx::with_unchecked(Level::Amx, threads) })
}

/// Whether tiles are emulated.
pub fn is_emulated() -> bool {
    !Level::Amx.is_available()
}

/// Products of tiles that this thread has emulated.
pub fn products() -> usize {
    PRODUCTS.get()
}

/// Whether this thread has tiles, by the emulator.
pub fn has_tiles() -> bool {
    // SAFETY: no handler runs on this thread meanwhile.
    MACHINE.with(|machine| unsafe { (*machine.get()).is_configured() })
}

/// Writes to the terminal, not to what the test harness keeps to itself.
pub fn say(text: &str) {
    // SAFETY: reads the text.
    unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
}

/// Ends the process: a CPU would have raised an exception.
fn refuse(what: &str) -> ! {
    say("AMX, emulated: ");
    say(what);
    say("\n");
    std::process::abort()
}

/// # Safety
/// Called by the system, with the context of an instruction that the CPU does not know.
unsafe extern "C" fn on_illegal(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the system passes its context, which nobody else uses; the instruction's bytes are readable, as the CPU
    // has read them. The signal is the instruction's own, so this thread was not in the middle of anything else.
    unsafe {
        let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
        let at = registers[libc::REG_RIP as usize] as *const u8;
        let Some((operation, length)) = decode(at) else {
            say("an instruction that neither the CPU nor the emulator knows\n");
            libc::signal(libc::SIGILL, libc::SIG_DFL);
            return;
        };
        MACHINE.with(|machine| {
            let machine = &mut *machine.get();
            let address = |operand: Operand| operand.address(registers, at, length);
            match operation {
                Operation::Configure(memory) => machine.configure(address(memory).0),
                Operation::Release => machine.release(),
                Operation::Zero(tile) => machine.zero(tile),
                Operation::Load(tile, memory) => machine.load(tile, address(memory)),
                Operation::Store(memory, tile) => machine.store(tile, address(memory)),
                Operation::Multiply(words, c, a, b) => {
                    PRODUCTS.set(PRODUCTS.get() + 1);
                    machine.multiply(words, c, a, b);
                }
            }
        });
        registers[libc::REG_RIP as usize] += length as i64;
    }
}

//! Memory for tests that prove that nothing is touched outside of it.

use std::alloc::{GlobalAlloc, Layout, System};

/// Memory aligned like operands ends at a page that faults when touched.
pub struct Bordering;

const PAGE: usize = 4096;

// SAFETY: memory comes from the system's allocator, or is a mapping of its own: readable and writable but for the page
// behind it, which begins where the layout ends (sizes of such layouts are multiples of the alignment).
unsafe impl GlobalAlloc for Bordering {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() != 64 {
            // SAFETY: the same contract.
            return unsafe { System.alloc(layout) };
        }
        let bytes = layout.size().next_multiple_of(PAGE);
        // SAFETY: a new mapping, whose last page is made inaccessible.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let access = libc::PROT_READ | libc::PROT_WRITE;
            let start = libc::mmap(std::ptr::null_mut(), bytes + PAGE, access, flags, -1, 0).cast::<u8>();
            if start.addr() == usize::MAX
                || libc::mprotect(start.add(bytes).cast(), PAGE, libc::PROT_NONE) != 0
            {
                return std::ptr::null_mut();
            }
            start.add((bytes - layout.size()) / 64 * 64)
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if layout.align() != 64 {
            // SAFETY: the same contract.
            return unsafe { System.dealloc(memory, layout) };
        }
        let bytes = layout.size().next_multiple_of(PAGE);
        // SAFETY: where the mapping starts follows from where its end is.
        unsafe { libc::munmap(memory.sub((bytes - layout.size()) / 64 * 64).cast(), bytes + PAGE) };
    }
}

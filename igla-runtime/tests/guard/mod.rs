//! Memory whose neighbours fault when touched, to prove that loads and stores stay inside their slice.

use std::ptr;

/// Bytes of a page.
const PAGE: usize = 4096;

/// A slice of `T` that ends (or starts) exactly at an inaccessible page; the page on the other side, beyond
/// some slack, is inaccessible too.
pub struct Guarded<T> {
    base: *mut libc::c_void,
    pages: usize,
    start: *mut T,
    len: usize,
}

/// Which end of the slice touches the inaccessible page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    Start,
    End,
}

impl<T: Copy> Guarded<T> {
    pub fn new(values: &[T], side: Side) -> Self {
        let bytes = size_of_val(values);
        let inner = bytes.div_ceil(PAGE).max(1);
        let pages = inner + 2;
        // SAFETY: a fresh anonymous mapping, of which the middle is made accessible; results are checked.
        let (base, start) = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let base = libc::mmap(ptr::null_mut(), pages * PAGE, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(base, libc::MAP_FAILED);
            let middle = base.cast::<u8>().add(PAGE);
            assert_eq!(libc::mprotect(middle.cast(), inner * PAGE, libc::PROT_READ | libc::PROT_WRITE), 0);
            let slack = if side == Side::End { inner * PAGE - bytes } else { 0 };
            let start = middle.add(slack).cast::<T>();
            ptr::copy_nonoverlapping(values.as_ptr(), start, values.len());
            (base, start)
        };
        Guarded { base, pages, start, len: values.len() }
    }

    pub fn get(&self) -> &[T] {
        // SAFETY: `len` values were written there; the mapping lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }

    #[allow(dead_code, reason = "not all tests with guards write")]
    pub fn get_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `get`, borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.len) }
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: unmaps exactly what `new` mapped; no borrow outlives `self`.
        unsafe { libc::munmap(self.base, self.pages * PAGE) };
    }
}

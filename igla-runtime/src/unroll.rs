//! Arrays and loops of a constant length, written out.
//!
//! Kernels consist of operations on a few registers and of views of a few axes, at every level. `[value; N]` and
//! `for` are loops to LLVM, `array::from_fn` is a loop and a closure; to see that each runs four times took it more
//! time than everything else it does. Here constant conditions remove the excess before any code is generated.

/// `[value(0), …, value(N - 1)]` for a constant `N` of at most 8.
macro_rules! array_of {
    ($N:ident, |$i:ident| $value:expr) => {{
        const { assert!($N <= 8, "an array written out has at most 8 values") };
        let mut array = std::mem::MaybeUninit::<[_; $N]>::uninit();
        for_each!($N, |$i| {
            let value = $value;
            // SAFETY: the index is below the array's length.
            unsafe { $crate::unroll::put(array.as_mut_ptr(), $i, value) }
        });
        // SAFETY: there are at most 8 values, and each was written.
        unsafe { array.assume_init() }
    }};
}

/// Runs a statement for each index below a constant `N`, of which the first eight are written out.
macro_rules! for_each {
    ($N:ident, |$i:ident| $body:expr) => {
        for_each!(@all $N, $i, $body, 0 1 2 3 4 5 6 7)
    };
    (@all $N:ident, $i:ident, $body:expr, $($n:literal)*) => {
        $(if const { $N > $n } {
            let $i: usize = $n;
            $body;
        })*
        if const { $N > 8 } {
            for $i in 8..$N {
                $body;
            }
        }
    };
}

/// Writes one value of an array.
///
/// # Safety
/// The index must be below `N`, and the array writable.
#[inline(always)]
pub(crate) unsafe fn put<T: Copy, const N: usize>(array: *mut [T; N], i: usize, value: T) {
    // SAFETY: the caller says that the place is in the array.
    unsafe { array.cast::<T>().add(i).write(value) }
}

#[cfg(test)]
mod tests {
    fn squares<const N: usize>() -> [usize; N] {
        array_of!(N, |i| i * i)
    }

    fn visited<const N: usize>() -> Vec<usize> {
        let mut seen = Vec::new();
        for_each!(N, |i| seen.push(i));
        seen
    }

    #[test]
    fn arrays_have_every_value_once() {
        assert_eq!(squares::<0>(), []);
        assert_eq!(squares::<1>(), [0]);
        assert_eq!(squares::<8>(), [0, 1, 4, 9, 16, 25, 36, 49]);
    }

    #[test]
    fn any_number_of_indices_is_visited_in_order() {
        assert_eq!(visited::<0>(), []);
        assert_eq!(visited::<3>(), [0, 1, 2]);
        assert_eq!(visited::<11>(), (0..11).collect::<Vec<_>>());
    }
}

//! What the tests of matrix products share.

#![allow(dead_code, reason = "not every test file uses everything")]

use std::ffi::{c_int, c_void};

use igla_runtime::gemm::{Epilogue, Mat, MatMut, Rhs, gemm, gemm_scratch};
use igla_runtime::isa::{Isa, Kernel, dispatch};
use igla_runtime::{Ctx, Level, Scratch};

/// Numbers in −1..1, some of them zero.
pub fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    (0..len).map(|_| if next() % 16 == 0 { 0.0 } else { (next() >> 8) as f32 / 8_388_608.0 - 1.0 }).collect()
}

/// Sums in f64, with the error that any f32 evaluation may have.
pub struct Sums {
    n: usize,
    values: Vec<(f64, f64)>,
}

/// `Σ_p a(i, p) · b(j, p)`; the bound is γ_k · Σ |a| · |b| with one more step for the reference itself.
pub fn reference(
    m: usize,
    n: usize,
    k: usize,
    a: impl Fn(usize, usize) -> f32,
    b: impl Fn(usize, usize) -> f32,
) -> Sums {
    let steps = (k + 1) as f64 * 2.0_f64.powi(-24);
    let gamma = steps / (1.0 - steps);
    let (a, b): (Vec<f64>, Vec<f64>) = (
        (0..m * k).map(|i| f64::from(a(i / k, i % k))).collect(),
        (0..n * k).map(|i| f64::from(b(i / k, i % k))).collect(),
    );
    let element = |i: usize| {
        let (a, b) = (&a[i / n * k..][..k], &b[i % n * k..][..k]);
        let fold = |(sum, size): (f64, f64), (x, y): (&f64, &f64)| (sum + x * y, size + (x * y).abs());
        let (sum, size) = a.iter().zip(b).fold((0.0, 0.0), fold);
        (sum, gamma * size)
    };
    Sums { n, values: (0..m * n).map(element).collect() }
}

impl Sums {
    /// # Panics
    /// If `found` is not element `(i, j)` within its bound.
    pub fn check(&self, i: usize, j: usize, found: f32, what: impl Fn() -> String) {
        let (sum, bound) = self.values[i * self.n + j];
        assert!(
            (f64::from(found) - sum).abs() <= bound,
            "{} at ({i}, {j}): {found}, not {sum} ± {bound}",
            what()
        );
    }
}

struct Product<'a, 's, E> {
    a: Mat<'a>,
    b: Rhs<'a>,
    c: MatMut<'a>,
    epilogue: &'a E,
    scratch: &'a mut Scratch<'s>,
}

impl<E: Epilogue> Kernel for Product<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        gemm(s, self.a, self.b, self.c, self.epilogue, self.scratch);
    }
}

/// A product on this thread, with exactly the scratch it asks for.
pub fn product<'a, E: Epilogue>(
    level: Level,
    a: Mat<'a>,
    b: impl Into<Rhs<'a>>,
    c: MatMut<'a>,
    epilogue: &'a E,
) {
    let b = b.into();
    let bytes = gemm_scratch(c.rows(), c.cols(), a.cols(), matches!(b, Rhs::Packed(_)));
    let mut ctx = Ctx::with(level, 1);
    let (mut scratch, _) = ctx.frame(bytes);
    dispatch(level, Product { a, b, c, epilogue, scratch: &mut scratch });
}

/// Memory whose end borders on a page that must not be touched.
pub struct Bordered {
    end: *mut f32,
    len: usize,
}

unsafe extern "C" {
    fn mmap(
        at: *mut c_void,
        len: usize,
        access: c_int,
        flags: c_int,
        file: c_int,
        offset: i64,
    ) -> *mut c_void;
    fn mprotect(at: *mut c_void, len: usize, access: c_int) -> c_int;
}

impl Bordered {
    /// Room for `len` floats. Never unmapped: tests end soon.
    pub fn new(len: usize) -> Self {
        const PAGE: usize = 4096;
        let bytes = (len * size_of::<f32>()).next_multiple_of(PAGE);
        // SAFETY: a new private anonymous mapping (flags 0x22), readable and writable (3), whose
        // last page is then made inaccessible.
        unsafe {
            let start = mmap(std::ptr::null_mut(), bytes + PAGE, 3, 0x22, -1, 0);
            assert!(start as isize != -1, "no memory");
            let border = start.byte_add(bytes);
            assert_eq!(mprotect(border, PAGE, 0), 0);
            Self { end: border.cast(), len: bytes / size_of::<f32>() }
        }
    }

    /// A copy of `data` that ends at the border.
    pub fn end(&mut self, data: &[f32]) -> &mut [f32] {
        let copy = self.end_filled(data.len(), 0.0);
        copy.copy_from_slice(data);
        copy
    }

    /// `len` times `value`, ending at the border.
    pub fn end_filled(&mut self, len: usize, value: f32) -> &mut [f32] {
        assert!(len <= self.len);
        // SAFETY: the last `len` floats of the accessible pages, borrowed through `self`.
        let slice = unsafe { std::slice::from_raw_parts_mut(self.end.sub(len), len) };
        slice.fill(value);
        slice
    }
}

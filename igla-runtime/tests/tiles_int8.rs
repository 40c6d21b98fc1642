//! Products of bytes in tiles of AMX, emulated where the CPU has none (see `amx`): the sums of three loops, nothing else
//! read or written, and no tiles left behind. Every allocation of operands, packed or on the way, ends at a page that must
//! not be touched.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod amx;
mod guard;
mod int8_support;

use amx::border::Bordering;
use guard::{Guarded, Side};
use igla_runtime::{Ctx, Level, Mat, MatMut, PackedI8, RhsI8};
use int8_support::{LAYOUTS, Layout, model, noise};

#[global_allocator]
static MEMORY: Bordering = Bordering;

/// Rows one after the other.
fn multiply(ctx: &mut Ctx, a: Mat<'_, i8>, b: RhsI8<'_>, c: &mut [i32]) {
    let (m, n) = (a.rows(), b.n());
    ctx.frame(0).1.gemm_i8(a, b, MatMut::strided(c, &[(m, n)], n).unwrap(), &());
    assert!(!amx::has_tiles(), "tiles are left behind");
}

/// Both sides of all sizes of tiles and words.
const SIZES: [usize; 14] = [1, 2, 3, 4, 15, 16, 17, 31, 33, 63, 64, 65, 100, 130];

#[test]
fn products_are_the_sums_of_three_loops() {
    let before = amx::products();
    for m in [5, 15, 16, 17, 31, 32, 33, 48, 65] {
        for n in SIZES {
            for k in SIZES {
                let (a, b) = (noise(m * k, 3), noise(n * k, 7));
                let wanted = model(m, n, k, &a, &b);
                let Some(mut ctx) = amx::ctx(1) else { return };
                let layout = LAYOUTS[(m + n + k) % LAYOUTS.len()];
                let (a, b) = (layout.place(&a, m, k), layout.place(&b, n, k));
                let (a, b) = (layout.mat(&a, m, k), layout.mat(&b, n, k));
                let packed = PackedI8::new(b);
                for b in [RhsI8::from(b), RhsI8::from(&packed)] {
                    let mut c = vec![-1; m * n];
                    multiply(&mut ctx, a, b, &mut c);
                    assert!(c == wanted, "{m} × {n} × {k}, {layout:?}, {b:?}");
                }
            }
        }
    }
    if amx::is_emulated() {
        let count = amx::products() - before;
        assert!(count > 10_000, "{count}");
    }
}

/// Blocks of rows, columns and K, on any number of threads.
#[test]
fn large_products_are_the_same_on_any_number_of_threads() {
    for [m, n, k] in
        [[300, 31, 33], [17, 600, 65], [40, 300, 1030], [33, 33, 2049], [6, 1, 5000], [170, 517, 1030]]
    {
        let (a, b) = (noise(m * k, 3), noise(n * k, 7));
        let wanted = model(m, n, k, &a, &b);
        let (a, b) = (Layout::Rows.place(&a, m, k), Layout::Rows.place(&b, n, k));
        let (a, b) = (Layout::Rows.mat(&a, m, k), Layout::Rows.mat(&b, n, k));
        let packed = PackedI8::new(b);
        for b in [RhsI8::from(b), RhsI8::from(&packed)] {
            for threads in [1, 2, 3] {
                let Some(mut ctx) = amx::ctx(threads) else { return };
                let mut c = vec![-1; m * n];
                multiply(&mut ctx, a, b, &mut c);
                assert!(c == wanted, "{m} × {n} × {k}, {threads} threads, {b:?}");
            }
        }
    }
}

/// −128 everywhere, and sums that wrap.
#[test]
fn extremes_are_exact_and_sums_wrap() {
    for [x, y] in [[-128_i8, -128], [-128, 127], [127, -128]] {
        for [m, n, k] in [[5, 40, 256], [20, 33, 1001], [17, 3, 140_000]] {
            let (a, b) = (vec![x; m * k], vec![y; n * k]);
            let sum = (i64::from(x) * i64::from(y)).wrapping_mul(k as i64) as i32;
            let mat = |x, rows| Mat::strided(x, &[(rows, k)], &[(k, 1)]).unwrap();
            let Some(mut ctx) = amx::ctx(1) else { return };
            let mut c = vec![1; m * n];
            multiply(&mut ctx, mat(&a, m), mat(&b, n).into(), &mut c);
            assert!(c.iter().all(|c| *c == sum), "{x} · {y}, {m} × {n} × {k}");
        }
    }
}

/// Few rows are AVX-512's, and so are dot products.
#[test]
fn few_rows_are_without_tiles() {
    let before = amx::products();
    for [m, n, k] in [[1, 100, 70], [2, 33, 31], [4, 64, 513], [16, 40, 200]] {
        let (a, b) = (noise(m * k, 3), noise(n * k, 7));
        let mat = |x, rows| Mat::strided(x, &[(rows, k)], &[(k, 1)]).unwrap();
        let Some(mut ctx) = amx::ctx(1) else { return };
        let mut c = vec![1; m * n];
        multiply(&mut ctx, mat(&a, m), mat(&b, n).into(), &mut c);
        assert!(c == model(m, n, k, &a, &b), "{m} × {n} × {k}");
    }
    assert_eq!(amx::products(), before);
}

#[test]
fn nothing_to_add_is_zero_and_nothing_is_nothing() {
    for [m, n, k] in [[20, 3, 0], [40, 100, 0], [0, 3, 5], [20, 0, 5], [0, 0, 0]] {
        let (a, b) = (noise(m * k, 1), noise(n * k, 2));
        let mat = |x, rows| Mat::strided(x, &[(rows, k)], &[(k, 1)]).unwrap();
        let packed = PackedI8::new(mat(&b, n));
        for b in [mat(&b, n).into(), RhsI8::from(&packed)] {
            let Some(mut ctx) = amx::ctx(1) else { return };
            let mut c = vec![9; m * n];
            multiply(&mut ctx, mat(&a, m), b, &mut c);
            assert!(c.iter().all(|c| *c == 0), "{m} × {n} × {k}");
        }
    }
}

/// Operands and C at the borders of what may be touched, at any address.
#[test]
fn nothing_is_touched_outside() {
    for side in [Side::Start, Side::End] {
        for [m, n, k] in [[5, 5, 77], [14, 33, 31], [20, 40, 130], [33, 64, 64], [48, 32, 129]] {
            let (a, b) = (noise(m * k, 8), noise(n * k, 9));
            let wanted = model(m, n, k, &a, &b);
            for layout in LAYOUTS {
                let (a, b) = (layout.place(&a, m, k), layout.place(&b, n, k));
                let (a, b) = (Guarded::new(&a, side), Guarded::new(&b, side));
                let (a, b) = (layout.mat(a.get(), m, k), layout.mat(b.get(), n, k));
                let packed = PackedI8::new(b);
                for b in [RhsI8::from(b), RhsI8::from(&packed)] {
                    let Some(mut ctx) = amx::ctx(1) else { return };
                    let mut c = Guarded::new(&vec![5; m * n], side);
                    multiply(&mut ctx, a, b, c.get_mut());
                    assert!(c.get() == wanted, "{m} × {n} × {k}, {layout:?}, {side:?}, {b:?}");
                }
            }
        }
    }
}

/// Contexts of the level below make the same sums.
#[test]
fn vectors_make_the_same_sums() {
    let [m, n, k] = [50, 70, 200];
    let (a, b) = (noise(m * k, 8), noise(n * k, 9));
    let mat = |x, rows| Mat::strided(x, &[(rows, k)], &[(k, 1)]).unwrap();
    let Some(mut ctx) = amx::ctx(1) else { return };
    let (mut c, mut d) = (vec![0; m * n], vec![1; m * n]);
    multiply(&mut ctx, mat(&a, m), mat(&b, n).into(), &mut c);
    multiply(&mut Ctx::with(Level::Avx512, 1), mat(&a, m), mat(&b, n).into(), &mut d);
    assert_eq!(c, d);
}

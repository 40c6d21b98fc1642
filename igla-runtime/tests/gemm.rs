//! Matrix products against sums in f64, within the bound that holds for any order of summation.

mod gemm_support;

use std::sync::atomic::{AtomicU32, Ordering};

use gemm_support::{Bordered, noise, product, reference};
use igla_runtime::gemm::{Epilogue, Mat, MatMut, PackedB, Rhs, gemm_scratch};
use igla_runtime::isa::Isa;
use igla_runtime::{Ctx, Level, Tensor};

/// Every small shape around the heights and widths of tiles, with operands and result directly
/// before unmapped memory, and all three ways of giving B.
#[test]
fn small_shapes_are_within_the_bound_and_stay_in_bounds() {
    const M: usize = 35;
    const N: usize = 67;
    const KS: [usize; 18] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 47, 64];
    let (mut a_mem, mut b_mem, mut c_mem) =
        (Bordered::new(M * 64), Bordered::new(N * 64), Bordered::new(M * N));
    for k in KS {
        let (a, b) = (noise(M * k, 1), noise(N * k, 2));
        let expected = reference(M, N, k, |i, p| a[i * k + p], |j, p| b[j * k + p]);
        for n in (0..=35).chain([48, 63, 64, 65, N]) {
            let b_rows = b_mem.end(&b[..n * k]).to_vec();
            let b_columns: Vec<f32> = (0..k * n).map(|i| b[i % n * k + i / n]).collect();
            let packed = PackedB::new(Mat::strided(&b_rows, &[(n, k)], &[(k, 1)]).unwrap());
            for way in 0..3 {
                let b = b_mem.end(if way == 1 { &b_columns } else { &b_rows });
                for m in (0..=19).chain([24, 27, 28, 29, M]) {
                    let a = a_mem.end(&a[..m * k]);
                    for &level in Level::available() {
                        let rhs: Rhs<'_> = match way {
                            0 => Mat::strided(b, &[(n, k)], &[(k, 1)]).unwrap().into(),
                            1 => Mat::strided(b, &[(n, 1)], &[(k, n)]).unwrap().into(),
                            _ => (&packed).into(),
                        };
                        let c = c_mem.end_filled(m * n, f32::NAN);
                        let lhs = Mat::strided(a, &[(m, k)], &[(k, 1)]).unwrap();
                        product(level, lhs, rhs, MatMut::strided(c, &[(m, n)], n).unwrap(), &());
                        for (i, &found) in c.iter().enumerate() {
                            expected.check(i / n, i % n, found, || format!("{level} {m}×{n}×{k} way {way}"));
                        }
                    }
                }
            }
        }
    }
}

/// Shapes of several blocks in every direction.
#[test]
fn large_shapes_are_within_the_bound() {
    for (m, n, k) in
        [(270, 70, 530), (40, 1100, 70), (33, 290, 1100), (3, 700, 1030), (600, 5, 17), (16, 530, 520)]
    {
        let (a, b) = (noise(m * k, 3), noise(n * k, 4));
        let expected = reference(m, n, k, |i, p| a[i * k + p], |j, p| b[j * k + p]);
        let lhs = Mat::strided(&a, &[(m, k)], &[(k, 1)]).unwrap();
        let plain = Mat::strided(&b, &[(n, k)], &[(k, 1)]).unwrap();
        let packed = PackedB::new(plain);
        for &level in Level::available() {
            for rhs in [Rhs::from(plain), Rhs::from(&packed)] {
                let mut c = vec![f32::NAN; m * n];
                product(level, lhs, rhs, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &());
                for (i, &found) in c.iter().enumerate() {
                    expected.check(i / n, i % n, found, || format!("{level} {m}×{n}×{k}"));
                }
            }
        }
    }
}

/// The same numbers in any layout give the same bits, as all these products take the same way.
#[test]
fn layouts_do_not_matter() {
    let (m, n, k) = (6 * 7, 5 * 9, 4 * 37);
    let (a, b) = (noise(m * k, 5), noise(n * k, 6));
    // `(outer, inner)` extents of the two directions, and the order in which memory nests them.
    let lay_out = |x: &[f32], rows: (usize, usize), cols: (usize, usize), order: [usize; 4], gap: usize| {
        let extents = [rows.0, rows.1, cols.0, cols.1];
        let mut strides = [0; 4];
        let mut step = 1;
        for axis in order.into_iter().rev() {
            strides[axis] = step;
            step = step * extents[axis] + gap;
        }
        let mut memory = vec![f32::NAN; step * 2];
        for i in 0..rows.0 * rows.1 {
            for p in 0..cols.0 * cols.1 {
                let at = [i / rows.1, i % rows.1, p / cols.1, p % cols.1];
                memory[at.iter().zip(strides).map(|(i, s)| i * s).sum::<usize>()] =
                    x[i * cols.0 * cols.1 + p];
            }
        }
        (memory, extents, strides)
    };
    let lhs = Mat::strided(&a, &[(m, k)], &[(k, 1)]).unwrap();
    let packed = PackedB::new(Mat::strided(&b, &[(n, k)], &[(k, 1)]).unwrap());
    let orders =
        [[0, 1, 2, 3], [1, 0, 2, 3], [2, 3, 0, 1], [0, 2, 1, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]];
    for &level in Level::available() {
        let mut expected = vec![0.0; m * n];
        product(level, lhs, &packed, MatMut::strided(&mut expected, &[(m, n)], n).unwrap(), &());
        for (order_a, order_b) in orders.iter().flat_map(|a| orders.map(|b| (*a, b))) {
            for gap in [0, 3] {
                let (x, e, s) = lay_out(&a, (6, 7), (4, 37), order_a, gap);
                let lhs =
                    Mat::strided(&x, &[(e[0], s[0]), (e[1], s[1])], &[(e[2], s[2]), (e[3], s[3])]).unwrap();
                let (y, e, s) = lay_out(&b, (5, 9), (4, 37), order_b, gap);
                let rhs =
                    Mat::strided(&y, &[(e[0], s[0]), (e[1], s[1])], &[(e[2], s[2]), (e[3], s[3])]).unwrap();
                // Rows of C nest the other way round, with gaps nobody may touch.
                let width = n + gap;
                let mut c = vec![-1.0; m * width];
                let out = MatMut::strided(&mut c, &[(6, width), (7, 6 * width)], n).unwrap();
                product(level, lhs, rhs, out, &());
                for i in 0..m {
                    let row = &c[(i % 7 * 6 + i / 7) * width..][..width];
                    assert_eq!(
                        row[..n],
                        expected[i * n..][..n],
                        "{level} {order_a:?} {order_b:?} {gap} row {i}"
                    );
                    assert!(row[n..].iter().all(|&x| x == -1.0));
                }
                // Few rows, so that B is used where it is, if it can be.
                let mut c = vec![0.0; 7 * n];
                let few = Mat::strided(&a, &[(7, k)], &[(k, 1)]).unwrap();
                product(level, few, rhs, MatMut::strided(&mut c, &[(7, n)], n).unwrap(), &());
                let sums = reference(7, n, k, |i, p| a[i * k + p], |j, p| b[j * k + p]);
                if gap == 0 && order_a == [0, 1, 2, 3] {
                    c.iter()
                        .enumerate()
                        .for_each(|(i, &x)| sums.check(i / n, i % n, x, || format!("{level} {order_b:?}")));
                }
            }
        }
    }
}

/// Views name their axes.
#[test]
fn views_as_matrices() {
    // Attention: scores[h][t, s] = Σ_c q[t, h, c] · k[s, h, c], then y[t, h, c] = Σ_s p[t, s] · v[s, h, c].
    let (t, h, c) = (21, 3, 35);
    let q = Tensor::from_slice(&noise(t * h * c, 7), [t, h, c]).unwrap();
    let v = Tensor::from_slice(&noise(t * h * c, 8), [t, h, c]).unwrap();
    // Merged rows and columns: w[o, (h, c)] against q[t, (h, c)], and its transposed twin.
    let w = noise(5 * h * c, 9);
    let w = Tensor::from_slice(&w, [5, h, c]).unwrap();
    for &level in Level::available() {
        let mut y = Tensor::<f32, 2>::zeros([t, 5]).unwrap();
        product(level, q.view().mat([0], [1, 2]), w.view().mat([0], [1, 2]), y.view_mut().mat_mut([0]), &());
        let sums =
            reference(t, 5, h * c, |i, p| q.as_slice()[i * h * c + p], |j, p| w.as_slice()[j * h * c + p]);
        y.as_slice().iter().enumerate().for_each(|(i, &x)| sums.check(i / 5, i % 5, x, || level.to_string()));

        // Rows are (h, t), whatever the memory says; K is c.
        let u = Tensor::from_slice(&noise(6 * c, 10), [6, c]).unwrap();
        let mut z = Tensor::<f32, 3>::zeros([t, h, 6]).unwrap();
        product(level, q.view().mat([1, 0], [2]), u.view().mat([0], [1]), z.view_mut().mat_mut([1, 0]), &());
        let at = |i: usize| (i % t) * h + i / t;
        let sums = reference(h * t, 6, c, |i, p| q.as_slice()[at(i) * c + p], |j, p| u.as_slice()[j * c + p]);
        for i in 0..h * t {
            (0..6).for_each(|j| sums.check(i, j, z.as_slice()[at(i) * 6 + j], || level.to_string()));
        }

        // B transposed: K is the tokens, N the channels of one head.
        let p = Tensor::from_slice(&noise(t * t, 11), [t, t]).unwrap();
        let head = v.view().narrow(1, 1, 1);
        let mut o = Tensor::<f32, 3>::zeros([t, h, c]).unwrap();
        let mut out = o.view_mut();
        let mut out = out.narrow_mut(1, 1, 1);
        product(level, p.view().mat([0], [1]), head.mat([1, 2], [0]), out.mat_mut([0, 1]), &());
        let sums =
            reference(t, c, t, |i, s| p.as_slice()[i * t + s], |j, s| v.as_slice()[(s * h + 1) * c + j]);
        for (i, &x) in o.as_slice().iter().enumerate() {
            let (row, head, j) = (i / (h * c), i / c % h, i % c);
            if head == 1 { sums.check(row, j, x, || level.to_string()) } else { assert_eq!(x, 0.0) }
        }
    }
}

/// What is not a number stays in its row and column, in padding it does not count.
#[test]
fn special_values_stay_in_their_row_and_column() {
    for (m, n, k) in [(3, 37, 40), (20, 37, 40), (3, 37, 5)] {
        for (bad, poison) in [f32::NAN, f32::INFINITY].into_iter().enumerate() {
            let (mut a, mut b) = (vec![1.0; m * k], vec![1.0; n * k]);
            a[k + 4] = poison;
            b[5 * k + 3] = poison;
            let lhs = Mat::strided(&a, &[(m, k)], &[(k, 1)]).unwrap();
            let plain = Mat::strided(&b, &[(n, k)], &[(k, 1)]).unwrap();
            let packed = PackedB::new(plain);
            for &level in Level::available() {
                for rhs in [Rhs::from(plain), Rhs::from(&packed)] {
                    let mut c = vec![0.0; m * n];
                    product(level, lhs, rhs, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &());
                    for (i, &x) in c.iter().enumerate() {
                        if i / n == 1 || i % n == 5 {
                            assert!(if bad == 0 { x.is_nan() } else { x == poison }, "{level} {i}: {x}");
                        } else {
                            assert_eq!(x, k as f32);
                        }
                    }
                }
            }
        }
    }
    // An infinity times the zero of padding would be NaN; columns of nothing else are.
    let (a, b) = (vec![f32::INFINITY; 20 * 3], vec![1.0; 33 * 3]);
    for &level in Level::available() {
        let mut c = vec![0.0; 20 * 33];
        let (a, b) = (
            Mat::strided(&a, &[(20, 3)], &[(3, 1)]).unwrap(),
            Mat::strided(&b, &[(33, 3)], &[(3, 1)]).unwrap(),
        );
        product(level, a, b, MatMut::strided(&mut c, &[(20, 33)], 33).unwrap(), &());
        assert!(c.iter().all(|&x| x == f32::INFINITY));
    }
}

/// Counts visits and checks that rows, columns and elements belong together.
struct Visits {
    n: usize,
    seen: Vec<AtomicU32>,
    longest: AtomicU32,
}

impl Epilogue for Visits {
    #[inline(always)]
    fn row<S: Isa>(&self, _: S, r: usize, j0: usize, row: &mut [f32]) {
        self.longest.fetch_max(row.len() as u32, Ordering::Relaxed);
        for (j, x) in (j0..).zip(row) {
            self.seen[r * self.n + j].fetch_add(1, Ordering::Relaxed);
            *x = 2.0 * *x + (r * self.n + j) as f32;
        }
    }
}

#[test]
fn epilogues_see_every_finished_element_once() {
    for (m, n, k) in [
        (1, 1, 0),
        (2, 40, 0),
        (20, 40, 0),
        (0, 3, 3),
        (3, 0, 3),
        (3, 700, 40),
        (7, 70, 1050),
        (300, 600, 520),
        (37, 289, 1030),
    ] {
        let small =
            |len: usize, seed: u32| noise(len, seed).iter().map(|x| (x * 4.0).round()).collect::<Vec<_>>();
        let (a, b) = (small(m * k, 12), small(n * k, 13));
        let lhs = Mat::strided(&a, &[(m, k)], &[(k, 1)]).unwrap();
        let plain = Mat::strided(&b, &[(n, k)], &[(k, 1)]).unwrap();
        let packed = PackedB::new(plain);
        for &level in Level::available() {
            for rhs in [Rhs::from(plain), Rhs::from(&packed)] {
                let visits = Visits {
                    n,
                    seen: (0..m * n).map(|_| AtomicU32::new(0)).collect(),
                    longest: AtomicU32::new(0),
                };
                let (mut bare, mut c) = (vec![f32::NAN; m * n], vec![f32::NAN; m * n]);
                product(level, lhs, rhs, MatMut::strided(&mut bare, &[(m, n)], n).unwrap(), &());
                product(level, lhs, rhs, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &visits);
                assert!(visits.seen.iter().all(|x| x.load(Ordering::Relaxed) == 1));
                assert!(m == 0 || visits.longest.into_inner() as usize >= n.min(128));
                // Small integers: exact.
                assert!(bare.iter().zip(&c).enumerate().all(|(i, (x, y))| 2.0 * x + i as f32 == *y));
                assert!(k > 0 || bare.iter().all(|&x| x == 0.0));
            }
        }
    }
}

/// B packed before or not, in whatever layout, for products too high for dot products: same bits.
#[test]
fn packing_ahead_changes_nothing() {
    let (m, n, k) = (45, 601, 1050);
    let (a, b) = (noise(m * k, 14), noise(n * k, 15));
    let columns: Vec<f32> = (0..k * n).map(|i| b[i % n * k + i / n]).collect();
    let plain = Mat::strided(&b, &[(n, k)], &[(k, 1)]).unwrap();
    let transposed = Mat::strided(&columns, &[(n, 1)], &[(k, n)]).unwrap();
    let packed = PackedB::new(plain);
    let copy = packed.clone();
    for &level in Level::available() {
        for rows in [1, 16, 17, m] {
            let lhs = Mat::strided(&a, &[(rows, k)], &[(k, 1)]).unwrap();
            let run = |rhs: Rhs<'_>| {
                let mut c = vec![0.0; rows * n];
                product(level, lhs, rhs, MatMut::strided(&mut c, &[(rows, n)], n).unwrap(), &());
                c
            };
            let expected = run((&packed).into());
            assert_eq!(run((&copy).into()), expected);
            assert_eq!(run(transposed.into()), expected);
            if rows > 16 {
                assert_eq!(run(plain.into()), expected);
            }
        }
    }
}

/// The same bits, and every epilogue row, for any number of threads.
#[test]
fn threads_change_nothing() {
    for (m, n, k) in [
        (1, 3000, 400),
        (3, 2000, 300),
        (8, 2100, 130),
        (16, 1999, 200),
        (130, 390, 384),
        (513, 65, 200),
        (1000, 8, 700),
        (0, 9, 9),
        (40, 40, 0),
    ] {
        let (a, b) = (noise(m * k, 16), noise(n * k, 17));
        let columns: Vec<f32> = (0..k * n).map(|i| b[i % n * k + i / n]).collect();
        let lhs = Mat::strided(&a, &[(m, k)], &[(k, 1)]).unwrap();
        let plain = Mat::strided(&b, &[(n, k)], &[(k, 1)]).unwrap();
        let transposed = Mat::strided(&columns, &[(n, 1)], &[(k, n)]).unwrap();
        let packed = PackedB::new(plain);
        for &level in Level::available() {
            for rhs in [Rhs::from(plain), Rhs::from(transposed), Rhs::from(&packed)] {
                let mut expected = vec![f32::NAN; m * n];
                product(level, lhs, rhs, MatMut::strided(&mut expected, &[(m, n)], n).unwrap(), &());
                for threads in [1, 2, 3, 5] {
                    let mut ctx = Ctx::with(level, threads);
                    let (_, mut par) = ctx.frame(0);
                    let mut c = vec![f32::NAN; m * n];
                    par.gemm(lhs, rhs, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &());
                    assert!(c == expected, "{level} {m}×{n}×{k} on {threads} threads");

                    let visits = Visits {
                        n,
                        seen: (0..m * n).map(|_| AtomicU32::new(0)).collect(),
                        longest: AtomicU32::new(0),
                    };
                    par.gemm(lhs, rhs, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &visits);
                    assert!(visits.seen.iter().all(|x| x.load(Ordering::Relaxed) == 1));
                    assert!(c.iter().zip(&expected).enumerate().all(|(i, (x, y))| *x == 2.0 * y + i as f32));
                }
            }
        }
    }
}

#[test]
fn operands_outside_their_memory_cannot_be_made() {
    let mut x = vec![0.0; 12];
    assert!(Mat::strided(&x, &[(3, 4)], &[(4, 1)]).is_some());
    assert!(Mat::strided(&x, &[(3, 4)], &[(5, 1)]).is_none());
    assert!(Mat::strided(&x, &[(2, 6), (3, 2)], &[(2, 1)]).is_some());
    assert!(Mat::strided(&x, &[(2, 7), (3, 2)], &[(2, 1)]).is_none());
    assert!(Mat::strided(&x, &[(usize::MAX, 0), (2, 0)], &[(1, 1)]).is_none());
    assert!(Mat::strided(&x, &[(3, usize::MAX / 2 + 1)], &[(1, 1)]).is_none());
    assert!(Mat::strided(&x, &[(2, usize::MAX)], &[(2, 1)]).is_none());
    assert!(Mat::strided(&x, &[(1, 0), (1, 0), (1, 0)], &[(1, 1)]).is_none());
    assert!(Mat::<f32>::strided(&[], &[(0, 7)], &[(5, 1)]).is_some());
    assert!(MatMut::strided(&mut x, &[(3, 4)], 4).is_some());
    assert!(MatMut::strided(&mut x, &[(3, 4)], 5).is_none());
    assert!(MatMut::strided(&mut x, &[(2, 0)], 4).is_none());
    assert!(MatMut::strided(&mut x, &[(3, 2), (2, 6)], 2).is_some());
    assert!(MatMut::strided(&mut x, &[(3, 2), (2, 4)], 2).is_none());
    assert!(MatMut::strided(&mut x, &[(3, 2), (2, 7)], 2).is_none());
    assert!(MatMut::strided(&mut x, &[(2, usize::MAX)], 2).is_none());
}

#[test]
#[should_panic(expected = "A is 2 × 3, B is 4 × 3, so C cannot be 2 × 5")]
fn shapes_must_agree() {
    let (a, mut c) = (vec![0.0; 12], vec![0.0; 10]);
    let (lhs, rhs) =
        (Mat::strided(&a, &[(2, 3)], &[(3, 1)]).unwrap(), Mat::strided(&a, &[(4, 3)], &[(3, 1)]).unwrap());
    product(Level::Scalar, lhs, rhs, MatMut::strided(&mut c, &[(2, 5)], 5).unwrap(), &());
}

#[test]
#[should_panic(expected = "overflow")]
fn impossible_scratch_panics() {
    gemm_scratch(4, usize::MAX, usize::MAX / 2, false);
}

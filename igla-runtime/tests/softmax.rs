//! Kernels with transcendental functions, written the way the compiler emits them.
#![forbid(unsafe_code)]

use igla_runtime::prelude::*;

/// `y[t, d] = exp(x[t, d] - max[d](x[t, d])) / sum[d](…)`.
struct Softmax<'a> {
    x: View<'a, f32, 2>,
}

impl Task<1> for Softmax<'_> {
    type Out<'o> = ViewMut<'o, f32, 1>;

    #[inline(always)]
    fn run<S: Isa>(&self, s: S, [t]: [usize; 1], mut y: ViewMut<'_, f32, 1>, _scratch: Scratch<'_>) {
        let d_len = self.x.dim(1);
        let x = self.x.row([t]);
        let y = y.row_mut([]);

        let mut largest = s.splat::<4>(f32::NEG_INFINITY);
        for part in s.parts::<4>(0, d_len) {
            for d in part {
                largest = largest.max_in(d, x.load(d));
            }
        }
        let largest = s.splat::<4>(largest.reduce_max());

        let mut total = s.splat::<4>(0.0);
        for part in s.parts::<4>(0, d_len) {
            for d in part {
                let e = (x.load(d) - largest).exp();
                total = total.add_in(d, e);
                y.store(d, e);
            }
        }
        let total = s.splat::<4>(1.0 / total.reduce_add());

        for part in s.parts::<4>(0, d_len) {
            for d in part {
                let v = y.load(d) * total;
                y.store(d, v);
            }
        }
    }
}

/// `y[i] = 0.5 * x[i] * (1 + erf(x[i] / sqrt(2)))` over tiles, in f16.
struct Gelu<'a> {
    x: View<'a, f16, 1>,
    tile: usize,
}

impl Task<1> for Gelu<'_> {
    type Out<'o> = ViewMut<'o, f16, 1>;

    #[inline(always)]
    fn run<S: Isa>(&self, s: S, [i]: [usize; 1], mut y: ViewMut<'_, f16, 1>, _scratch: Scratch<'_>) {
        let x = self.x.narrow(0, i * self.tile, y.dim(0));
        let (x, y) = (x.row([]), y.row_mut([]));
        for part in s.parts::<2>(0, x.len()) {
            for d in part {
                let v: F32<S, 2> = x.load(d);
                let phi = (v * s.splat(std::f32::consts::FRAC_1_SQRT_2)).erf() + s.splat(1.0);
                y.store(d, v * s.splat(0.5) * phi);
            }
        }
    }
}

#[test]
fn softmax_matches_f64() {
    for (rows, len) in [(1, 1), (3, 63), (7, 129), (64, 1000)] {
        let x: Vec<f32> = (0..rows * len).map(|i| ((i * 37 % 101) as f32 - 50.0) / 5.0).collect();
        for &level in Level::available() {
            for threads in [1, 2] {
                let mut y = Tensor::<f32, 2>::zeros([rows, len]).unwrap();
                let mut ctx = Ctx::with(level, threads);
                let x = View::new(&x, [rows, len]).unwrap();
                ctx.frame(0).1.run([rows], y.view_mut().cut([At(0)]), &Softmax { x });
                for t in 0..rows {
                    let total: f64 = x.row([t]).iter().map(|&v| (v as f64).exp()).sum();
                    for (d, &v) in x.row([t]).iter().enumerate() {
                        let (found, want) = (y.as_slice()[t * len + d] as f64, (v as f64).exp() / total);
                        assert!((found - want).abs() <= 4e-6 * want, "{level} {t} {d}: {found} {want}");
                    }
                }
            }
        }
    }
}

#[test]
fn gelu_over_tiles_matches_f64() {
    for len in [0, 1, 31, 64, 1000] {
        let x: Vec<f16> = (0..len).map(|i| f16::from_f32(i as f32 / 100.0 - 5.0)).collect();
        for &level in Level::available() {
            let tile = 48;
            let mut y = Tensor::<f16, 1>::zeros([len]).unwrap();
            let mut ctx = Ctx::with(level, 2);
            let task = Gelu { x: View::new(&x, [len]).unwrap(), tile };
            ctx.frame(0).1.run([len.div_ceil(tile)], y.view_mut().cut([Tile(0, tile)]), &task);
            for (i, v) in x.iter().enumerate() {
                let v = v.to_f64();
                let want = 0.5 * v * (1.0 + igla_runtime::math64::erf(v / 2_f64.sqrt()));
                let found = y.as_slice()[i].to_f64();
                assert!((found - want).abs() <= 6e-4 * want.abs() + 1e-6, "{level} {i}: {found} {want}");
            }
        }
    }
}

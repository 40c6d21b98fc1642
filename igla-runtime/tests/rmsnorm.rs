//! A kernel written the way the compiler emits them: it must compile without `unsafe` and be right at
//! every level, with one thread and with two.
#![forbid(unsafe_code)]

use igla_runtime::prelude::*;

/// `y[t, d] = x[t, d] * rsqrt(ms[t] + eps) * w[d]`, with `ms[t] = sum[d](x[t, d]^2) / D`.
pub fn rmsnorm(
    ctx: &mut Ctx,
    x: View<f32, 2>,
    w: View<f32, 1>,
    eps: f32,
    y: ViewMut<f32, 2>,
) -> Result<(), ShapeError> {
    let [t_len, d_len] = x.dims();
    if w.dim(0) != d_len {
        return Err(ShapeError::dim("rmsnorm", "w", 0, "D", d_len, w.dim(0)));
    }
    if y.dims() != [t_len, d_len] {
        return Err(ShapeError::dim("rmsnorm", "y", 0, "T", t_len, y.dim(0)));
    }
    let (_scratch, mut par) = ctx.frame(0);
    par.run([t_len], y.cut([At(0)]), &RmsnormTask { x, w, eps });
    Ok(())
}

struct RmsnormTask<'a> {
    x: View<'a, f32, 2>,
    w: View<'a, f32, 1>,
    eps: f32,
}

impl Task<1> for RmsnormTask<'_> {
    type Out<'o> = ViewMut<'o, f32, 1>;

    fn cost(&self) -> usize {
        self.x.dim(1) * 2
    }

    #[inline(always)]
    fn run<S: Isa>(&self, s: S, [t]: [usize; 1], mut y: ViewMut<'_, f32, 1>, _scratch: Scratch<'_>) {
        let d_len = self.x.dim(1);
        let x = self.x.row([t]);
        let w = self.w.row([]);
        let y = y.row_mut([]);

        let mut ms = s.splat::<4>(0.0);
        for part in s.parts::<4>(0, d_len) {
            for d in part {
                let v = x.load(d);
                ms = ms.fma_in(d, v, v);
            }
        }
        let ms = ms.reduce_add() / d_len as f32;

        let scale = s.splat::<4>(1.0 / (ms + self.eps).sqrt());
        for part in s.parts::<4>(0, d_len) {
            for d in part {
                y.store(d, x.load(d) * scale * w.load(d));
            }
        }
    }
}

#[test]
fn matches_f64_at_every_level_and_thread_count() {
    for (rows, len) in [(1, 1), (3, 7), (5, 64), (2, 129), (300, 384), (4, 1000), (0, 5), (3, 0)] {
        let x: Vec<f32> = (0..rows * len).map(|i| ((i * 37 % 101) as f32 - 50.0) / 25.0).collect();
        let w: Vec<f32> = (0..len).map(|i| 1.0 + (i % 5) as f32).collect();
        for &level in Level::available() {
            let mut results = Vec::new();
            for threads in [1, 2] {
                let mut y = Tensor::<f32, 2>::zeros([rows, len]).unwrap();
                let mut ctx = Ctx::with(level, threads);
                let (xv, wv) = (View::new(&x, [rows, len]).unwrap(), View::new(&w, [len]).unwrap());
                rmsnorm(&mut ctx, xv, wv, 1e-6, y.view_mut()).unwrap();
                results.push(y);
            }
            assert_eq!(results[0], results[1], "{level}");
            for t in 0..rows {
                let row = &x[t * len..][..len];
                let ms = row.iter().map(|&v| v as f64 * v as f64).sum::<f64>() / len as f64;
                for d in 0..len {
                    let want = row[d] as f64 / (ms + 1e-6).sqrt() * w[d] as f64;
                    let found = results[0].as_slice()[t * len + d] as f64;
                    assert!(
                        (found - want).abs() <= 1e-5 * want.abs().max(1.0),
                        "{level} {t} {d}: {found} {want}"
                    );
                }
            }
        }
    }
}

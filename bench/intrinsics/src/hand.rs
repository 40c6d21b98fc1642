//! What a careful person writes in AVX-512 intrinsics: rows whose width is a multiple of 16, one thread.

use std::arch::x86_64::*;

/// `exp(x)` for `x` of at most 88: the same polynomial as igla-runtime's, without its promises at the ends.
#[inline]
#[target_feature(enable = "avx512f")]
fn exp(x: __m512) -> __m512 {
    let n = _mm512_roundscale_ps::<8>(_mm512_mul_ps(x, _mm512_set1_ps(std::f32::consts::LOG2_E)));
    let r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693_359_4), x);
    let r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-0.000_212_194_44), r);
    let mut p = _mm512_set1_ps(0.000_198_756_91);
    for c in [0.001_398_199_9, 0.008_333_452, 0.041_665_796, 0.166_666_66, 0.5] {
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c));
    }
    let e = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1.0));
    _mm512_scalef_ps(e, n)
}

/// A row's largest; exponentials and their sum; then each over the sum.
#[target_feature(enable = "avx512f")]
pub fn softmax(x: &[f32], y: &mut [f32], width: usize) {
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let (x, y) = (x.as_chunks::<64>().0, y.as_chunks_mut::<64>().0);
        // SAFETY: every pointer is to sixteen of the 64 numbers of a chunk.
        unsafe {
            let mut most = [_mm512_set1_ps(f32::NEG_INFINITY); 4];
            for x in x {
                for (n, most) in most.iter_mut().enumerate() {
                    *most = _mm512_max_ps(_mm512_loadu_ps(x.as_ptr().add(16 * n)), *most);
                }
            }
            let most = _mm512_reduce_max_ps(_mm512_max_ps(
                _mm512_max_ps(most[0], most[1]),
                _mm512_max_ps(most[2], most[3]),
            ));
            let most = _mm512_set1_ps(most);
            let mut sum = [_mm512_setzero_ps(); 4];
            for (x, y) in x.iter().zip(&mut *y) {
                for (n, sum) in sum.iter_mut().enumerate() {
                    let e = exp(_mm512_sub_ps(_mm512_loadu_ps(x.as_ptr().add(16 * n)), most));
                    _mm512_storeu_ps(y.as_mut_ptr().add(16 * n), e);
                    *sum = _mm512_add_ps(*sum, e);
                }
            }
            let sum = _mm512_reduce_add_ps(_mm512_add_ps(
                _mm512_add_ps(sum[0], sum[1]),
                _mm512_add_ps(sum[2], sum[3]),
            ));
            let sum = _mm512_set1_ps(sum);
            for y in y {
                for n in 0..4 {
                    let p = y.as_mut_ptr().add(16 * n);
                    _mm512_storeu_ps(p, _mm512_div_ps(_mm512_loadu_ps(p), sum));
                }
            }
        }
    }
}

/// Mean of squares; then `x · rsqrt(mean + eps) · w`.
#[target_feature(enable = "avx512f")]
pub fn rmsnorm(x: &[f32], w: &[f32], eps: f32, y: &mut [f32], width: usize) {
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let (x, y) = (x.as_chunks::<64>().0, y.as_chunks_mut::<64>().0);
        // SAFETY: every pointer is to sixteen of the 64 numbers of a chunk.
        unsafe {
            let mut sum = [_mm512_setzero_ps(); 4];
            for x in x {
                for (n, sum) in sum.iter_mut().enumerate() {
                    let x = _mm512_loadu_ps(x.as_ptr().add(16 * n));
                    *sum = _mm512_fmadd_ps(x, x, *sum);
                }
            }
            let sum = _mm512_reduce_add_ps(_mm512_add_ps(
                _mm512_add_ps(sum[0], sum[1]),
                _mm512_add_ps(sum[2], sum[3]),
            ));
            let scale = _mm512_set1_ps(1.0 / (sum / width as f32 + eps).sqrt());
            for ((x, w), y) in x.iter().zip(w.as_chunks::<64>().0).zip(y) {
                for n in 0..4 {
                    let x = _mm512_mul_ps(_mm512_loadu_ps(x.as_ptr().add(16 * n)), scale);
                    let w = _mm512_loadu_ps(w.as_ptr().add(16 * n));
                    _mm512_storeu_ps(y.as_mut_ptr().add(16 * n), _mm512_mul_ps(x, w));
                }
            }
        }
    }
}

/// `y[i] = silu(g[i]) · u[i]`, into `u`.
#[target_feature(enable = "avx512f")]
pub fn silu_times(g: &[f32], u: &mut [f32]) {
    for (g, u) in g.as_chunks::<16>().0.iter().zip(u.as_chunks_mut::<16>().0) {
        // SAFETY: sixteen numbers each.
        unsafe {
            let (x, up) = (_mm512_loadu_ps(g.as_ptr()), _mm512_loadu_ps(u.as_ptr()));
            let e = exp(_mm512_sub_ps(_mm512_setzero_ps(), x));
            let silu = _mm512_div_ps(x, _mm512_add_ps(e, _mm512_set1_ps(1.0)));
            _mm512_storeu_ps(u.as_mut_ptr(), _mm512_mul_ps(silu, up));
        }
    }
}

/// Pairs half a head apart, turned by the angles of the row.
#[target_feature(enable = "avx512f")]
pub fn rope_halves(x: &[f32], y: &mut [f32], heads: usize, half: usize, cos: &[f32], sin: &[f32]) {
    for (t, (x, y)) in
        x.chunks_exact(heads * 2 * half).zip(y.chunks_exact_mut(heads * 2 * half)).enumerate()
    {
        let (cos, sin) = (&cos[t * half..][..half], &sin[t * half..][..half]);
        for (x, y) in x.chunks_exact(2 * half).zip(y.chunks_exact_mut(2 * half)) {
            for j in (0..half).step_by(16) {
                // SAFETY: `j + 16` is at most `half`, which is a multiple of 16.
                unsafe {
                    let (a, b) = (_mm512_loadu_ps(x.as_ptr().add(j)), _mm512_loadu_ps(x.as_ptr().add(half + j)));
                    let (c, s) =
                        (_mm512_loadu_ps(cos.as_ptr().add(j)), _mm512_loadu_ps(sin.as_ptr().add(j)));
                    let low = _mm512_fnmadd_ps(b, s, _mm512_mul_ps(a, c));
                    let high = _mm512_fmadd_ps(a, s, _mm512_mul_ps(b, c));
                    _mm512_storeu_ps(y.as_mut_ptr().add(j), low);
                    _mm512_storeu_ps(y.as_mut_ptr().add(half + j), high);
                }
            }
        }
    }
}

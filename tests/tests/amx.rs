//! A layer of BERT with `bf16` weights on the level of AMX, emulated where the CPU has none: its products reach the
//! tiles, and come close to AVX-512's, which adds up the same numbers in another order.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "../../igla-runtime/tests/amx/mod.rs"]
mod amx;

use generated::models::bert::BertLayerBf16;
use igla_runtime::{Ctx, Level, LoadError, View, ViewMut, weights};

/// Numbers in −1..1 that depend on the name.
fn noise(name: &str, count: usize) -> Vec<f32> {
    let mut state = name.bytes().fold(1_u32, |state, byte| state.wrapping_mul(31).wrapping_add(byte.into()));
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

struct Weights;

impl weights::Source for Weights {
    fn f32_tensor(&self, name: &str, dims: &[usize]) -> Result<Vec<f32>, LoadError> {
        let scale = 1.0 / (dims[dims.len() - 1] as f32).sqrt();
        Ok(noise(name, dims.iter().product()).into_iter().map(|x| x * scale).collect())
    }
}

#[test]
fn products_of_generated_code_are_in_tiles() {
    let [batch, tokens, size, heads, inner] = [2, 9, 48, 3, 100];
    let layer = BertLayerBf16::load(&Weights, "", size, heads, size / heads, inner).unwrap();
    let (x, mask) = (noise("x", batch * tokens * size), vec![1.0; batch * tokens]);
    let run = |ctx: &mut Ctx| {
        let mut y = vec![f32::NAN; x.len()];
        let dims = [batch, tokens, size];
        let (x, mask) = (View::new(&x, dims).unwrap(), View::new(&mask, [batch, tokens]).unwrap());
        layer.forward(ctx, x, mask, 1e-5, ViewMut::new(&mut y, dims).unwrap()).unwrap();
        y
    };
    let Some(mut tiles) = amx::ctx(1) else { return };
    let before = amx::products();
    let found = run(&mut tiles);
    assert!(!amx::has_tiles());
    // Tiles of 18 rows, of pairs of columns' tiles, of steps of K: queries, keys, values, their mixture; up and down.
    let products = [[48, 48], [48, 48], [48, 48], [48, 48], [100, 48], [48, 100_usize]];
    let wanted = products.map(|[n, k]| 2 * 2 * n.div_ceil(32) * k.div_ceil(32)).iter().sum::<usize>();
    assert!(!amx::is_emulated() || amx::products() - before == wanted, "{}", amx::products() - before);
    let lower = run(&mut Ctx::with(Level::Avx512, 1));
    assert_ne!(found, lower, "sums in the same order");
    for (found, lower) in found.iter().zip(&lower) {
        assert!((found - lower).abs() < 2e-3, "{found} is not {lower}");
    }
}

//! Lane operations against plain Rust, at every level, on notable values.

use igla_runtime::isa::dispatch;
use igla_runtime::prelude::*;

const U: usize = 3;

/// A lane operation on floats and what it should give.
trait Operation {
    fn lanes<S: Isa>(s: S, a: F32<S, U>, b: F32<S, U>, c: F32<S, U>) -> F32<S, U>;
    /// The expected value and, where a level may fuse, the other one allowed.
    fn plain(a: f32, b: f32, c: f32) -> (f32, f32);
}

struct Apply<'a, O> {
    a: &'a [f32],
    b: &'a [f32],
    c: &'a [f32],
    out: &'a mut [f32],
    operation: std::marker::PhantomData<O>,
}

impl<O: Operation> Kernel for Apply<'_, O> {
    type Output = ();
    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        for part in s.parts::<U>(0, self.a.len()) {
            for d in part {
                self.out.store(d, O::lanes(s, self.a.load(d), self.b.load(d), self.c.load(d)));
            }
        }
    }
}

fn notable() -> Vec<f32> {
    let mut values = vec![
        0.0,
        0.5,
        1.0,
        1.5,
        2.0,
        2.5,
        3.0,
        0.499_999_97,
        1e-45,
        1e-38,
        1e10,
        8_388_607.5,
        8_388_608.0,
        4_194_304.5,
        16_777_216.0,
        2_147_483_600.0,
        2_147_483_648.0,
        3e38,
        f32::MAX,
        f32::INFINITY,
        f32::MIN_POSITIVE,
        0.3,
        7.7,
    ];
    values.extend(values.clone().iter().map(|v| -v));
    values.push(f32::NAN);
    values
}

fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

fn check<O: Operation>(name: &str) {
    let values = notable();
    let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
    for (i, &x) in values.iter().enumerate() {
        for (j, &y) in values.iter().enumerate() {
            a.push(x);
            b.push(y);
            c.push(values[(i * 5 + j * 3) % values.len()]);
        }
    }
    let mut out = vec![0.0; a.len()];
    for &level in Level::available() {
        dispatch(
            level,
            Apply::<O> { a: &a, b: &b, c: &c, out: &mut out, operation: std::marker::PhantomData },
        );
        for i in 0..a.len() {
            let (want, other) = O::plain(a[i], b[i], c[i]);
            let found = out[i];
            assert!(
                same(found, want) || same(found, other),
                "{name} {level}: ({:e}, {:e}, {:e}) gives {found:e}, not {want:e}",
                a[i],
                b[i],
                c[i]
            );
        }
    }
}

macro_rules! operations {
    ($($test:ident: |$s:ident, $a:ident, $b:ident, $c:ident| $lanes:expr => $plain:expr $(, or $other:expr)?;)*) => {$(
        #[test]
        fn $test() {
            struct This;
            impl Operation for This {
                #[inline(always)]
                fn lanes<S: Isa>($s: S, $a: F32<S, U>, $b: F32<S, U>, $c: F32<S, U>) -> F32<S, U> {
                    let _ = ($s, $a, $b, $c);
                    $lanes
                }
                fn plain($a: f32, $b: f32, $c: f32) -> (f32, f32) {
                    let _ = ($a, $b, $c);
                    let want: f32 = $plain;
                    $(return (want, $other);)?
                    #[allow(unreachable_code)]
                    (want, want)
                }
            }
            check::<This>(stringify!($test));
        }
    )*};
}

/// 1 for true.
fn truth(a: bool) -> f32 {
    a as i32 as f32
}

/// As `truth`, in lanes.
#[inline(always)]
fn lanes_truth<S: Isa>(s: S, m: Mask<S, U>) -> F32<S, U> {
    m.select(s.splat(1.0), s.splat(0.0))
}

operations! {
    addition: |s, a, b, c| a + b => a + b;
    subtraction: |s, a, b, c| a - b => a - b;
    multiplication: |s, a, b, c| a * b => a * b;
    division: |s, a, b, c| a / b => a / b;
    negation: |s, a, b, c| -a => -a;
    fused: |s, a, b, c| a.mul_add(b, c) => a.mul_add(b, c), or a * b + c;
    fused_negated: |s, a, b, c| a.neg_mul_add(b, c) => (-a).mul_add(b, c), or c - a * b;
    absolute: |s, a, b, c| a.abs() => a.abs();
    root: |s, a, b, c| a.sqrt() => a.sqrt();
    floor: |s, a, b, c| a.floor() => a.floor();
    ceil: |s, a, b, c| a.ceil() => a.ceil();
    round: |s, a, b, c| a.round() => a.round_ties_even();
    trunc: |s, a, b, c| a.trunc() => a.trunc();
    copysign: |s, a, b, c| a.copysign(b) => a.copysign(b);
    maximum: |s, a, b, c| a.max(b) => if a == b { a } else { a.max(b) }, or if a == b { b } else { a.max(b) };
    minimum: |s, a, b, c| a.min(b) => if a == b { a } else { a.min(b) }, or if a == b { b } else { a.min(b) };
    to_integer: |s, a, b, c| a.to_i32().to_f32() => (a as i32) as f32;
    less: |s, a, b, c| lanes_truth(s, a.lt(b)) => truth(a < b);
    less_or_equal: |s, a, b, c| lanes_truth(s, a.le(b)) => truth(a <= b);
    greater: |s, a, b, c| lanes_truth(s, a.gt(b)) => truth(a > b);
    greater_or_equal: |s, a, b, c| lanes_truth(s, a.ge(b)) => truth(a >= b);
    equal: |s, a, b, c| lanes_truth(s, a.eq(b)) => truth(a == b);
    not_equal: |s, a, b, c| lanes_truth(s, a.ne(b)) => truth(a != b);
    logic: |s, a, b, c| lanes_truth(s, (a.lt(b) | b.lt(c)) & !a.eq(c)) => truth((a < b || b < c) && a != c);
    mask_select: |s, a, b, c| lanes_truth(s, a.lt(b).select_mask(b.lt(c), c.lt(a)))
        => truth(if a < b { b < c } else { c < a });
}

#[test]
fn clamp_keeps_nan() {
    struct This;
    impl Operation for This {
        #[inline(always)]
        fn lanes<S: Isa>(s: S, a: F32<S, U>, _b: F32<S, U>, _c: F32<S, U>) -> F32<S, U> {
            a.clamp(s.splat(0.0), s.splat(1.0))
        }
        fn plain(a: f32, _b: f32, _c: f32) -> (f32, f32) {
            // Either zero for −0.
            (a.clamp(0.0, 1.0), if a == 0.0 { 0.0 } else { a.clamp(0.0, 1.0) })
        }
    }
    check::<This>("clamp");
}

/// Integer operations, folded into one number per element.
struct Integers<'a> {
    a: &'a [i32],
    b: &'a [i32],
    out: &'a mut [Vec<i32>],
}

impl Kernel for Integers<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        let (one, zero) = (s.splat_i32::<2>(1), s.splat_i32::<2>(0));
        for part in s.parts::<2>(0, self.a.len()) {
            for d in part {
                let (a, b): (I32<S, 2>, I32<S, 2>) = (self.a.load(d), self.b.load(d));
                let results = [
                    a + b,
                    a - b,
                    a * b,
                    -a,
                    a.max(b),
                    a.min(b),
                    a.abs(),
                    a.clamp(one, one + one),
                    a & b,
                    a | b,
                    a ^ b,
                    a.shl::<5>(),
                    a.sar::<5>(),
                    a.lt(b).select_i32(one, zero),
                    a.le(b).select_i32(one, zero),
                    a.gt(b).select_i32(one, zero),
                    a.ge(b).select_i32(one, zero),
                    a.eq(b).select_i32(one, zero),
                    a.ne(b).select_i32(one, zero),
                    a.to_f32().to_bits(),
                    d.iota(),
                ];
                for (result, out) in results.into_iter().zip(&mut *self.out) {
                    out.store(d, result);
                }
            }
        }
    }
}

#[test]
fn integer_operations_match() {
    let values =
        [0, 1, -1, 2, 7, -8, 1000, 65_535, 65_536, 16_777_217, i32::MAX, i32::MIN, i32::MIN + 1, 123_456_789];
    let a: Vec<i32> = values.iter().flat_map(|&x| [x; 14]).collect();
    let b: Vec<i32> = a.iter().enumerate().map(|(i, _)| values[i % 14]).collect();
    for &level in Level::available() {
        let mut out = vec![vec![0; a.len()]; 21];
        dispatch(level, Integers { a: &a, b: &b, out: &mut out });
        for i in 0..a.len() {
            let (x, y) = (a[i], b[i]);
            let want = [
                x.wrapping_add(y),
                x.wrapping_sub(y),
                x.wrapping_mul(y),
                x.wrapping_neg(),
                x.max(y),
                x.min(y),
                x.wrapping_abs(),
                x.clamp(1, 2),
                x & y,
                x | y,
                x ^ y,
                x << 5,
                x >> 5,
                (x < y) as i32,
                (x <= y) as i32,
                (x > y) as i32,
                (x >= y) as i32,
                (x == y) as i32,
                (x != y) as i32,
                (x as f32).to_bits() as i32,
                i as i32,
            ];
            let found: Vec<i32> = out.iter().map(|column| column[i]).collect();
            assert_eq!(found, want, "{level} ({x}, {y})");
        }
    }
}

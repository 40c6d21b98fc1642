//! The driver's side of a conversation: requests in, values out. Everything travels as `f64`.

use igla_runtime::prelude::*;

/// An element that travels as `f64`.
pub trait Number: Element + PartialEq {
    /// What memory that no kernel may touch holds, and outputs before a call.
    const POISON: f64;
    fn from_f64(v: f64) -> Self;
    fn to_f64(self) -> f64;
}

macro_rules! number {
    ($($t:ty: $poison:literal, |$v:ident| $from:expr, |$x:ident| $to:expr;)*) => { $(
        impl Number for $t {
            const POISON: f64 = $poison;
            fn from_f64($v: f64) -> Self { $from }
            fn to_f64(self) -> f64 { let $x = self; $to }
        }
    )* };
}
number! {
    f64: 77056.0, |v| v, |x| x;
    f32: 77056.0, |v| v as f32, |x| f64::from(x);
    f16: 48192.0, |v| f16::from_f64(v), |x| x.to_f64();
    bf16: 77312.0, |v| bf16::from_f64(v), |x| x.to_f64();
    i32: 1234567.0, |v| v as i32, |x| f64::from(x);
    i8: 85.0, |v| v as i8, |x| f64::from(x);
    u8: 170.0, |v| v as u8, |x| f64::from(x);
    u32: 4000000001.0, |v| v as u32, |x| f64::from(x);
    bool: 1.0, |v| v != 0.0, |x| f64::from(u8::from(x));
}

/// Elements with poison before, between and behind.
pub struct Array<T, const R: usize> {
    data: Vec<T>,
    offset: usize,
    dims: [usize; R],
    strides: [usize; R],
}

impl<T: Number, const R: usize> Array<T, R> {
    /// `layout`: 1 starts off alignment, 2 leaves gaps between rows.
    fn new(dims: [usize; R], layout: u8) -> Self {
        let mut strides = [1; R];
        let mut step = 1;
        for axis in (0..R).rev() {
            strides[axis] = step;
            let gap = if layout & 2 != 0 { 1 + 2 * axis } else { 0 };
            step = step * dims[axis].max(1) + gap;
        }
        let offset = if layout & 1 != 0 { 3 } else { 0 };
        let data = vec![T::from_f64(T::POISON); offset + step + 2];
        Array { data, offset, dims, strides }
    }

    fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// Where element number `n` in row-major order is.
    fn place(&self, mut n: usize) -> usize {
        let mut place = self.offset;
        for axis in (0..R).rev() {
            place += n % self.dims[axis] * self.strides[axis];
            n /= self.dims[axis];
        }
        place
    }

    pub fn view(&self) -> View<'_, T, R> {
        let end = self.data.len() - 2;
        View::strided(&self.data[self.offset..end], self.dims, self.strides).expect("an array's own view")
    }

    pub fn view_mut(&mut self) -> ViewMut<'_, T, R> {
        let end = self.data.len() - 2;
        let data = &mut self.data[self.offset..end];
        ViewMut::strided(data, self.dims, self.strides).expect("an array's own view")
    }
}

/// One call: arguments are read in the order of the kernel's parameters, outputs written back.
pub struct Call<'a> {
    bytes: &'a [u8],
    layout: u8,
    answer: Vec<u8>,
}

impl<'a> Call<'a> {
    pub fn new(bytes: &'a [u8], layout: u8) -> Self {
        Call { bytes, layout, answer: Vec::new() }
    }

    fn word(&mut self) -> u64 {
        let (word, rest) = self.bytes.split_first_chunk().expect("a whole request");
        self.bytes = rest;
        u64::from_le_bytes(*word)
    }

    fn dims<const R: usize>(&mut self) -> [usize; R] {
        std::array::from_fn(|_| self.word() as usize)
    }

    pub fn number(&mut self) -> f64 {
        f64::from_bits(self.word())
    }

    pub fn array<T: Number, const R: usize>(&mut self) -> Array<T, R> {
        let dims = self.dims();
        let mut array = Array::new(dims, self.layout);
        for n in 0..array.len() {
            let place = array.place(n);
            array.data[place] = T::from_f64(self.number());
        }
        array
    }

    pub fn output<T: Number, const R: usize>(&mut self) -> Array<T, R> {
        Array::new(self.dims(), self.layout)
    }

    /// Sends an output back, after checking that nothing around it was written.
    pub fn put<T: Number, const R: usize>(&mut self, array: &Array<T, R>) {
        let mut around = vec![true; array.data.len()];
        for n in 0..array.len() {
            let place = array.place(n);
            around[place] = false;
            self.answer.extend(array.data[place].to_f64().to_bits().to_le_bytes());
        }
        let poison = T::from_f64(T::POISON);
        let clean = array.data.iter().zip(&around).all(|(v, around)| !around || *v == poison);
        assert!(clean, "wrote outside the output");
    }
}

/// Runs requests from one file and appends answers to another, one at a time, so that a crash
/// is known by the first missing answer.
pub fn main(kernels: &[fn(&mut Ctx, &mut Call<'_>) -> Result<(), ShapeError>]) {
    use std::io::Write;
    let files: Vec<String> = std::env::args().collect();
    let bytes = std::fs::read(&files[1]).expect("a readable request file");
    let mut answers = std::fs::File::create(&files[2]).expect("a writable answer file");
    let mut contexts: Vec<Ctx> = Vec::new();
    std::panic::set_hook(Box::new(|_| {}));
    let mut rest = bytes.as_slice();
    while let Some((head, after)) = rest.split_at_checked(16) {
        let size = u64::from_le_bytes(head[8..16].try_into().expect("8 bytes")) as usize;
        let kernel = u32::from_le_bytes(head[0..4].try_into().expect("4 bytes")) as usize;
        let (body, after) = after.split_at(size);
        rest = after;
        let level = Level::available()[head[4] as usize];
        let threads = head[5] as usize;
        let found = contexts.iter().position(|c| c.level() == level && c.threads() == threads);
        let at = found.unwrap_or_else(|| {
            contexts.push(Ctx::with(level, threads));
            contexts.len() - 1
        });
        let mut call = Call::new(body, head[6]);
        let ctx = &mut contexts[at];
        let run = std::panic::AssertUnwindSafe(|| kernels[kernel](ctx, &mut call));
        let (status, text) = match std::panic::catch_unwind(run) {
            Ok(Ok(())) => (0u8, std::mem::take(&mut call.answer)),
            Ok(Err(e)) => (1, e.to_string().into_bytes()),
            Err(p) => {
                let text = p.downcast_ref::<String>().cloned();
                let text = text.or_else(|| p.downcast_ref::<&str>().map(|s| (*s).to_owned()));
                // A context is not reused after a panic.
                contexts.remove(at);
                (2, text.unwrap_or_default().into_bytes())
            }
        };
        let mut answer = vec![status];
        answer.extend((text.len() as u64).to_le_bytes());
        answer.extend(text);
        answers.write_all(&answer).expect("a writable answer file");
    }
}

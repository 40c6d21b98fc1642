//! What the tests of products of bytes share.

#![allow(dead_code, reason = "not every test file uses everything")]

use igla_runtime::Mat;

/// All bytes, −128 among them.
pub fn noise(len: usize, seed: u32) -> Vec<i8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    (0..len).map(|_| if next() % 8 == 0 { i8::MIN } else { (next() >> 24) as i8 }).collect()
}

/// The three loops.
pub fn model(m: usize, n: usize, k: usize, a: &[i8], b: &[i8]) -> Vec<i32> {
    let mut c = vec![0_i32; m * n];
    for i in 0..m {
        for j in 0..n {
            for p in 0..k {
                let product = i32::from(a[i * k + p]) * i32::from(b[j * k + p]);
                c[i * n + j] = c[i * n + j].wrapping_add(product);
            }
        }
    }
    c
}

/// `rows` × `cols`, row by row, as it lies in memory: with its rows or its columns adjacent, or apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layout {
    Rows,
    Columns,
    Apart,
}

pub const LAYOUTS: [Layout; 3] = [Layout::Rows, Layout::Columns, Layout::Apart];

impl Layout {
    pub fn strides(self, rows: usize, cols: usize) -> [usize; 2] {
        match self {
            Layout::Rows => [cols + 3, 1],
            Layout::Columns => [1, rows + 1],
            Layout::Apart => [2 * cols, 2],
        }
    }

    /// Memory that ends with the last element.
    pub fn place(self, x: &[i8], rows: usize, cols: usize) -> Vec<i8> {
        if rows * cols == 0 {
            return Vec::new();
        }
        let [r, c] = self.strides(rows, cols);
        let mut out = vec![77; (rows - 1) * r + (cols - 1) * c + 1];
        for i in 0..rows {
            for j in 0..cols {
                out[i * r + j * c] = x[i * cols + j];
            }
        }
        out
    }

    pub fn mat(self, x: &[i8], rows: usize, cols: usize) -> Mat<'_, i8> {
        let [r, c] = self.strides(rows, cols);
        Mat::strided(x, &[(rows, r)], &[(cols, c)]).unwrap()
    }
}

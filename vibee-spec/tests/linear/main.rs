//! Parsing is linear: counted, not timed.
//!
//! pest counts rule calls against a limit that is global to the process, and allocations are
//! counted by a global allocator, so these tests have a process and a single test of their own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use vibee_spec::diag::Diags;
use vibee_spec::parse::parse;
use vibee_spec::span::Source;

/// Bytes asked for since the start.
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call goes to the system allocator unchanged; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATED.fetch_add(size, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Rule calls that one byte of a statement may cost. Dense calls and sums cost up to 40 a byte.
const CALLS_PER_BYTE: usize = 60;

fn diags(text: &str) -> Diags {
    let mut diags = Diags::default();
    let _ = parse(&Source { path: "demo.vibee".to_owned(), text: text.to_owned() }, &mut diags);
    diags
}

fn kernel(body: &str) -> String {
    format!("language: rust\nkernels:\n  k(x: f32[T]) -> y: f32[T]:\n    y[t] = {body}\n")
}

/// Statements of `n` parts of every shape that could make a parser go back, nested and flat.
fn statements(n: usize) -> Vec<String> {
    let depth = n.min(100);
    let nest = |open: &str, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    vec![
        kernel(&format!("f({})", "a, ".repeat(n))),
        kernel(&format!("f({})", "name: a[i], ".repeat(n))),
        kernel(&format!("f({})", "a + b * -c ^ 2 and not d < 1, ".repeat(n))),
        kernel(&format!("x[{}a]", "i, ".repeat(n))),
        kernel(&nest("(", "a", ")")),
        kernel(&nest("(a + ", "a", ") * b")),
        kernel(&nest("f(x: ", "a", ")")),
        kernel(&nest("sum[i in N if ", "a", "](b)")),
        kernel(&nest("x[", "a", "; 0]")),
        kernel(&nest("if a then b else ", "a", "")),
        kernel(&nest("if ", "a", " then b else c")),
        kernel(&nest("idx<V>(", "a", ")")),
        kernel(&nest("idx<", "a", ">(b)")),
        // Refused at the very end.
        kernel(&nest("(", "a b", ")")),
        kernel(&nest("f(a, x: ", "a b", ")")),
        kernel(&nest("sum[i if ", "a b", "](b)")),
        kernel(&format!("f({} b)", "a, ".repeat(n))),
        format!(
            "language: rust\ntest_cases:\n  - call: f(x: [{}])\n    expect: error\n",
            "[1, -inf], ".repeat(n)
        ),
    ]
}

/// Files of `n` lines of every shape the scanner could read twice.
fn files(n: usize) -> Vec<String> {
    let lines = |head: &str, line: &dyn Fn(usize) -> String| -> String {
        format!("language: rust\n{head}{}", (0..n).map(line).collect::<String>())
    };
    vec![
        lines("a:\n", &|k| format!("  k{k}: v\n")),
        lines("a:\n", &|k| format!("  - k{k}: v\n    l: [1, {{a: b}}]\n")),
        lines("", &|k| format!("k{k}: |\n  text\n")),
        lines("", &|k| format!("k{k}: \"open\n")),
        lines("", &|k| format!("k{k}: [open,\n")),
        lines("", &|k| format!("k{k}: \"\"\"\n")),
        lines("a: {", &|_| "b<".to_owned()),
        lines("a: [", &|_| "f(x, ".to_owned()),
        lines("a: x\n", &|_| "  more text\n".to_owned()),
        lines("kernels:\n", &|k| format!("  k{k}(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t]\n")),
        lines("kernels:\n", &|k| format!("  k{k}(x: f32[T] -> y: f32[T]:\n    y[t] = x[t]\n")),
        lines("kernels:\n", &|k| format!("  # above\n  # {k}\n\n")),
        lines("types:\n", &|k| format!("  T{k}: {{ fields: {{ a: Map<K, V>, b: [4]u8 }} }}\n")),
        lines("behaviors:\n", &|k| format!("  - name: b{k}\n    given: a\n    When: b\n    then: c\n")),
    ]
}

#[test]
fn work_grows_with_the_length() {
    for text in statements(2_000) {
        let limit = CALLS_PER_BYTE * text.len();
        pest::set_call_limit(NonZeroUsize::new(limit));
        let found = diags(&text);
        // A parse that hits the limit is refused with a message of its own.
        pest::set_call_limit(None);
        let free = diags(&text);
        let messages = |d: &Diags| d.list.iter().map(|d| d.message.clone()).collect::<Vec<_>>();
        assert_eq!(messages(&found), messages(&free), "more than {limit} calls for {}…", &text[..90]);
    }
    let cost = |text: &str| {
        let before = ALLOCATED.load(Ordering::Relaxed);
        let _ = diags(text);
        ALLOCATED.load(Ordering::Relaxed) - before
    };
    for (small, large) in files(2_000).iter().zip(files(8_000)) {
        let (once, four) = (cost(small), cost(&large));
        // Four times the input; vectors that double may round up.
        assert!(four <= 7 * once + (1 << 20), "{once} bytes became {four} for {}…", &large[..60]);
    }
}

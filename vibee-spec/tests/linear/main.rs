//! Parsing is linear: counted, and timed as a ratio.
//!
//! pest counts rule calls against a limit that is global to the process, and allocations are
//! counted by a global allocator, so these tests have a process and a single test of their own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use vibee_spec::diag::Diags;
use vibee_spec::parse::{Mode, parse_as};
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
    diags_as(text, Mode::Strict)
}

fn diags_as(text: &str, mode: Mode) -> Diags {
    let mut diags = Diags::default();
    let _ = parse_as(&Source { path: "demo.vibee".to_owned(), text: text.to_owned() }, mode, &mut diags);
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
        lines("types:\n", &|k| format!("  T{k}:\n    fields:\n      a: List<Int> = [1]  # b\n")),
        lines("types:\n", &|k| format!("  - name: T{k}\n    values: [A, B: 1, \"C\"]\n")),
        lines("types:\n  T:\n    fields:\n", &|k| format!("      f{k}: {{ type: Int, default: 3 }}\n")),
        lines("types:\n  T:\n    values:\n", &|k| format!("      - V{k}: {k}\n")),
        lines("behaviors:\n", &|k| format!("  - name: b{k}\n    given: a\n    When: b\n    then: c\n")),
        lines("behaviors:\n", &|k| {
            format!("  - name: b{k}\n    given: \"open {{\n    papers:\n      - [a\n")
        }),
        lines("test_cases:\n", &|k| format!("  - input: {{ n: {k}, l: [1, 2] }}\n    expected: 3\n")),
        lines("constants:\n", &|k| format!("  C{k}: {{ value: {k} }}\n")),
        lines("", &|_| "0\n".to_owned()),
        lines("a:\n", &|_| "  stray\n".to_owned()),
        lines("a:\n", &|k| format!("{}k{k}: v\n", " ".repeat(2 + k % 3))),
        lines("", &|k| format!("\"quoted {k}\": [a] b\n")),
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
    let cost = |text: &str, mode| {
        let before = ALLOCATED.load(Ordering::Relaxed);
        let _ = diags_as(text, mode);
        ALLOCATED.load(Ordering::Relaxed) - before
    };
    for (small, large) in files(2_000).iter().zip(files(8_000)) {
        for mode in [Mode::Strict, Mode::Lenient] {
            let (once, four) = (cost(small, mode), cost(&large, mode));
            // Four times the input; vectors that double may round up.
            assert!(four <= 7 * once + (1 << 20), "{once} bytes became {four} for {}…", &large[..60]);
        }
    }
    a_byte_takes_as_long_in_a_large_file();
}

/// A spec of at least `bytes` bytes with types, behaviours, cases and constants.
fn declarative(bytes: usize) -> String {
    let mut text = String::from("name: large\nversion: \"1.0.0\"\nlanguage: zig\nmodule: large\n");
    let (mut types, mut behaviors, mut n) = (String::from("types:\n"), String::from("behaviors:\n"), 0);
    while text.len() + types.len() + behaviors.len() < bytes {
        types += &format!(
            "  Config{n}:\n    fields:\n      id: String\n      table: Map<String, List<Int>>\n      eps: Float  # 1e-6\n"
        );
        behaviors += &format!(
            "  - name: run_{n}\n    given: \"A batch: of tokens\"\n    when: it is processed [once]\n    \
             then: 'Nothing is lost'\n    test_cases:\n      - name: small\n        input: {{ n: {n}, l: [1, 2] }}\n"
        );
        n += 1;
    }
    text += &types;
    text += &behaviors;
    text
}

/// Nanoseconds that this thread has computed; on systems that do not tell, that passed.
fn busy(since: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let computed = told.and_then(|line| line.split(' ').next()?.parse::<f64>().ok());
    computed.unwrap_or_else(|| since.elapsed().as_nanos() as f64)
}

/// Time per byte at 1 MB against that at 1 KB. Computing time, so that a busy machine does not make
/// the long runs look longer; what it does to caches is why one good attempt of a few is enough.
fn a_byte_takes_as_long_in_a_large_file() {
    const LIMIT: f64 = 1.5;
    let (small, large) = (declarative(1 << 10), declarative(1 << 20));
    let since = Instant::now();
    let nanoseconds = |text: &str, runs: usize| {
        let start = busy(since);
        (0..runs).for_each(|_| assert!(!diags(text).has_errors()));
        (busy(since) - start) / (runs * text.len()) as f64
    };
    let mut ratios = Vec::new();
    while ratios.len() < 5 {
        let (short, long) = (nanoseconds(&small, 4_000), nanoseconds(&large, 4));
        println!("{short:.1} ns a byte at 1 KB, {long:.1} at 1 MB");
        ratios.push(long / short);
        if long / short <= LIMIT {
            return;
        }
    }
    panic!("a byte of 1 MB takes {ratios:.2?} times as long as one of 1 KB; the limit is {LIMIT}");
}

//! Limits: refused clearly, accepted just below, and never a stack overflow.

use crate::support::{parse, parse_lenient};
use vibee_spec::limits::{MAX_BYTES, MAX_DEPTH, MAX_DIAGNOSTICS, MAX_STATEMENT};
use vibee_spec::parse::{decode, lossy};
use vibee_spec::render::Renderer;

/// A spec with one kernel of this body.
fn kernel(body: &str) -> String {
    format!("language: rust\nkernels:\n  k(x: f32[T]) -> y: f32[T]:\n{body}")
}

/// The distinct codes a text gets.
fn codes(text: &str) -> Vec<&'static str> {
    let mut codes: Vec<_> = parse(text).1.list.iter().map(|d| d.code).collect();
    codes.dedup();
    codes
}

/// Runs on a stack much smaller than any thread of ours.
fn on_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(test).expect("a thread");
    thread.join().expect("no overflow");
}

/// Ways to nest `n` levels in an expression.
fn nested(n: usize) -> Vec<String> {
    let wrap = |open: &str, close: &str| format!("    y = {}a{}\n", open.repeat(n), close.repeat(n));
    vec![
        wrap("(", ")"),
        wrap("x[", "]"),
        wrap("f(", ")"),
        wrap("sum[s](", ")"),
        wrap("if a then b else ", ""),
        wrap("if ", " then b else c"),
        wrap("idx<", ">(e)"),
        wrap("f(x[0; if a then b else ", "])"),
        wrap("-", ""),
        wrap("not ", ""),
        wrap("a^", ""),
        wrap("a + ", ""),
        wrap("b and ", ""),
        wrap("(\n      ", ")"),
    ]
}

#[test]
fn deep_expressions_parse_up_to_the_limit() {
    on_small_stack(|| {
        for body in nested(MAX_DEPTH / 3) {
            assert_eq!(codes(&kernel(&body)), Vec::<&str>::new(), "{body}");
        }
        let parens = format!("    y = {}a{}\n", "(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH));
        assert_eq!(codes(&kernel(&parens)), Vec::<&str>::new());
        let chain = format!("    y = a{}\n", " + a".repeat(MAX_DEPTH - 1));
        assert_eq!(codes(&kernel(&chain)), Vec::<&str>::new());
    });
}

#[test]
fn deeper_expressions_are_refused() {
    on_small_stack(|| {
        for body in nested(10_000) {
            assert_eq!(codes(&kernel(&body)), ["V0033"], "{}", &body[..40]);
        }
    });
}

#[test]
fn deep_values_and_lines_are_refused() {
    on_small_stack(|| {
        let lines = |depth: usize, line: &str| -> String {
            (1..depth).map(|n| format!("{}{line}\n", " ".repeat(n))).collect()
        };
        let flow = |value: &str| format!("language: rust\na: {value}\n");
        let texts = [
            flow(&"[".repeat(10_000)),
            flow(&"{a: ".repeat(10_000)),
            flow(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))),
            format!("language: rust\na:\n  {}x\n", "- ".repeat(10_000)),
            format!("language: rust\na:\n{}", lines(1000, "k:")),
            kernel(&lines(1000, "for i in L:").replace("\n for", "\n     for")),
            format!(
                "language: rust\ntest_cases:\n  - {{call: f(x: {}), expect: y == 1}}\n",
                "[".repeat(10_000)
            ),
        ];
        for text in texts {
            assert!(codes(&text).contains(&"V0033"), "{}: {:?}", &text[..60], codes(&text));
            // Limits are limits in the lenient reading too.
            assert!(parse_lenient(&text).1.has_errors(), "{}", &text[..60]);
        }
    });
}

#[test]
fn ten_megabytes_of_brackets_are_refused() {
    let brackets = "[".repeat(10 << 20);
    assert_eq!(codes(&kernel(&format!("    y = {brackets}\n"))), ["V0034", "V0033"]);
    assert_eq!(codes(&format!("language: rust\na: {brackets}\n")), ["V0033"]);
}

#[test]
fn long_statements_are_refused() {
    let long = |n: usize| kernel(&format!("    y = f({})\n", "a, ".repeat(n)));
    assert_eq!(codes(&long(MAX_STATEMENT / 3)), ["V0034"]);
    assert_eq!(codes(&long(MAX_STATEMENT / 30)), Vec::<&str>::new());
}

#[test]
fn too_many_definitions_are_refused() {
    assert_eq!(codes(&kernel(&"    a = 1\n".repeat(10_001))), ["V0118"]);
    assert_eq!(codes(&kernel(&"    a = 1\n".repeat(10_000))), Vec::<&str>::new());
    let function = format!("language: rust\nfunctions:\n  f(x):\n{}    x\n", "    a = 1\n".repeat(10_000));
    assert_eq!(codes(&function), ["V0118"]);
}

#[test]
fn findings_are_limited() {
    let open: String = (0..10_000).map(|n| format!("k{n}: [open\n")).collect();
    let (_, diags) = parse(&format!("language: rust\n{open}"));
    assert_eq!(diags.list.len(), MAX_DIAGNOSTICS + 1);
    assert_eq!(diags.list.last().map(|d| d.code), Some("V0004"));
}

#[test]
fn large_files_are_refused_before_they_are_read() {
    let mut bytes = vec![b'\n'; MAX_BYTES];
    assert!(decode("a.vibee", &bytes).is_ok());
    bytes.push(b'\n');
    assert_eq!(decode("a.vibee", &bytes).unwrap_err().code, "V0002");
}

#[test]
fn bad_encoding_is_shown_where_it_is() {
    for (bytes, shown) in [
        (&b"name: x\n# caf\xC3"[..], "byte 0xC3"),
        (b"name: \xFF\xFFx\n", "byte 0xFF"),
        (b"\xEF\xBB\xBFname: \xE2\x82\n", "byte 0xE2"),
    ] {
        let d = decode("a.vibee", bytes).unwrap_err();
        assert_eq!(d.code, "V0003");
        let source = lossy("a.vibee", bytes);
        assert_eq!(&source.text[d.span.range()], "\u{FFFD}");
        let text = Renderer::new(&source).text(&d, false);
        assert!(text.contains(shown), "{text}");
    }
}

#[test]
fn a_byte_order_mark_is_dropped() {
    let source = decode("a.vibee", b"\xEF\xBB\xBFname: x\n").expect("fine");
    assert_eq!(source.text, "name: x\n");
}

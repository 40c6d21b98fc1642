//! Levels from flags and from comments.

use vibee_spec::diag::Severity;
use vibee_spec::lint::{Level, Levels};

use crate::settled;

const SPEC: &str = "name: demo
language: rust
roadmap: none

kernels:
  a(x: f32[T]) -> y: f32[T]:
    y[t] = x[t]

  b(x: f32[T]) -> y: f32[T]:
    y[t] = x[t]
";

fn codes(text: &str, levels: &[(&str, Level)]) -> Vec<(&'static str, Severity)> {
    let mut all = Levels::default();
    for (name, level) in levels {
        all.set(name, *level).expect("a lint");
    }
    settled(text, &all).1.list.iter().map(|d| (d.code, d.severity)).collect()
}

#[test]
fn flags_set_levels() {
    use Severity::{Error, Warning};
    assert_eq!(codes(SPEC, &[]), [("V0804", Warning), ("V0815", Warning), ("V0815", Warning)]);
    assert_eq!(codes(SPEC, &[("untested-kernel", Level::Allow)]), [("V0804", Warning)]);
    let denied = codes(SPEC, &[("V0804", Level::Deny), ("v0815", Level::Allow)]);
    assert_eq!(denied, [("V0804", Error)]);
    // What is named wins over `warnings`, in either order.
    let quiet = codes(SPEC, &[("V0804", Level::Warn), ("warnings", Level::Allow)]);
    assert_eq!(quiet, [("V0804", Warning)]);
    let strict = codes(SPEC, &[("warnings", Level::Deny)]);
    assert_eq!(strict, [("V0804", Error), ("V0815", Error), ("V0815", Error)]);
    // Warnings of the parser have levels too.
    assert_eq!(codes("name: demo\n", &[]), [("V0005", Warning)]);
    assert_eq!(codes("name: demo\n", &[("V0005", Level::Allow)]), []);
    assert!(Levels::default().set("V9999", Level::Allow).is_err());
}

#[test]
fn errors_stay() {
    let text = "name: demo\nlanguage: rust\nname: twice\n";
    let all = codes(text, &[("V0013", Level::Allow), ("warnings", Level::Allow)]);
    assert_eq!(all, [("V0013", Severity::Error)]);
}

#[test]
fn comments_set_levels_where_they_stand() {
    use Severity::{Error, Warning};
    let head = format!("# vibee: allow V0815, unknown-section\n{SPEC}");
    assert_eq!(codes(&head, &[]), []);
    // Above one kernel: the other one is still found.
    let one = SPEC.replace("  a(x", "  # vibee: allow V0815\n  a(x");
    assert_eq!(codes(&one, &[]), [("V0804", Warning), ("V0815", Warning)]);
    // Above a section: everything in it; behind a line: that line.
    let section = SPEC.replace("kernels:", "# vibee: allow V0815\nkernels:");
    assert_eq!(codes(&section, &[]), [("V0804", Warning)]);
    let behind = SPEC.replace("none", "none  # vibee: allow V0804");
    assert_eq!(codes(&behind, &[]), [("V0815", Warning), ("V0815", Warning)]);
    // The inner comment wins, and both win over flags.
    let both = format!("# vibee: deny V0815\n{one}");
    assert_eq!(codes(&both, &[("V0815", Level::Allow)]), [("V0804", Warning), ("V0815", Error)]);
    // A lint that is off by default can be asked for.
    let asked = format!("# vibee: warn missing-description\n{SPEC}");
    assert_eq!(codes(&asked, &[])[0], ("V0812", Warning));
}

#[test]
fn comments_that_do_nothing_are_found() {
    use Severity::Warning;
    let unused = format!("# vibee: allow V0814\n{SPEC}");
    assert_eq!(codes(&unused, &[("V0815", Level::Allow), ("V0804", Level::Allow)]), [("V0817", Warning)]);
    let unknown = format!("# vibee: allow V0815, V0804, nonsense\n{SPEC}");
    assert_eq!(codes(&unknown, &[]), [("V0818", Warning)]);
    for comment in ["# vibee: forbid V0815", "# vibee: allow", "# vibee:"] {
        let text = format!("{comment}\n{SPEC}");
        let found = codes(&text, &[("V0815", Level::Allow), ("V0804", Level::Allow)]);
        assert_eq!(found, [("V0818", Warning)], "{comment}");
    }
    // Errors cannot be allowed.
    let error = "# vibee: allow V0013\nname: demo\nlanguage: rust\nname: twice\n";
    assert!(codes(error, &[]).contains(&("V0013", Severity::Error)));
}

/// Text is no comment, and a comment for vibee is no documentation.
#[test]
fn comments_are_told_from_text_and_documentation() {
    let text = format!("{SPEC}notes: |\n  # vibee: allow V0804\n");
    let found = codes(&text, &[("V0815", Level::Allow)]);
    assert_eq!(found.iter().filter(|(code, _)| *code == "V0804").count(), 2);
    let documented = SPEC.replace("  a(x", "  # Copies.\n  # vibee: allow V0815\n  a(x");
    let source = vibee_spec::span::Source { path: String::new(), text: documented };
    let file = vibee_spec::parse::parse(&source, &mut vibee_spec::diag::Diags::default());
    assert_eq!(file.kernels[0].doc.as_deref(), Some("Copies."));
}

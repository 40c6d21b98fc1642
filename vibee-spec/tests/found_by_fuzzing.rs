//! What the fuzzer has found, as small as it gets.

use vibee_spec::diag::Diags;
use vibee_spec::parse::{self, Mode};
use vibee_spec::span::Source;
use vibee_spec::{check, fmt};

fn source(text: &str) -> Source {
    Source { path: "found.vibee".to_owned(), text: text.to_owned() }
}

#[test]
fn parts_of_a_quoted_or_folded_text_are_pointed_at_between_characters() {
    for text in [
        "types:\n  T:\n    fields:\n      a: \"é² = 3\"\n",
        "types:\n  T:\n    fields:\n      a: \"x\\\"é² = é\"\n",
        "types:\n  T:\n    enum:\n      - PENDING\n        é²ß north\n",
        "types:\n  E: enum {e, é}\n",
    ] {
        let mut diags = Diags::default();
        let (source, file) = parse::read("found.vibee", text.as_bytes(), Mode::Lenient, &mut diags);
        let mut parts = 0;
        for t in &file.types {
            let fields = t.fields.iter().flat_map(|f| [Some(&f.ty), f.default.as_ref()]).flatten();
            for part in fields.chain(t.variants.iter().map(|v| &v.name)) {
                assert!(source.text.get(part.span.range()).is_some(), "{part:?} of {text:?}");
                parts += 1;
            }
        }
        assert!(parts > 0, "{text:?}");
    }
}

#[test]
fn a_colon_inside_of_a_word_names_no_language() {
    let text = "language:async then:  x\n";
    let mut diags = Diags::default();
    let file = parse::parse(&source(text), &mut diags);
    assert!(file.language.is_none());
    assert_eq!(fmt::format(&source(text)).ok().as_deref(), Some("language:async then: x\n"));
}

/// What is a key anywhere is the key of the language, too.
#[test]
fn a_language_is_found_behind_any_form_of_its_key() {
    for text in [
        "language : rust\nname: x\n",
        "\"language\": rust\nname: x\n",
        "language: \"rust\"  # why\nname: x\n",
    ] {
        let file = parse::parse(&source(text), &mut Diags::default());
        let language = file.language.expect(text);
        assert_eq!((language.name.as_str(), &text[language.span.range()]), ("rust", "rust"), "{text}");
        assert!(fmt::format(&source(text)).is_ok(), "{text}");
    }
}

#[test]
fn a_format_without_bytes_is_refused() {
    let text = "name: f\nlanguage: rust\n\nformats:\n  none:\n    block: 4\n    fields:\n    decode[j]: 1\n    \
                encode:\n      q = x[0]\n";
    let mut diags = Diags::default();
    let (source, file) = parse::read("found.vibee", text.as_bytes(), Mode::Strict, &mut diags);
    check::check(&file, &source, &|_, _| None, &mut diags);
    assert!(diags.list.iter().any(|d| d.code == "V1005"), "{:?}", diags.list);
}

#[test]
fn a_comment_begins_right_after_quotes() {
    for (text, language, formatted) in [
        ("language: \"rust\"# ours\n", "rust", "language: \"rust\"  # ours\n"),
        ("language: \"\"#\n", "", "language: \"\"  #\n"),
        ("language: 'ru#st'\n", "ru#st", "language: 'ru#st'\n"),
        ("language: rust\t# ours\n", "rust", "language: rust  # ours\n"),
        ("language: c#\n", "c#", "language: c#\n"),
    ] {
        let mut diags = Diags::default();
        let file = parse::parse(&source(text), &mut diags);
        assert_eq!(file.language.map(|l| l.name).as_deref(), Some(language), "{text:?}");
        assert_eq!(fmt::format(&source(text)).ok().as_deref(), Some(formatted), "{text:?}");
    }
}

#[test]
fn a_sign_in_prose_does_not_become_a_comment() {
    for value in ["(r#)", "(r#, s)", "f(a#b) -> c"] {
        let text = format!("behaviors:\n  - name: k\n    signature: {value}\n");
        let formatted = fmt::format(&source(&text)).unwrap_or_else(|why| panic!("{value}: {why:?}"));
        assert!(formatted.contains("#") && !formatted.contains(" #"), "{formatted}");
        assert_eq!(fmt::format(&source(&formatted)).ok().as_deref(), Some(formatted.as_str()));
    }
}

#[test]
fn a_comma_before_an_angle_bracket_stays() {
    for value in ["(t<,>)", "t<a,>"] {
        let text = format!("behaviors:\n  - name: k\n    signature: {value}\n");
        assert_eq!(fmt::format(&source(&text)).ok().as_deref(), Some(text.as_str()));
    }
    // A tab between them is a blank like others.
    assert_eq!(fmt::format(&source("t: {l<\t,>}\n")).ok().as_deref(), Some("t: { l<\t,> }\n"));
}

#[test]
fn a_map_in_the_place_of_prose_is_formatted() {
    for (text, formatted) in [
        (
            "types:\n  C:\n    fields:\n      - name: b\n        type: Int\n        description: {s}\n",
            "types:\n  C:\n    fields:\n      - name: b\n        type: Int\n        description: { s }\n",
        ),
        ("behaviors:\n  - name: b\n    given: {s}\n", "behaviors:\n  - name: b\n    given: {s}\n"),
    ] {
        assert_eq!(fmt::format(&source(text)).ok().as_deref(), Some(formatted), "{text}");
    }
}

#[test]
fn a_letter_without_a_place_on_the_left_is_refused() {
    let text = "name: f\nlanguage: rust\n\nkernels:\n  e(x: f32[A, B, C]) -> y: f32[A, B]:\n    \
                y[a*0 + c, b] = x[a, b, c]\n";
    let mut diags = Diags::default();
    let (source, file) = parse::read("found.vibee", text.as_bytes(), Mode::Strict, &mut diags);
    check::check(&file, &source, &|_, _| None, &mut diags);
    let found = diags.list.iter().find(|d| d.code == "V0314").expect("a finding");
    assert!(found.message.contains("the letter `a`"), "{found:?}");
}

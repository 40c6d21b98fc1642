//! The synthetic corpus: its figures are those measured, and the parser's verdicts are those that
//! follow from how each file was made.
//!
//! `CORPUS=20000 SEED=1 cargo test -p vibee-tests --test corpus` reads more files.

use vibee_spec::diag::Diags;
use vibee_spec::parse::{self, Mode};
use vibee_tests::corpus::malformed::CLASSES;
use vibee_tests::corpus::measured::{ALL, Form};
use vibee_tests::corpus::{Entry, Plan, Verdict, entry, malformed};

/// A number from the environment.
fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// What the parser says, and its findings as text.
fn verdict(entry: &Entry, mode: Mode) -> (Verdict, String) {
    let mut diags = Diags::default();
    let (source, file) = parse::read(&entry.path, &entry.bytes, mode, &mut diags);
    let said = diags.list.iter().map(|d| {
        let at = source.text[..d.span.start as usize].matches('\n').count() + 1;
        format!("{} line {at}: {}", d.code, d.message)
    });
    let said = said.collect::<Vec<_>>().join("\n");
    let verdict = match (diags.has_errors(), file.sections.is_empty()) {
        (true, _) => Verdict::Rejected,
        (false, true) => Verdict::Empty,
        (false, false) => Verdict::Accepted,
    };
    (verdict, said)
}

fn holds(entry: &Entry) {
    for (mode, wanted) in [(Mode::Strict, entry.strict), (Mode::Lenient, entry.lenient)] {
        let (verdict, said) = verdict(entry, mode);
        assert!(
            verdict == wanted,
            "{} ({}) is {verdict:?}, not {wanted:?}, when {mode:?}\n{said}\n\n{}",
            entry.path,
            entry.class,
            String::from_utf8_lossy(&entry.bytes)
        );
        // Damage that was read is never read silently; one thing that is wrong is one error.
        let findings = |code: &str| said.matches(code).count();
        let read = ["V0040", "V0041", "V0042", "V0043"].iter().map(|code| findings(code)).sum::<usize>();
        match (mode, entry.strict, entry.lenient) {
            (Mode::Lenient, Verdict::Rejected, Verdict::Accepted) => {
                let damages = if entry.class == "stray_zero_bad_utf8" { 2 } else { 1 };
                assert_eq!(read, damages, "{} ({}): {said}", entry.path, entry.class);
            }
            _ => assert_eq!(read, 0, "{} ({}): {said}", entry.path, entry.class),
        }
        if wanted == Verdict::Rejected && entry.class != "source_code" {
            let errors = said.lines().filter(|l| !l.starts_with("V0005")).count();
            assert_eq!(errors, 1, "{} ({}): {said}", entry.path, entry.class);
        }
    }
}

#[test]
fn every_class_and_form_gets_its_verdict() {
    let plan = Plan { seed: number("SEED", 1), cover: true, ..Plan::default() };
    (0..number("CORPUS", 500)).for_each(|n| holds(&entry(&plan, n)));
    for (k, class) in CLASSES.iter().enumerate() {
        (0..20).for_each(|n| holds(&malformed(2, n * 100 + k as u64, class)));
    }
}

#[test]
fn equal_seeds_give_equal_bytes() {
    let bytes = |seed, n| entry(&Plan { seed, cover: true, ..Plan::default() }, n).bytes;
    for n in 0..200 {
        assert_eq!(bytes(5, n), bytes(5, n));
    }
    let differing = (0..200).filter(|&n| bytes(5, n) != bytes(6, n)).count();
    assert!(differing > 150, "only {differing} files depend on the seed");
}

#[test]
fn covering_shows_everything() {
    let plan = Plan { seed: 3, cover: true, ..Plan::default() };
    let entries: Vec<Entry> = (0..250).map(|n| entry(&plan, n)).collect();
    for class in CLASSES {
        assert!(entries.iter().any(|e| e.class == class.name), "no {}", class.name);
    }
    for form in Form::ALL {
        assert!(entries.iter().any(|e| e.forms.contains(form)), "no {}", form.name());
    }
}

/// Frequencies of a large corpus; the widths are four standard deviations of a count, and the lumps
/// that files with a shared structure make.
#[test]
fn frequencies_are_those_measured() {
    const FILES: u64 = 10_000;
    let plan = Plan { seed: 4, ..Plan::default() };
    let entries: Vec<Entry> = (0..FILES).map(|n| entry(&plan, n)).collect();
    let near = |what: &str, found: usize, files: u32, shared: bool| {
        let wanted = f64::from(files) * FILES as f64 / f64::from(ALL);
        let lump = if shared { 0.25 * wanted + 60.0 } else { 0.0 };
        let width = 4.0 * wanted.sqrt() + lump + 2.0;
        assert!(
            (found as f64 - wanted).abs() <= width,
            "{what}: {found} files, not {wanted:.0} ± {width:.0}"
        );
    };
    for class in CLASSES {
        near(class.name, entries.iter().filter(|e| e.class == class.name).count(), class.files, false);
    }
    near("empty", entries.iter().filter(|e| e.class == "empty").count(), 1_329, false);
    for form in [Form::Template, Form::Shared] {
        near(form.name(), entries.iter().filter(|e| e.forms.contains(&form)).count(), form.files(), true);
    }
    for &form in Form::ALL.iter().filter(|f| f.files() >= 50) {
        near(form.name(), entries.iter().filter(|e| e.forms.contains(&form)).count(), form.files(), true);
    }
    let mut sizes: Vec<usize> = entries.iter().map(|e| e.bytes.len()).filter(|&n| n > 0).collect();
    sizes.sort_unstable();
    let at = |thousandth: usize| sizes[sizes.len() * thousandth / 1_000];
    assert!((700..=950).contains(&at(500)), "median {}", at(500));
    assert!((2_200..=3_300).contains(&at(900)), "90 % below {}", at(900));
    assert!((14_000..=20_000).contains(&at(990)), "99 % below {}", at(990));
}

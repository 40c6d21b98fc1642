//! A whole well-formed spec: sections and their order.

use std::fmt::Write;

use super::measured::{self, Form};
use super::page::Page;
use super::{behaviors, cases, sections, types};

/// The text of the page for file `n`.
pub(super) fn text(page: &mut Page, seed: u64, n: u64) -> String {
    let banner = banner(page);
    let head = head(page, n);
    let types = (!page.has(Form::NoTypes)).then(|| {
        let budget = page.size.saturating_sub(banner.len()) * 2 / 5;
        types::section(page, budget)
    });
    let others = sections::others(page, seed, n);
    let written: usize = banner.len() + types.as_ref().map_or(0, String::len) + 120;
    let behaviors = (!page.has(Form::NoBehaviors)).then(|| {
        let budget = page.size.saturating_sub(written);
        behaviors::section(page, budget)
    });
    let cases = page.has(Form::TopCases).then(|| cases::section(page));
    let order = order(page, head, types, behaviors.into_iter().chain(cases).collect(), others);
    let comment = if page.has(Form::FullComments) { "# ----- next part -----\n" } else { "" };
    let blank = if page.draw.chance(4, 5) { "\n" } else { "" };
    let mut out = banner;
    for (k, section) in order.iter().enumerate() {
        // The head's lines stand together, other sections apart.
        if k > 0 && section.trim_end().contains('\n') {
            let _ = write!(out, "{blank}{comment}");
        }
        out += section;
    }
    out
}

fn banner(page: &mut Page) -> String {
    if !page.has(Form::Banner) {
        return String::new();
    }
    let rule = if page.has(Form::BoxDrawing) { "═" } else { "=" }.repeat(page.draw.between(20, 60));
    let title = page.name.to_uppercase();
    let motto =
        page.draw.pick(&["φ² + 1/φ² = 3", "Generated structure: do not edit", "v1 | all rights", "ⲕⲟⲇ 🚀"]);
    format!("# {rule}\n# {title}\n#   {motto}\n# {rule}\n\n")
}

/// The lines every spec begins with, each a section.
fn head(page: &mut Page, n: u64) -> Vec<String> {
    let version = page.draw.weighted(measured::VERSIONS);
    let language = page.draw.weighted(measured::LANGUAGES);
    let module = if page.has(Form::InvalidModule) {
        page.draw.pick(&["core.net.router", "3d_engine", "vibee-lang", "a.b"]).to_owned()
    } else if page.has(Form::ForeignModule) {
        page.draw.pick(&["модуль_φ", "ⲕⲟⲇ", "σ_core"]).to_owned()
    } else if page.draw.chance(4_413, 20_233) {
        format!("module_{n}")
    } else {
        page.name.clone()
    };
    let mut head = vec![
        format!("name: {}\n", page.name),
        format!("version: {version}\n"),
        format!("language: {language}\n"),
        format!("module: {module}\n"),
    ];
    if page.has(Form::Template) {
        let domain = page.draw.pick(&["ai", "systems", "quantum", "web"]);
        head.push(format!("domain: {domain}\n"));
    }
    head
}

/// All sections in the order of the file.
fn order(
    page: &mut Page,
    mut head: Vec<String>,
    types: Option<String>,
    rest: Vec<String>,
    others: Vec<String>,
) -> Vec<String> {
    let mut all: Vec<String> = types.into_iter().chain(rest).collect();
    for section in others {
        let at = page.draw.below(all.len() + 1);
        all.insert(at, section);
    }
    if page.has(Form::OwnOrder) {
        for part in [&mut head, &mut all] {
            for k in (1..part.len()).rev() {
                part.swap(k, page.draw.below(k + 1));
            }
        }
    }
    head.into_iter().chain(all).collect()
}

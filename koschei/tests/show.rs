//! How trees look.

use std::collections::BTreeMap;

use koschei::show::{View, json, svg, text};
use koschei::tree::{Module, Status, Tree};

fn module(name: &str, requires: &[&str], effort: f64, status: Status) -> Module {
    let requires = requires.iter().map(|r| (*r).to_owned()).collect();
    Module { name: name.to_owned(), requires, effort, status }
}

fn some() -> Tree {
    let modules = [
        module("functions", &[], 1.0, Status::Definition),
        module("rmsnorm", &["functions"], 1.0, Status::Measured),
        module("softmax", &["functions"], 1.0, Status::Tested),
        module("rope", &[], 1.0, Status::Failing),
        module("attention", &["softmax", "rope"], 2.0, Status::Specified),
        module("decoder", &["attention", "rmsnorm"], 3.5, Status::Specified),
        module("sampler", &[], 1.0, Status::Tested),
        module("model", &["decoder", "functions"], 1.0, Status::Specified),
    ];
    Tree::new(&modules).expect("a tree")
}

/// Names of a hostile spec.
fn hostile() -> Tree {
    let modules = [
        module("<script>alert('&')</script>", &[], 1.0, Status::Specified),
        module("\u{1b}[31mred\u{7}", &["<script>alert('&')</script>"], 1.0, Status::Specified),
        module("\u{202e}desrever", &[], 1.0, Status::Specified),
        module("漢字漢字", &[], 1.0, Status::Specified),
        module(&"long_".repeat(30), &[], 1.0, Status::Specified),
    ];
    Tree::new(&modules).expect("a tree")
}

fn view(tree: &Tree) -> View<'_> {
    View::new(tree, BTreeMap::from([("rope", "2 kernels: 1 FAILED")]))
}

#[test]
fn on_a_terminal() {
    let tree = some();
    let shown = |colour, ascii| text::text(&view(&tree), text::Style { colour, ascii });
    insta::assert_snapshot!("terminal", shown(false, false));
    insta::assert_snapshot!("terminal_ascii", shown(false, true));
    assert!(shown(false, true).is_ascii());
    let coloured = shown(true, false);
    assert!(coloured.contains("\u{1b}[1;31m✗\u{1b}[0m rope"), "{coloured}");
    // Colours change nothing else.
    let mut plain = String::new();
    for (n, part) in coloured.split('\u{1b}').enumerate() {
        plain += if n == 0 { part } else { part.split_once('m').expect("a colour").1 };
    }
    assert_eq!(plain, shown(false, false));
}

#[test]
fn as_a_picture() {
    insta::assert_snapshot!("picture", svg::svg(&view(&some())));
}

#[test]
fn for_programs() {
    let json = json::json(&view(&some()));
    assert_eq!(json["frontier"], serde_json::json!(["rope"]));
    let path = serde_json::json!({"modules": ["rope", "attention", "decoder", "model"], "effort": 7.5});
    assert_eq!(json["critical_path"], path);
    let rope = &json["modules"].as_array().expect("modules")[5];
    let wanted = serde_json::json!({
        "name": "rope", "requires": [], "effort": 1.0, "status": "failing",
        "reasons": "2 kernels: 1 FAILED", "layer": 0
    });
    assert_eq!(*rope, wanted);
}

#[test]
fn nothing_is_a_tree_too() {
    let tree = Tree::new(&[]).expect("a tree");
    let shown = text::text(&view(&tree), text::Style::default());
    assert_eq!(shown, "0 modules\n\ncan be started now: nothing, everything is done\n");
    assert!(svg::svg(&view(&tree)).ends_with("</svg>\n"));
}

#[test]
fn names_are_only_text() {
    let tree = hostile();
    let shown = text::text(&view(&tree), text::Style::default());
    assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
    let picture = svg::svg(&view(&tree));
    assert!(!picture.contains("<script") && !picture.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{picture}");
    assert!(picture.contains("&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;"), "{picture}");
    assert!(picture.contains(&format!(">{}…</text>", "long_".repeat(30).split_at(39).0)), "{picture}");
}

/// All text of the picture lies inside its box, by the width of its columns.
#[test]
fn text_fits_into_its_box() {
    use unicode_width::UnicodeWidthStr;
    for tree in [some(), hostile()] {
        let picture = svg::svg(&view(&tree));
        let mut width = None;
        let mut texts = 0;
        for line in picture.lines() {
            let number =
                |key: &str| line.split_once(key).and_then(|(_, r)| r.split('"').next()?.parse::<f64>().ok());
            if line.contains("rx=\"6\"") {
                width = number(" width=\"");
            }
            if let (Some(width), Some((_, text))) = (
                width,
                line.strip_prefix("<text x=\"12\"")
                    .and_then(|l| l.trim_end_matches("</text>").split_once('>')),
            ) {
                let text =
                    ["&lt;", "&gt;", "&#39;", "&amp;"].iter().fold(text.to_owned(), |t, e| t.replace(e, "x"));
                assert!(12.0 + text.width() as f64 * 8.0 + 12.0 <= width, "{line}");
                texts += 1;
            }
        }
        assert!(texts >= 10, "{texts}");
    }
}

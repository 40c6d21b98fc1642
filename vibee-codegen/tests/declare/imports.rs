//! Types of other specs.

use crate::support::rust_with;

#[test]
fn imported_types_are_named_by_their_module() {
    let shapes = "name: shapes\nlanguage: rust\n\ntypes:\n  Point:\n    fields:\n      x: Float = 0.5\n";
    let text = "name: demo\nlanguage: rust\n\nimports:\n  - ../geometry/shapes\n\ntypes:\n  Line:\n    fields:\n      from: Point = {x: 1}\n      to: Point\n      on: Bool = true\n";
    let (rust, report) = rust_with(text, &[("../geometry/shapes", shapes)], "draw/demo");
    assert_eq!(report, "");
    assert!(rust.contains("    pub from: crate::geometry::shapes::Point,\n"), "{rust}");
    assert!(
        rust.contains("from: crate::geometry::shapes::Point {\n                x: 1.0,\n            },"),
        "{rust}"
    );
    assert!(rust.contains("to: crate::geometry::shapes::Point::default()"), "{rust}");
}

/// A spec with kernels keeps the names that these use.
#[test]
fn types_step_aside_for_kernels() {
    let text = "name: demo\nlanguage: rust\n\ntypes:\n  View:\n    fields:\n      x: Float\n  Config:\n    fields:\n      view: View\n\nkernels:\n  double(x: f32[T]) -> y: f32[T]:\n    y[t] = 2 * x[t]\n";
    let (rust, report) = rust_with(text, &[], "demo");
    assert_eq!(report, "");
    assert!(rust.contains("pub struct ViewType {"), "{rust}");
    assert!(rust.contains("    pub view: ViewType,\n"), "{rust}");
    assert!(rust.contains("use igla_runtime::prelude::*;\n"), "{rust}");
}

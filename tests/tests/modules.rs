//! The table of modules: it is what the command makes of the specs and their recorded results, so that
//! it cannot claim more than ran.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use vibee_codegen::project::Project;
use vibee_codegen::results::{Results, table};
use vibee_spec::ast::NodeKind;

/// Modules that the plan names, each to be specified in a file of its name.
const PLANNED: &[&str] = &[
    "llm_rmsnorm",
    "llm_attention_gqa",
    "llm_ffn_swiglu",
    "llm_bitnet",
    "llm_kv_cache",
    "llm_model",
    "qml_tensor",
    "qml_attention",
    "qml_matryoshka",
    "qml_lora",
    "qml_quantizer",
    "qml_igla_core",
    "qml_benchmark",
    "koschei_pattern",
    "self_evolution",
    "task_decomposer",
    "test_generator",
    "benchmark_runner",
    "pattern_learner",
    "code_improver",
    "feedback_loop",
    "koschei_pipeline",
    "igla_v3_mod",
    "igla_v3_medusa",
    "igla_v3_qlora",
    "igla_v3_paged_attention",
    "igla_v3_continuous_batch",
    "igla_v3_benchmark",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn project() -> Project {
    Project::load(&[root().join("specs")]).expect("specs are readable")
}

/// The last part of each module's path.
fn names(project: &Project) -> BTreeSet<&str> {
    let name = |n: usize| project.specs[n].module.rsplit('/').next().unwrap_or_default();
    (0..project.asked).map(name).collect()
}

#[test]
fn the_page_is_what_the_command_makes() {
    let (file, project) = (root().join("specs/results.json"), project());
    let results = Results::read(&file).expect("recorded results");
    let checked: Vec<_> = (0..project.asked).map(|n| project.check(n)).collect();
    let rows = table::rows(&project, &checked, (&file, &results), &root().join("generated/src"));
    let page = table::markdown(&rows, &root().join("docs"));
    let there = std::fs::read_to_string(root().join("docs/MODULES.md")).unwrap_or_default();
    assert!(
        there == page,
        "docs/MODULES.md is stale: run `cargo vibee modules specs/ --out docs/MODULES.md`, after \
         `cargo vibee test SPECS --record specs/results.json` if kernels were changed"
    );
}

#[test]
fn every_planned_module_has_its_spec() {
    let project = project();
    let names = names(&project);
    let missing: Vec<_> = PLANNED.iter().filter(|m| !names.contains(**m)).collect();
    assert!(missing.is_empty(), "no spec for {missing:?}");
}

/// `requires:` names specs that exist, and no spec requires itself through others.
#[test]
fn requirements_exist_and_have_no_cycle() {
    let project = project();
    let names = names(&project);
    let mut requires: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for spec in &project.specs[..project.asked] {
        let name = spec.module.rsplit('/').next().unwrap_or_default();
        let section = spec.file.sections.iter().find(|s| s.key.name == "requires");
        let items = match section.map(|s| &s.value.kind) {
            Some(NodeKind::Seq(items)) => items.as_slice(),
            None => &[],
            other => panic!("{name}: `requires` is no list but {other:?}"),
        };
        let text = |kind: &NodeKind| match kind {
            NodeKind::Raw(text) | NodeKind::Quoted(text) => text.clone(),
            other => panic!("{name}: {other:?} is no name"),
        };
        requires.insert(name, items.iter().map(|i| text(&i.kind)).collect());
    }
    for (name, needs) in &requires {
        for need in needs {
            assert!(names.contains(need.as_str()), "{name} requires {need}, which is no spec");
        }
    }
    // Whatever needs nothing that is left can go; what stays is on a cycle or behind one.
    let mut left = requires;
    loop {
        let before = left.len();
        let waiting: BTreeSet<String> = left.keys().map(|k| (*k).to_owned()).collect();
        left.retain(|_, needs| needs.iter().any(|n| waiting.contains(n)));
        if left.len() == before {
            break;
        }
    }
    assert!(left.is_empty(), "these require one another: {:?}", left.keys());
}

//! Every stage of every kernel, layer and model of `specs/nn` and `specs/models`, as text: what a reviewer
//! reads when the language, the compiler or a spec changes. The other specs use the same constructs; their
//! Rust is reviewed in `generated/`, since four more files a kernel would show nothing new.

use std::path::Path;

use vibee_codegen::project::Project;
use vibee_codegen::{emit, loops, passes, schedule};
use vibee_spec::ast::text as tree;
use vibee_spec::term::{Module, text};

/// Asserts one snapshot in the folder of its stage.
fn snapshot(stage: &str, name: &str, content: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("snapshots/{stage}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, content));
}

/// Rust without the header, which only repeats the spec's description and the compiler's version.
fn body(rust: &str) -> &str {
    rust.split_once("use igla_runtime::prelude::*;\n").map_or(rust, |(_, body)| body)
}

#[test]
fn every_stage_of_every_kernel() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs");
    let project = Project::load(&[root]).expect("specs are readable");
    let mut kernels = 0;
    for n in 0..project.asked {
        let path = project.specs[n].module.clone();
        if !path.starts_with("nn/") && !path.starts_with("models/") {
            continue;
        }
        let (file, m) = (&project.specs[n].file, project.check(n).module);
        for k in &file.kernels {
            snapshot("ast", &k.name.name, &tree::named(file, &k.name.name));
        }
        for l in file.layers.iter().chain(file.models.iter().map(|m| &m.layer)) {
            snapshot("ast", &l.name.name, &tree::named(file, &l.name.name));
        }
        for k in &m.kernels {
            kernels += 1;
            snapshot("term", &k.name, &text::kernel(k));
            snapshot("loops", &k.name, &loops::text(&schedule::run(passes::run(k.clone()))));
            let only = Module { kernels: vec![k.clone()], ..Module::default() };
            snapshot("rust", &k.name, body(&emit::module(&only, "spec", &path)));
        }
        for l in &m.layers {
            snapshot("term", &l.name, &text::layer(l));
            let only = Module { layers: vec![l.clone()], ..Module::default() };
            snapshot("rust", &l.name, body(&emit::module(&only, "spec", &path)));
        }
        for model in &m.models {
            snapshot("term", &model.layer.name, &text::model(model));
            let only = Module { models: vec![model.clone()], ..Module::default() };
            snapshot("rust", &model.layer.name, body(&emit::module(&only, "spec", &path)));
        }
    }
    assert!(kernels >= 20, "only {kernels} kernels");
}

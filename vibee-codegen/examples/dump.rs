//! Development aid: prints a stage of one spec.
use std::path::PathBuf;
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let project = vibee_codegen::project::Project::load(&[PathBuf::from(args.get(2).unwrap_or(&args[1]))])
        .expect("readable");
    for n in 0..project.asked {
        if project.specs[n].path.as_os_str() != args[1].as_str() {
            continue;
        }
        let c = project.check(n);
        for d in &c.diags.list {
            eprintln!("{}", vibee_spec::render::Renderer::new(&project.specs[n].source).text(d, false));
        }
        match args[0].as_str() {
            "rust" => {
                println!("{}", vibee_codegen::emit::module(&c.module, &args[1], &project.specs[n].module))
            }
            "loops" => {
                for k in &c.module.kernels {
                    let l = vibee_codegen::schedule::run(vibee_codegen::passes::run(k.clone()));
                    println!("{}", vibee_codegen::loops::text(&l));
                }
            }
            _ => {}
        }
    }
}

//! Prints random specs: `random SEED [COUNT]`, or with `check` how many the checker accepts.

use vibee_tests::oracle::compile;
use vibee_tests::random;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize| args.get(n).and_then(|a| a.parse::<u64>().ok());
    let (seed, count) = (number(0).unwrap_or(1), number(1));
    let Some(count) = count else {
        let spec = random::spec(seed);
        println!("{}", spec.text);
        if let Err(e) = compile::unit("k", &spec.text) {
            println!("{e:?}");
        }
        return;
    };
    std::panic::set_hook(Box::new(|_| {}));
    let mut bad = 0;
    for s in seed..seed + count {
        let spec = random::spec(s);
        if let Err(e) = compile::unit("k", &spec.text) {
            bad += 1;
            if bad <= 15 {
                let text = match &e {
                    compile::Refusal::Rejected(t) => t.clone(),
                    compile::Refusal::Panicked(t) => format!("PANIC {t}"),
                };
                println!("seed {s}: {}", text.lines().take(12).collect::<Vec<_>>().join("\n"));
            }
        }
    }
    println!("{bad} of {count} refused");
}

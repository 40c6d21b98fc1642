//! The bound holds, and is worth something.

use vibee_spec::interp::{Drawn, Options, SizeProfile, Verdict, compare, draw, eval};
use vibee_spec::term::{DType, Kernel};

use crate::{kernels, naive};

/// Distance over bound of every element, and how many were skipped.
pub struct Tally {
    pub ratios: Vec<f64>,
    pub skipped: usize,
    wrong: usize,
}

fn try_call(k: &Kernel, call: &Drawn, seeds: u64, plant: f32, tally: &mut Tally) {
    let outputs = eval(k, &call.dims, &call.inputs, &Options::default()).unwrap();
    for seed in 0..seeds {
        let actual = naive::eval(k, &call.dims, &call.inputs, seed, plant);
        for (output, actual) in outputs.iter().zip(actual) {
            assert_eq!(output.values.len(), actual.len());
            for (n, (approx, a)) in output.values.iter().zip(actual).enumerate() {
                match compare(a, approx, &output.dtype) {
                    Verdict::Ok { ratio } => tally.ratios.push(ratio),
                    Verdict::Skipped => tally.skipped += 1,
                    Verdict::Mismatch { .. } if plant != 0.0 => tally.wrong += 1,
                    wrong => panic!("{} element {n} of {:?}: {wrong:?}\n{call:?}", k.name, output.dims),
                }
            }
        }
    }
}

/// Draws calls and tries each in several ways.
pub fn run(k: &Kernel, draws: u64, profile: SizeProfile, plant: f32) -> Tally {
    let mut tally = Tally { ratios: vec![], skipped: 0, wrong: 0 };
    for seed in 0..draws {
        let call = draw(k, seed, profile).unwrap();
        try_call(k, &call, 6, plant, &mut tally);
    }
    tally.ratios.sort_by(f64::total_cmp);
    tally
}

#[test]
fn no_allowed_evaluation_leaves_the_bound() {
    for k in kernels::all() {
        let profile = SizeProfile { dims: &[1, 2, 3, 5, 8, 17, 33, 64], work: 60_000, ..SizeProfile::SMALL };
        let tally = run(&k, 120, profile, 0.0);
        let (count, skipped) = (tally.ratios.len(), tally.skipped);
        let worst = tally.ratios.last().copied().unwrap_or(0.0);
        let median = tally.ratios.get(count / 2).copied().unwrap_or(0.0);
        println!(
            "{:16} {count:7} elements, {skipped:6} skipped, worst {worst:.3}, median {median:.4}",
            k.name
        );
        assert!(count > 500, "{}: too few elements were judged", k.name);
        assert!(skipped * 5 < count, "{}: {skipped} of {count} skipped", k.name);
        // Narrow storage usually decides exactly: then there is nothing to be loose about.
        let narrow = k.def(k.outputs[0].def).dtype == DType::BF16;
        assert!(narrow || worst > 0.02, "{}: the bound is absurdly loose, worst ratio {worst}", k.name);
    }
}

#[test]
fn specials_agree_in_class() {
    for k in kernels::all() {
        let profile = SizeProfile { work: 60_000, ..SizeProfile::SMALL }.with_specials();
        let tally = run(&k, 150, profile, 0.0);
        println!("{:16} {:7} judged, {:6} skipped", k.name, tally.ratios.len(), tally.skipped);
    }
}

#[test]
fn a_thousandth_in_one_term_is_caught() {
    // Rows of moderate length and positive terms: the planted term is a visible part of the sum.
    for k in [kernels::matmul(DType::F32), kernels::softmax(), kernels::layer_norm(), kernels::attention()] {
        let profile = SizeProfile { dims: &[4, 8, 16, 24], zeros: false, work: 60_000, ..SizeProfile::SMALL };
        let tally = run(&k, 40, profile, 1e-3);
        let judged = tally.ratios.len() + tally.wrong;
        println!("{:16} {} of {judged} caught", k.name, tally.wrong);
        assert!(tally.wrong * 2 > judged, "{}: only {} of {judged} caught", k.name, tally.wrong);
    }
}

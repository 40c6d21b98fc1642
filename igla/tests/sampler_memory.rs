//! After the first call with a vocabulary, sampling allocates nothing. Allocations are counted by a global
//! allocator, so this test has a process of its own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use igla::sampler::{Sampler, SamplerConfig};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call goes to the system allocator unchanged; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn later_calls_allocate_nothing() {
    let logits: Vec<f32> = (0..50_000).map(|n| ((n * 7_919) % 50_000) as f32 / 5_000.0).collect();
    let greedy = SamplerConfig { temperature: 0.0, ..SamplerConfig::default() };
    let filtered = SamplerConfig {
        temperature: 0.8,
        top_k: 1_000,
        top_p: 0.9,
        min_p: 0.01,
        repetition_penalty: 1.1,
        repetition_window: 3,
    };
    let wide = SamplerConfig { top_p: 0.999, ..SamplerConfig::default() };
    let mut sampler = Sampler::new(1);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    sampler.sample(&logits, &[], &SamplerConfig::default()).expect("a token");
    let warm = ALLOCATIONS.load(Ordering::Relaxed);
    assert!(warm > before, "the counter counts");
    for config in [greedy, filtered, wide] {
        for _ in 0..20 {
            sampler.sample(&logits, &[1, 2, 3, 2], &config).expect("a token");
            sampler.pick(&logits, &[1, 2], &config, 0.5).expect("a token");
            let kept = sampler.distribution(&logits, &[], &config).expect("a distribution");
            assert!(kept.map(|(_, p)| p).sum::<f64>() > 0.99);
        }
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), warm);
}

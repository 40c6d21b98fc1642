//! One matrix product as a graph of ggml's CPU backend.

use std::ffi::{CStr, c_char};
use std::ptr;

use igla_runtime::f16;
use llama_cpp_sys_2 as sys;

pub const Q4_0: u32 = sys::GGML_TYPE_Q4_0;
pub const Q8_0: u32 = sys::GGML_TYPE_Q8_0;
pub const TQ2_0: u32 = sys::GGML_TYPE_TQ2_0;

/// What instructions ggml was built with.
pub fn features() -> String {
    // SAFETY: functions without arguments that look at constants.
    let has = unsafe {
        [
            (sys::ggml_cpu_has_avx2(), "AVX2"),
            (sys::ggml_cpu_has_fma(), "FMA"),
            (sys::ggml_cpu_has_f16c(), "F16C"),
            (sys::ggml_cpu_has_avx512(), "AVX-512"),
            (sys::ggml_cpu_has_avx512_vnni(), "VNNI"),
            (sys::ggml_cpu_has_amx_int8(), "AMX"),
            (sys::ggml_cpu_has_llamafile(), "tinyBLAS"),
        ]
    };
    has.into_iter().filter(|(has, _)| *has != 0).map(|(_, name)| name).collect::<Vec<_>>().join(", ")
}

/// `y = x · wᵀ` with its memory. Never freed: the program ends soon.
pub struct Product {
    backend: sys::ggml_backend_t,
    graph: *mut sys::ggml_cgraph,
    y: *mut sys::ggml_tensor,
    len: usize,
}

impl Product {
    /// With `rearrange`, in ggml's own order for weights; `None` if it has none for these.
    pub fn new(
        kind: u32,
        [m, n, k]: [usize; 3],
        bytes: &[u8],
        x: &[f32],
        threads: usize,
        rearrange: bool,
    ) -> Option<Self> {
        // SAFETY: contexts, tensors and backends are used as ggml's own examples do, and results are checked;
        // the slices are as long as the tensors that they are copied to.
        unsafe {
            let backend = sys::ggml_backend_cpu_init();
            assert!(!backend.is_null());
            sys::ggml_backend_cpu_set_n_threads(backend, threads as i32);
            let context = || {
                sys::ggml_init(sys::ggml_init_params {
                    mem_size: 1 << 20,
                    mem_buffer: ptr::null_mut(),
                    no_alloc: true,
                })
            };
            let (weights, rest) = (context(), context());
            let w = sys::ggml_new_tensor_2d(weights, kind, k as i64, n as i64);
            let kinds = if rearrange { extra() } else { vec![sys::ggml_backend_cpu_buffer_type()] };
            kinds
                .into_iter()
                .map(|kind| sys::ggml_backend_alloc_ctx_tensors_from_buft(weights, kind))
                .find(|buffer| !buffer.is_null())?;
            // Weights that stay as they are carry nothing extra.
            if rearrange && (*w).extra.is_null() {
                return None;
            }
            let inputs = sys::ggml_new_tensor_2d(rest, sys::GGML_TYPE_F32, k as i64, m as i64);
            let y = sys::ggml_mul_mat(rest, w, inputs);
            let graph = sys::ggml_new_graph(rest);
            sys::ggml_build_forward_expand(graph, y);
            let plain = sys::ggml_backend_cpu_buffer_type();
            assert!(!sys::ggml_backend_alloc_ctx_tensors_from_buft(rest, plain).is_null());
            sys::ggml_backend_tensor_set(w, bytes.as_ptr().cast(), 0, bytes.len());
            sys::ggml_backend_tensor_set(inputs, x.as_ptr().cast(), 0, size_of_val(x));
            Some(Product { backend, graph, y, len: m * n })
        }
    }

    pub fn run(&mut self) {
        // SAFETY: both were made in `new`.
        let status = unsafe { sys::ggml_backend_graph_compute(self.backend, self.graph) };
        assert_eq!(status, sys::GGML_STATUS_SUCCESS);
    }

    pub fn result(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.len];
        // SAFETY: the tensor has so many floats.
        unsafe { sys::ggml_backend_tensor_get(self.y, out.as_mut_ptr().cast(), 0, size_of_val(&out[..])) };
        out
    }
}

/// How keys and values are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    Half,
    Single,
}

/// Causal attention over a cache, as llama.cpp asks for it. Never freed.
pub struct Attention {
    backend: sys::ggml_backend_t,
    graph: *mut sys::ggml_cgraph,
    y: *mut sys::ggml_tensor,
    len: usize,
}

impl Attention {
    /// `t` queries, the last of `s` positions: rows of all heads side by side.
    pub fn new(
        cache: Cache,
        [t, s, heads, groups, width]: [usize; 5],
        q: &[f32],
        k: &[f32],
        v: &[f32],
        threads: usize,
    ) -> Self {
        let int = |n: usize| i64::try_from(n).expect("it fits");
        // SAFETY: as of `Product::new`.
        unsafe {
            let backend = sys::ggml_backend_cpu_init();
            assert!(!backend.is_null());
            sys::ggml_backend_cpu_set_n_threads(backend, threads as i32);
            let context = sys::ggml_init(sys::ggml_init_params {
                mem_size: 1 << 20,
                mem_buffer: ptr::null_mut(),
                no_alloc: true,
            });
            let kind = if cache == Cache::Half { sys::GGML_TYPE_F16 } else { sys::GGML_TYPE_F32 };
            let tensor = |kind, a, b, c| sys::ggml_new_tensor_3d(context, kind, int(a), int(b), int(c));
            let rows = |x| sys::ggml_permute(context, x, 0, 2, 1, 3);
            let queries = tensor(sys::GGML_TYPE_F32, width, heads, t);
            let (keys, values) = (tensor(kind, width, groups, s), tensor(kind, width, groups, s));
            let padded = t.next_multiple_of(64);
            let mask = sys::ggml_new_tensor_2d(context, sys::GGML_TYPE_F16, int(s), int(padded));
            let scale = 1.0 / (width as f32).sqrt();
            let y = sys::ggml_flash_attn_ext(
                context,
                rows(queries),
                rows(keys),
                rows(values),
                mask,
                scale,
                0.0,
                0.0,
            );
            let graph = sys::ggml_new_graph(context);
            sys::ggml_build_forward_expand(graph, y);
            let plain = sys::ggml_backend_cpu_buffer_type();
            assert!(!sys::ggml_backend_alloc_ctx_tensors_from_buft(context, plain).is_null());
            let set = |x, data: &[u8]| sys::ggml_backend_tensor_set(x, data.as_ptr().cast(), 0, data.len());
            let bytes = |x: &[f32]| -> Vec<u8> { x.iter().flat_map(|v| v.to_le_bytes()).collect() };
            let halves =
                |x: &[f32]| -> Vec<u8> { x.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect() };
            let stored = |x: &[f32]| if cache == Cache::Half { halves(x) } else { bytes(x) };
            set(queries, &bytes(q));
            set(keys, &stored(k));
            set(values, &stored(v));
            let seen = |t_at: usize, s_at: usize| t_at < t && s_at <= s - t + t_at;
            let mask_of = |i: usize| if seen(i / s, i % s) { 0.0 } else { f32::NEG_INFINITY };
            set(mask, &halves(&(0..padded * s).map(mask_of).collect::<Vec<f32>>()));
            Attention { backend, graph, y, len: t * heads * width }
        }
    }

    pub fn run(&mut self) {
        // SAFETY: both were made in `new`.
        let status = unsafe { sys::ggml_backend_graph_compute(self.backend, self.graph) };
        assert_eq!(status, sys::GGML_STATUS_SUCCESS);
    }

    pub fn result(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.len];
        // SAFETY: the tensor has so many floats.
        unsafe { sys::ggml_backend_tensor_get(self.y, out.as_mut_ptr().cast(), 0, size_of_val(&out[..])) };
        out
    }
}

/// The CPU's buffer types that rearrange weights.
///
/// # Safety
/// ggml's registry is only read.
unsafe fn extra() -> Vec<sys::ggml_backend_buffer_type_t> {
    type Types = unsafe extern "C" fn(sys::ggml_backend_dev_t) -> *mut sys::ggml_backend_buffer_type_t;
    const NAME: &CStr = c"ggml_backend_dev_get_extra_bufts";
    // SAFETY: the name stands for a function of this type, which returns a list that ends with null.
    unsafe {
        let device = sys::ggml_backend_dev_by_type(sys::GGML_BACKEND_DEVICE_TYPE_CPU);
        let registry = sys::ggml_backend_dev_backend_reg(device);
        let found = sys::ggml_backend_reg_get_proc_address(registry, NAME.as_ptr().cast::<c_char>());
        if found.is_null() {
            return Vec::new();
        }
        let types = std::mem::transmute::<*mut std::ffi::c_void, Types>(found.cast())(device);
        let mut out = Vec::new();
        let mut at = types;
        while !at.is_null() && !(*at).is_null() {
            out.push(*at);
            at = at.add(1);
        }
        out
    }
}

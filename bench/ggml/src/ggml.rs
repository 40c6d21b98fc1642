//! One matrix product as a graph of ggml's CPU backend.

use std::ffi::{CStr, c_char};
use std::ptr;

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

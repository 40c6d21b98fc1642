// oneDNN's matrix product behind four functions of C. Weights are reordered once, as its own users do.

#include <dnnl.hpp>
#include <omp.h>

using namespace dnnl;
using type = memory::data_type;
using tag = memory::format_tag;

namespace {

struct product {
    engine cpu;
    stream order;
    matmul run;
    memory src, weights, dst;
};

type type_of(int kind, bool weights) {
    switch (kind) {
        case 0: return type::f32;
        case 1: return type::bf16;
        case 2: return weights ? type::s8 : type::u8;
        default: return type::s8;
    }
}

} // namespace

extern "C" {

// The library's version, as a number of two decimals a part.
int onednn_version() {
    const dnnl_version_t *v = dnnl_version();
    return (v->major * 100 + v->minor) * 100 + v->patch;
}

// C[m, n] = sum over k of A[m, k] * B[n, k]; kind 0: f32, 1: bf16 to f32, 2: bytes to whole numbers of 32 bits, A's
// unsigned, 3: the same, all signed.
product *onednn_new(int kind, long m, long n, long k, int threads, void *a, void *b, void *c) {
    omp_set_num_threads(threads);
    engine cpu(engine::kind::cpu, 0);
    const type x = type_of(kind, false), w = type_of(kind, true);
    const type y = kind >= 2 ? type::s32 : type::f32;
    const memory::desc src({m, k}, x, tag::ab), dst({m, n}, y, tag::ab);
    const memory::desc given({k, n}, w, tag::ba), any({k, n}, w, tag::any);
    const matmul::primitive_desc chosen(matmul::desc(src, any, dst), cpu);
    auto *p = new product {cpu, stream(cpu), matmul(chosen), memory(src, cpu, a),
            memory(chosen.weights_desc(), cpu), memory(dst, cpu, c)};
    memory as_given(given, cpu, b);
    reorder(as_given, p->weights).execute(p->order, as_given, p->weights);
    p->order.wait();
    return p;
}

void onednn_run(product *p) {
    p->run.execute(p->order, {{DNNL_ARG_SRC, p->src}, {DNNL_ARG_WEIGHTS, p->weights}, {DNNL_ARG_DST, p->dst}});
    p->order.wait();
}

void onednn_free(product *p) { delete p; }
}

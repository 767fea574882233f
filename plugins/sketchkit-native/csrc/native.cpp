// A stepper of compiled code for sketchkit: every instruction set in one library, chosen when it is used.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "density.h"
#include "interface.h"

#define SKETCHKIT_TEXT(words) _Pragma(#words)
#if defined(__clang__)
#define SKETCHKIT_TARGET(names) \
    SKETCHKIT_TEXT(clang attribute push(__attribute__((target(names))), apply_to = function))
#define SKETCHKIT_TARGET_END SKETCHKIT_TEXT(clang attribute pop)
#else
#define SKETCHKIT_TARGET(names) SKETCHKIT_TEXT(GCC push_options) SKETCHKIT_TEXT(GCC target(names))
#define SKETCHKIT_TARGET_END SKETCHKIT_TEXT(GCC pop_options)
#endif

namespace portable {
#include "lanes_portable.h"
#include "functions.h"
#include "products.h"
#include "kernels.h"
#include "draws.h"
}  // namespace portable

#if defined(__x86_64__)

SKETCHKIT_TARGET("avx2,fma")
namespace avx2 {
#include "lanes_avx2.h"
#include "functions.h"
#include "products.h"
#include "kernels.h"
#include "draws.h"
}  // namespace avx2
SKETCHKIT_TARGET_END

SKETCHKIT_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
namespace avx512 {
#include "lanes_avx512.h"
#include "functions.h"
#include "products.h"
#include "kernels.h"
#include "draws.h"
}  // namespace avx512
SKETCHKIT_TARGET_END

SKETCHKIT_TARGET("avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
namespace avx512_bf16 {
#define SKETCHKIT_BFLOAT16
#include "lanes_avx512.h"
#include "functions.h"
#include "products.h"
#include "kernels.h"
#include "draws.h"
#undef SKETCHKIT_BFLOAT16
}  // namespace avx512_bf16
SKETCHKIT_TARGET_END

SKETCHKIT_TARGET("avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
namespace avx512_vnni {
#define SKETCHKIT_INT8
#include "lanes_avx512.h"
#include "functions.h"
#include "products.h"
#include "kernels.h"
#include "draws.h"
#undef SKETCHKIT_INT8
}  // namespace avx512_vnni
SKETCHKIT_TARGET_END

#endif

namespace {

// In the order of sketchkit_native.library.SETS.
enum Set { kPortable, kAvx2, kAvx512, kAvx512Bf16, kAvx512Vnni };

const Kernels* kernels_of(int64_t set) {
    switch (set) {
        case kPortable: return &portable::kernels;
#if defined(__x86_64__)
        case kAvx2: return &avx2::kernels;
        case kAvx512: return &avx512::kernels;
        case kAvx512Bf16: return &avx512_bf16::kernels;
        case kAvx512Vnni: return &avx512_vnni::kernels;
#endif
        default: return nullptr;
    }
}

#if defined(__x86_64__)
bool has_avx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

}  // namespace

#define SKETCHKIT_API extern "C" __attribute__((visibility("default")))

// Whether this processor has an instruction set.
SKETCHKIT_API int64_t sketchkit_native_has(int64_t set) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    switch (set) {
        case kAvx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        case kAvx512: return has_avx512();
        case kAvx512Bf16: return has_avx512() && __builtin_cpu_supports("avx512bf16");
        case kAvx512Vnni: return has_avx512() && __builtin_cpu_supports("avx512vnni");
        default: break;
    }
#endif
    return set == kPortable;
}

// How many numbers a vector of an instruction set holds.
SKETCHKIT_API int64_t sketchkit_native_lanes(int64_t set) { return kernels_of(set)->lanes; }

SKETCHKIT_API void sketchkit_native_step(int64_t set, const Model* model, const State* state, int64_t batch,
                                         const float* rows, float* raw) {
    kernels_of(set)->step(*model, *state, batch, rows, raw);
}

SKETCHKIT_API int64_t sketchkit_native_draw(int64_t set, const Model* model, const State* state, int64_t batch,
                                            const Draw* draw) {
    return kernels_of(set)->draw(*model, *state, batch, *draw);
}

SKETCHKIT_API void sketchkit_native_linear(int64_t set, const Linear* layer, int64_t batch, const float* in,
                                           float* out) {
    kernels_of(set)->linear(*layer, batch, in, out);
}

SKETCHKIT_API void sketchkit_native_activate(int64_t set, int64_t which, int64_t count, const float* in, float* out) {
    kernels_of(set)->activate(which, count, in, out);
}

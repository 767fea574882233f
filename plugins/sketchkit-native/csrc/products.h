// How a precision multiplies: words of 32 bits, each one number of float32, two of bfloat16 or four of int8.
// Included inside the namespaces of instruction sets.
//
// The two instructions that are written out have intrinsics, too, but around those some compilers move and
// spill the sums at every step, which takes twice the time.

#if defined(SKETCHKIT_BFLOAT16)
// Pairs of bfloat16; sums in float32.
struct Half {
    using Sum = Vec;
    static inline Sum start(const Model&, int64_t) { return splat(0.0f); }
    static inline Sum add(Sum sum, Vec weights, Vec word) {
        asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(word), "v"(weights));
        return sum;
    }
    static inline Vec value(Sum sum, const Model&, int64_t) { return sum; }
    // `out` has room for `words`; what lies past the last output is zero in the state already.
    static inline void encode(const float* in, int64_t count, float* out) {
        auto* to = reinterpret_cast<char*>(out);
        for (int64_t k = 0; k < count; k += kLanes)
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 2 * k), (__m256i)_mm512_cvtneps_pbh(load(in + k)));
    }
    static constexpr bool kEncodes = true;
};
using CellProduct = Half;
#elif defined(SKETCHKIT_INT8)
// Fours of 8 bits: outputs, which lie in -1..1, times 127 and moved up by 128; sums in int32, which are exact.
struct Eighth {
    using Sum = __m512i;
    static inline Sum start(const Model& model, int64_t at) { return _mm512_loadu_si512(model.start + at); }
    static inline Sum add(Sum sum, Vec weights, Vec word) {
        asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(word), "v"(weights));
        return sum;
    }
    static inline Vec value(Sum sum, const Model& model, int64_t at) {
        return _mm512_cvtepi32_ps(sum) * load(model.scale + at);
    }
    static inline void encode(const float* in, int64_t count, float* out) {
        auto* to = reinterpret_cast<char*>(out);
        for (int64_t k = 0; k < count; k += kLanes) {
            const __m512i whole = _mm512_cvtps_epi32(load(in + k) * splat(127.0f));
            // A state from elsewhere may hold more than 1; it counts as the limit.
            const __m512i raised = _mm512_add_epi32(whole, _mm512_set1_epi32(128));
            const __m512i bounded = _mm512_max_epi32(raised, _mm512_setzero_si512());
            _mm_storeu_si128(reinterpret_cast<__m128i*>(to + k), _mm512_cvtusepi32_epi8(bounded));
        }
    }
    static constexpr bool kEncodes = true;
};
using CellProduct = Eighth;
#endif

struct Full {
    using Sum = Vec;
    static inline Sum start(const Model&, int64_t) { return splat(0.0f); }
    static inline Sum add(Sum sum, Vec weights, Vec word) { return fma(weights, word, sum); }
    static inline Vec value(Sum sum, const Model&, int64_t) { return sum; }
    static inline void encode(const float*, int64_t, float*) {}
    static constexpr bool kEncodes = false;
};
#if !defined(SKETCHKIT_BFLOAT16) && !defined(SKETCHKIT_INT8)
using CellProduct = Full;
#endif

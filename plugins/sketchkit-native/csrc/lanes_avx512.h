// Sixteen lanes of AVX-512. Included once for each precision, inside its namespace and its target.
using Vec = __m512;
constexpr int kLanes = 16;
constexpr int kRows = 6;  // rows of a microkernel: 6 x 4 sums, 4 weights and a row's own number in 32 registers

static inline Vec load(const float* from) { return _mm512_loadu_ps(from); }
static inline void store(float* to, Vec value) { _mm512_storeu_ps(to, value); }
static inline Vec splat(float value) { return _mm512_set1_ps(value); }
static inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
// The second operand comes out where either is nan.
static inline Vec smaller(Vec limit, Vec value) { return _mm512_min_ps(limit, value); }
static inline Vec larger(Vec limit, Vec value) { return _mm512_max_ps(limit, value); }
static inline Vec absolute(Vec value) { return _mm512_abs_ps(value); }
static inline Vec root(Vec value) { return _mm512_sqrt_ps(value); }
static inline Vec nearest(Vec value) {
    return _mm512_roundscale_ps(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// value * 2^power, power a whole number.
static inline Vec scaled(Vec value, Vec power) { return _mm512_scalef_ps(value, power); }

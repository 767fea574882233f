// Eight lanes of AVX2 and FMA.
using Vec = __m256;
constexpr int kLanes = 8;
constexpr int kRows = 3;  // 3 x 4 sums, 3 rows' own numbers and a weight in 16 registers

static inline Vec load(const float* from) { return _mm256_loadu_ps(from); }
static inline void store(float* to, Vec value) { _mm256_storeu_ps(to, value); }
static inline Vec splat(float value) { return _mm256_set1_ps(value); }
static inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
// The second operand comes out where either is nan.
static inline Vec smaller(Vec limit, Vec value) { return _mm256_min_ps(limit, value); }
static inline Vec larger(Vec limit, Vec value) { return _mm256_max_ps(limit, value); }
static inline Vec absolute(Vec value) { return _mm256_andnot_ps(splat(-0.0f), value); }
static inline Vec root(Vec value) { return _mm256_sqrt_ps(value); }
static inline Vec nearest(Vec value) {
    return _mm256_round_ps(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// value * 2^power, power a whole number in -126..127.
static inline Vec scaled(Vec value, Vec power) {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(power), _mm256_set1_epi32(127));
    return value * _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}

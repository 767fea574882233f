// Four lanes in the compiler's own vectors, which it turns into SSE2, NEON or whatever there is.
typedef float Vec __attribute__((vector_size(16)));
typedef int32_t Whole __attribute__((vector_size(16)));
constexpr int kLanes = 4;
#if defined(__aarch64__)
constexpr int kRows = 6;  // 32 registers
#else
constexpr int kRows = 2;
#endif

static inline Vec load(const float* from) {
    Vec out;
    std::memcpy(&out, from, sizeof out);
    return out;
}
static inline void store(float* to, Vec value) { std::memcpy(to, &value, sizeof value); }
static inline Vec splat(float value) { return Vec{value, value, value, value}; }
static inline Vec fma(Vec a, Vec b, Vec c) {
#if defined(__aarch64__)
    return vfmaq_f32(c, a, b);
#else
    return a * b + c;  // a fused one would be a call of a function on a processor without
#endif
}
// The value comes out where either is nan.
static inline Vec smaller(Vec limit, Vec value) { return limit < value ? limit : value; }
static inline Vec larger(Vec limit, Vec value) { return limit > value ? limit : value; }
static inline Vec absolute(Vec value) {
    Whole bits;
    std::memcpy(&bits, &value, sizeof bits);
    bits &= 0x7fffffff;
    std::memcpy(&value, &bits, sizeof bits);
    return value;
}
static inline Vec root(Vec value) {
    for (int i = 0; i < kLanes; ++i) value[i] = std::sqrt(value[i]);
    return value;
}
// To a whole number, of values up to 2^22.
static inline Vec nearest(Vec value) { return (value + 12582912.0f) - 12582912.0f; }
// value * 2^power, power a whole number in -126..127.
static inline Vec scaled(Vec value, Vec power) {
    const Whole bits = (__builtin_convertvector(power, Whole) + 127) << 23;
    Vec factor;
    std::memcpy(&factor, &bits, sizeof factor);
    return value * factor;
}

// Functions over lanes, good to a millionth. Included once for each instruction set, before the kernels.

// e^x = 2^n (1 + p), |log2 e * x - n| <= 1/2: p and n. The polynomial is a fit of our own, good to 3e-8.
static inline Vec reduced(Vec x, Vec& n) {
    n = nearest(x * splat(1.44269504f));
    Vec r = fma(n, splat(-0.693359375f), x);
    r = fma(n, splat(2.12194440e-4f), r);
    Vec q = fma(r, splat(1.393373322e-3f), splat(8.363235385e-3f));
    q = fma(q, r, splat(4.166646417e-2f));
    q = fma(q, r, splat(1.666657664e-1f));
    q = fma(q, r, splat(5.000000014e-1f));
    return fma(r * r, q, r);
}

// e^x; what lies outside of -87..88 counts as the limit.
static inline Vec exponential(Vec x) {
    Vec n;
    const Vec p = reduced(smaller(splat(88.0f), larger(splat(-87.0f), x)), n);
    return scaled(p + 1.0f, n);
}

// e^2x - 1, exact for small x too; beyond |x| = 10 its tanh is 1.
static inline Vec less_one(Vec x) {
    Vec n;
    const Vec p = reduced(smaller(splat(20.0f), larger(splat(-20.0f), x + x)), n);
    const Vec power = scaled(splat(1.0f), n);
    return fma(power, p, power - 1.0f);
}

static inline Vec sigmoid(Vec x) { return 1.0f / (1.0f + exponential(-x)); }

static inline Vec tanh(Vec x) {
    const Vec m = less_one(x);
    return m / (m + 2.0f);
}

// sigmoid(x) tanh(y), with one division.
static inline Vec gated(Vec x, Vec y) {
    const Vec m = less_one(y);
    return m / ((m + 2.0f) * (1.0f + exponential(-x)));
}

// log(1 + x), x in 0..1: twice the inverse of tanh at x / (2 + x).
static inline Vec log_of_more(Vec x) {
    const Vec s = x / (x + 2.0f), u = s * s;
    Vec q = fma(u, splat(1.343377665e-1f), splat(1.411697758e-1f));
    q = fma(q, u, splat(2.000383545e-1f));
    q = fma(q, u, splat(3.333331983e-1f));
    return 2.0f * fma(s * u, q, s);
}

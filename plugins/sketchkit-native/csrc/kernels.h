// The products and the step of an LSTM. Included once for each instruction set and precision, inside a
// namespace that has lanes and the right target.
//
// Every sum goes over k one by one, in every microkernel: a row comes out the same to the last bit whatever
// the number of rows beside it.

// --- products -------------------------------------------------------------------------------------------

// Sums of R rows, `stride` words apart, with NV vectors of columns.
template <class Product, int R, int NV>
static inline __attribute__((always_inline)) void multiply(const float* in, int64_t stride, const float* weights,
                                                           int64_t words,
                                                           typename Product::Sum (&sums)[R][NV]) {
    for (int64_t k = 0; k < words; ++k) {
        Vec w[NV];
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) {
            w[v] = load(weights + (k * NV + v) * kLanes);
        }
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
            const Vec word = splat(in[r * stride + k]);
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) sums[r][v] = Product::add(sums[r][v], w[v], word);
        }
    }
}

// Calls Kernel::run<R> on all rows, up to kRows at once and as evenly as can be.
template <class Kernel, int R = kRows>
static inline void in_groups_of(int64_t size, const Kernel& kernel, int64_t row, int64_t panel) {
    if (size == R) return kernel.template run<R>(row, panel);
    if constexpr (R > 1) in_groups_of<Kernel, R - 1>(size, kernel, row, panel);
}

template <class Kernel>
static inline void over_rows(int64_t rows, const Kernel& kernel, int64_t panel) {
    const int64_t groups = (rows + kRows - 1) / kRows;
    for (int64_t g = 0; g < groups; ++g) {
        const int64_t begin = rows * g / groups, end = rows * (g + 1) / groups;
        in_groups_of(end - begin, kernel, begin, panel);
    }
}

struct LinearKernel {
    const Linear& layer;
    const float* in;
    float* out;
    int64_t stride;  // of `out`, as wide as whole panels at least

    template <int R>
    void run(int64_t row, int64_t panel) const {
        const float* bias = layer.bias + panel * 2 * kLanes;
        Vec sums[R][2];
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) sums[r][0] = load(bias), sums[r][1] = load(bias + kLanes);
        const float* weights = layer.weights + panel * layer.inputs * 2 * kLanes;
        multiply<Full, R, 2>(in + row * layer.inputs, layer.inputs, weights, layer.inputs, sums);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
            float* to = out + (row + r) * stride + panel * 2 * kLanes;
            store(to, sums[r][0]), store(to + kLanes, sums[r][1]);
        }
    }
};

static int64_t panels_of(const Linear& layer) { return (layer.outputs + 2 * kLanes - 1) / (2 * kLanes); }
static int64_t width_of(const Linear& layer) { return panels_of(layer) * 2 * kLanes; }

// [rows, K] to [rows, width_of]
static void apply(const Linear& layer, int64_t rows, const float* in, float* out) {
    const LinearKernel kernel{layer, in, out, width_of(layer)};
    for (int64_t p = 0; p < panels_of(layer); ++p) over_rows(rows, kernel, p);
}

// --- the cell -------------------------------------------------------------------------------------------

// The four gates of as many units as a vector holds, and all that comes of them without leaving the registers.
struct CellKernel {
    const Model& model;
    const State& state;
    const float* read;   // [rows, 8], what the cell reads of each
    const float* words;  // [rows, words], the outputs before, as the product wants them

    // What the sums will meet lies rows apart, where no prefetcher looks for it.
    inline void fetch(int64_t row, int64_t panel) const {
        const int64_t at = row * model.hidden + panel * kLanes;
        __builtin_prefetch(state.c + at);
        __builtin_prefetch(state.h_after + at, 1);
        for (int g = 0; !model.bias && g < 4; ++g) __builtin_prefetch(state.shared + 4 * at + g * kLanes);
    }

    template <int R>
    void run(int64_t row, int64_t panel) const {
        for (int r = 0; r < R; ++r) fetch(row + r, panel);
        typename CellProduct::Sum sums[R][4];
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
            for (int g = 0; g < 4; ++g) sums[r][g] = CellProduct::start(model, (panel * 4 + g) * kLanes);
        const auto* weights = static_cast<const float*>(model.recurrent) + panel * model.words * 4 * kLanes;
        multiply<CellProduct, R, 4>(words + row * model.words, model.words, weights, model.words, sums);
        // By way of the nearest cache: a compiler that sees no further keeps its registers for the sums.
        alignas(64) float values[R][4][kLanes];
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
            for (int g = 0; g < 4; ++g)
                store(values[r][g], CellProduct::value(sums[r][g], model, (panel * 4 + g) * kLanes));
        for (int r = 0; r < R; ++r) finish(row + r, panel, values[r]);
    }

    void finish(int64_t row, int64_t panel, const float (&values)[4][kLanes]) const {
        const float* weights = model.rows + panel * model.reads * 4 * kLanes;
        const float* shared = (model.bias ? model.bias : state.shared + row * 4 * model.hidden) + panel * 4 * kLanes;
        Vec gates[4];
#pragma GCC unroll 4
        for (int g = 0; g < 4; ++g) gates[g] = load(shared + g * kLanes);
        for (int64_t k = 0; k < model.reads; ++k) {
            const Vec value = splat(read[row * 8 + k]);
#pragma GCC unroll 4
            for (int g = 0; g < 4; ++g) gates[g] = fma(load(weights + (k * 4 + g) * kLanes), value, gates[g]);
        }
#pragma GCC unroll 4
        for (int g = 0; g < 4; ++g) gates[g] = gates[g] + load(values[g]);
        const int64_t at = row * model.hidden + panel * kLanes;
        const Vec c = fma(sigmoid(gates[1]), load(state.c + at), gated(gates[0], gates[2]));
        store(state.c_after + at, c);
        store(state.h_after + at, gated(gates[3], c));
    }
};

// Rows that go through all panels together: their outputs stay in the cache while weights come and go.
constexpr int64_t kBlock = 96;

// A part of a batch.
static State from_row(const Model& m, const State& s, int64_t row) {
    const int64_t h = row * m.hidden;
    return {s.h + h,
            s.c + h,
            s.at ? s.at + 2 * row : nullptr,
            s.shared ? s.shared + 4 * h : nullptr,
            s.h_after + h,
            s.c_after + h,
            s.at_after ? s.at_after + 2 * row : nullptr};
}

struct Scratch {
    std::vector<float> read, words, raw, chances, cumulative;

    Scratch(const Model& m, int64_t batch, bool all) {
        const int64_t rows = std::min(batch, kBlock), logits = m.mixtures + 3 + 2 * kLanes;
        read.resize(rows * 8);
        if (CellProduct::kEncodes) words.resize(rows * m.words);
        // A vector may be loaded from the last number of a row.
        if (all) raw.resize(rows * width_of(m.output) + kLanes);
        else raw.resize(rows * width_of(m.head) + kLanes);
        chances.resize(logits), cumulative.resize(logits);
    }
};

// One step of up to kBlock rows. Every other turn goes through the panels backwards: those that the one before
// ended with are in the cache still.
static void advance(const Model& model, const State& state, int64_t rows, const float* points, int64_t turn,
                    Scratch& scratch) {
    for (int64_t r = 0; r < rows; ++r) {
        float* read = scratch.read.data() + 8 * r;
        std::memcpy(read, points + 5 * r, 5 * sizeof(float));
        for (int64_t i = 0; state.at && i < 2; ++i)
            read[5 + i] = state.at_after[2 * r + i] = state.at[2 * r + i] + read[i];
    }
    const float* words = state.h;
    if (CellProduct::kEncodes) {
        words = scratch.words.data();
        for (int64_t r = 0; r < rows; ++r)
            CellProduct::encode(state.h + r * model.hidden, model.hidden, scratch.words.data() + r * model.words);
    }
    const CellKernel kernel{model, state, scratch.read.data(), words};
    const int64_t panels = model.hidden / kLanes;
    for (int64_t p = 0; p < panels; ++p) over_rows(rows, kernel, turn % 2 ? panels - 1 - p : p);
}

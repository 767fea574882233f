// Points drawn from outputs, and the functions that Python calls. Included after the kernels.

// Five sums at once, each over lanes first and then over those in order.
static inline void chosen_of(const Model& model, const float* hidden, int64_t component, float (&out)[5]) {
    const float* weights = model.components + component * 5 * model.hidden;
    Vec sums[5];
    for (int j = 0; j < 5; ++j) sums[j] = splat(0.0f);
    for (int64_t k = 0; k < model.hidden; k += kLanes) {
        const Vec value = load(hidden + k);
#pragma GCC unroll 5
        for (int j = 0; j < 5; ++j) sums[j] = fma(load(weights + j * model.hidden + k), value, sums[j]);
    }
    for (int j = 0; j < 5; ++j) {
        float lanes[kLanes], sum = model.offsets[component * 5 + j];
        store(lanes, sums[j]);
        for (int i = 0; i < kLanes; ++i) sum += lanes[i];
        out[j] = sum;
    }
}

static int64_t pick(const float* logits, int64_t count, float softening, float uniform, Scratch& scratch) {
    float* chances = scratch.chances.data();
    for (int64_t i = 0; i < count; i += kLanes) store(chances + i, load(logits + i) / softening);
    const Vec most = splat(density::heaviest(chances, count));
    for (int64_t i = 0; i < count; i += kLanes) store(chances + i, exponential(load(chances + i) - most));
    return density::picked(chances, count, uniform, scratch.cumulative.data());
}

static inline Vec saturated(Vec distance, Vec scale) {
    return smaller(splat(1e15f), larger(splat(-1e15f), distance * scale));
}

// e^-x of any x up to 80 below 0; nothing at all where there is nothing left of it.
static inline Vec shrunk(Vec x) {
    const Vec half = exponential(0.5f * smaller(splat(80.0f), -x));
    return half * half;
}

// The log density of an offset under each component and the log of its share; see MixtureDensity.log_prob.
static void joint_of(const float* raw, int64_t mixtures, const float* point, float* out) {
    const float* logits = raw + 3;
    const density::LogSum all = density::log_sum(logits, mixtures);
    const Vec most = splat(all.most), rest = splat(static_cast<float>(all.rest));
    for (int64_t i = 0; i < mixtures; i += kLanes) {
        const float* from = logits + mixtures + i;
        const Vec log_sx = load(from + 2 * mixtures), log_sy = load(from + 3 * mixtures), a = load(from + 4 * mixtures);
        // With t = e^-2|a| the axes have the factors sqrt(1 + t) / 2 and sqrt(1 + t) / 2 e^|a|.
        const Vec size = absolute(a), t = exponential(-2.0f * size), narrow = 0.5f * root(1.0f + t);
        const Vec wide = narrow * exponential(smaller(splat(80.0f), size));
        const Vec zx = saturated(splat(point[0]) - load(from), shrunk(log_sx));
        const Vec zy = saturated(splat(point[1]) - load(from + mixtures), shrunk(log_sy));
        const Vec sum = zx + zy, difference = zx - zy, zero = splat(0.0f);
        // Along the axis that rho favours the factor is the narrow one.
        const Vec positive = larger(zero, a) / larger(splat(1e-30f), size), negative = 1.0f - positive;
        const Vec along = saturated(sum, narrow * positive + wide * negative);
        const Vec across = saturated(difference, wide * positive + narrow * negative);
        const Vec half_log_det = log_sx + log_sy + 0.69314718f - size - log_of_more(t);
        const Vec log_density = -1.83787707f - half_log_det - 0.5f * (along * along + across * across);
        store(out + i, (load(logits + i) - most) - rest + log_density);
    }
}

// The negative log-likelihood of a point under the model itself; an end row's is that of its pen state alone.
static float loss_of(const Model& model, const float* raw, const float* point, Scratch& scratch) {
    const int64_t pen = point[2] != 0.0f ? 0 : point[3] != 0.0f ? 1 : 2;
    double likelihood = raw[pen] - density::log_sum(raw, 3).whole();
    if (pen != 2) {
        float* joint = scratch.chances.data();
        joint_of(raw, model.mixtures, point, joint);
        likelihood += density::log_sum(joint, model.mixtures).whole();
    }
    return static_cast<float>(-likelihood);
}

// One point for a row: `raw` holds the logits.
static void draw_row(const Model& model, const Rule& rule, const float* raw, const float* hidden,
                     const float (&uniform)[4], float* out, Scratch& scratch) {
    const auto softening = static_cast<float>(rule.softening);
    const int64_t component = pick(raw + 3, model.mixtures, softening, uniform[0], scratch);
    const int64_t pen = pick(raw, 3, softening, uniform[1], scratch);
    float chosen[5];
    double normal[2];
    chosen_of(model, hidden, component, chosen);
    density::normals(rule, uniform[2], uniform[3], normal);
    density::point(rule, chosen, normal, pen, out);
}

// Points of up to kBlock rows, from `row` on; whether one of them ends its drawing.
static bool draw_block(const Model& model, const Draw& draw, const State& state, int64_t row, int64_t rows,
                       int64_t batch, int64_t k, Scratch& scratch) {
    const Linear& layer = draw.losses ? model.output : model.head;
    float* raw = scratch.raw.data();
    apply(layer, rows, state.h_after, raw);
    bool ended = false;
    for (int64_t r = 0; r < rows; ++r) {
        const float* noise = draw.uniforms + (row + r) * draw.stride_row + k * draw.stride_step;
        const float uniform[4] = {noise[0], noise[draw.stride_number], noise[2 * draw.stride_number],
                                  noise[3 * draw.stride_number]};
        const float* mine = raw + r * width_of(layer);
        float* point = draw.points + (k * batch + row + r) * 5;
        draw_row(model, draw.rule, mine, state.h_after + r * model.hidden, uniform, point, scratch);
        if (draw.losses) draw.losses[k * batch + row + r] = loss_of(model, mine, point, scratch);
        ended |= point[4] == 1.0f;
    }
    return ended;
}

// As many steps as asked for, or up to the first after which a drawing ends. h goes back and forth between
// its two places; an even number of steps leaves it in the first.
static int64_t draw(const Model& model, const State& whole, int64_t batch, const Draw& draw) {
    Scratch scratch(model, batch, draw.losses != nullptr);
    const int64_t blocks = (batch + kBlock - 1) / kBlock;
    State state = whole;
    const float* points = draw.rows;
    for (int64_t k = 0; k < draw.steps; ++k) {
        bool ended = false;
        for (int64_t b = 0; b < blocks; ++b) {
            const int64_t row = batch * b / blocks, rows = batch * (b + 1) / blocks - row;
            const State part = from_row(model, state, row);
            advance(model, part, rows, points + 5 * row, k * blocks + b, scratch);
            ended |= draw_block(model, draw, part, row, rows, batch, k, scratch);
        }
        if (ended) return k + 1;
        points = draw.points + k * batch * 5;
        float* before = const_cast<float*>(state.h);
        state.h = state.h_after, state.h_after = before;
        state.c = state.c_after, state.at = state.at_after;
    }
    return draw.steps;
}

// One step and all raw outputs, [batch, 6M + 3].
static void step(const Model& model, const State& whole, int64_t batch, const float* rows, float* raw) {
    Scratch scratch(model, batch, true);
    const int64_t blocks = (batch + kBlock - 1) / kBlock, width = model.output.outputs;
    for (int64_t b = 0; b < blocks; ++b) {
        const int64_t row = batch * b / blocks, count = batch * (b + 1) / blocks - row;
        const State part = from_row(model, whole, row);
        advance(model, part, count, rows + 5 * row, b, scratch);
        apply(model.output, count, part.h_after, scratch.raw.data());
        for (int64_t r = 0; r < count; ++r)
            std::memcpy(raw + (row + r) * width, scratch.raw.data() + r * width_of(model.output),
                        width * sizeof(float));
    }
}

// [batch, K] to [batch, outputs], which must be whole panels.
static void linear(const Linear& layer, int64_t batch, const float* in, float* out) { apply(layer, batch, in, out); }

// The functions by themselves, for tests: 0 sigmoid, 1 tanh, 2 exponential, 3 log of more.
static void activate(int64_t which, int64_t count, const float* in, float* out) {
    for (int64_t i = 0; i + kLanes <= count; i += kLanes) {
        const Vec x = load(in + i);
        store(out + i, which == 0 ? sigmoid(x) : which == 1 ? tanh(x) : which == 2 ? exponential(x) : log_of_more(x));
    }
}

static constexpr Kernels kernels{step, draw, linear, activate, kLanes};

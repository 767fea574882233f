// What Python and the kernels hand each other; the structures of sketchkit_native/library.py, field by field.
#pragma once

#include <cstdint>

// A linear layer, out = bias + weights in, packed in panels of two vectors of columns.
struct Linear {
    int64_t inputs;        // K
    int64_t outputs;       // columns, without the padding of the last panel
    const float* weights;  // [panels, K, 2, lanes]
    const float* bias;     // [panels, 2, lanes]
};

// A model, packed for one instruction set. H is padded to whole vectors, here and in every state.
struct Model {
    int64_t hidden;           // H, padded
    int64_t reads;            // numbers of a row that the cell reads, 5 or 7
    int64_t mixtures;         // M
    int64_t words;            // of 32 bits that an output of the cell takes, in the precision of the products
    const void* recurrent;    // [panels, words, 4, lanes], each a word
    const float* rows;        // [panels, reads, 4, lanes]
    const float* bias;        // [panels, 4, lanes]; null where it is a part of `shared`
    const float* scale;       // [panels, 4, lanes], int8 only: what a sum is multiplied by
    const int32_t* start;     // [panels, 4, lanes], int8 only: what a sum begins with
    Linear head;              // pen and component logits, 3 + M
    Linear output;            // all 6M + 3
    const float* components;  // [M, 5, H]: the weights of a component's parameters
    const float* offsets;     // [M, 5]: their biases
};

// The state of B rows; what is read and what is written may be the same but for h.
struct State {
    const float* h;       // [B, H]
    const float* c;       // [B, H]
    const float* at;      // [B, 2]; null where the cell reads 5 numbers
    const float* shared;  // [B, panels, 4, lanes]; null without context
    float* h_after;
    float* c_after;
    float* at_after;
};

// How points are drawn; see sketchkit.sampling.DrawRule.
struct Rule {
    double softening;
    double log_sigma_shift;
    double share;  // of the uniform number that stands for the radius: 1 - exp(-r^2 / 2)
};

struct Draw {
    Rule rule;
    int64_t steps;          // at the most
    const float* rows;      // [B, 5], what each drawing reads first
    const float* uniforms;  // [B, steps, 4], with these strides, in numbers
    int64_t stride_row;
    int64_t stride_step;
    int64_t stride_number;
    float* points;  // [steps, B, 5]
    float* losses;  // [steps, B], or null
};

// What an instruction set offers.
struct Kernels {
    void (*step)(const Model&, const State&, int64_t batch, const float* rows, float* raw);
    int64_t (*draw)(const Model&, const State&, int64_t batch, const Draw&);
    void (*linear)(const Linear&, int64_t batch, const float* in, float* out);
    void (*activate)(int64_t which, int64_t count, const float* in, float* out);
    int64_t lanes;
};

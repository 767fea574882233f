// The mixture density of one row: what sketchkit/density.py does with a batch, in the same steps.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "interface.h"

namespace density {

constexpr double kMaxLogSigma = 20.0;  // as sketchkit.density.MAX_LOG_SIGMA
constexpr double kMaxAtanh = 40.0;     // as sketchkit.density.MAX_ATANH
constexpr double kTwoPi = 6.283185307179586476925286766559;
constexpr float kSteps = 8388608.0f;  // 2^23

// Inverts a cumulative distribution in whole steps of 2^-23, whose sums are exact. Of nan comes the first.
inline int64_t picked(const float* weights, int64_t count, float uniform, float* cumulative) {
    double total = 0.0;
    for (int64_t i = 0; i < count; ++i) total += weights[i];
    const float sum = static_cast<float>(total);
    float reached = 0.0f;
    for (int64_t i = 0; i < count; ++i) cumulative[i] = reached += std::floor(weights[i] / sum * kSteps);
    const float target = uniform * reached;
    int64_t index = 0;
    for (int64_t i = 0; i < count; ++i) index += cumulative[i] < target;
    return index;
}

// The heaviest of some logits; nan if one is.
inline float heaviest(const float* logits, int64_t count) {
    float most = logits[0];
    for (int64_t i = 1; i < count; ++i) most = logits[i] > most || logits[i] != logits[i] ? logits[i] : most;
    return most;
}

// Two standard normal numbers no further from 0 than the rule says, rounded to float32 as there.
inline void normals(const Rule& rule, double radius_u, double angle_u, double (&out)[2]) {
    const double radius = std::sqrt(-2.0 * std::log1p(-(radius_u * rule.share)));
    const double angle = angle_u * kTwoPi;
    out[0] = static_cast<float>(radius * std::cos(angle));
    out[1] = static_cast<float>(radius * std::sin(angle));
}

inline double sigma(double log_sigma, double shift) {
    const double shifted = log_sigma + shift;
    return std::exp(shifted > kMaxLogSigma ? kMaxLogSigma : shifted);
}

// The point that a component's mu_x, mu_y, log sigma_x, log sigma_y and atanh rho make.
inline void point(const Rule& rule, const float (&chosen)[5], const double (&normal)[2], int64_t pen,
                  float* out) {
    const double a = chosen[4];
    // tanh and 1 / cosh are rho and sqrt(1 - rho^2) without the cancellation of the latter.
    const double joint =
        normal[0] / std::cosh(std::max(-kMaxAtanh, std::min(kMaxAtanh, a))) + normal[1] * std::tanh(a);
    out[0] = static_cast<float>(chosen[0] + sigma(chosen[2], rule.log_sigma_shift) * joint);
    out[1] = static_cast<float>(chosen[1] + sigma(chosen[3], rule.log_sigma_shift) * normal[1]);
    for (int64_t i = 0; i < 3; ++i) out[2 + i] = i == pen ? 1.0f : 0.0f;
}

// The log of a sum of exponentials, in two parts: small differences survive beside large logits.
struct LogSum {
    float most;
    double rest;

    double whole() const { return most + rest; }
};

inline LogSum log_sum(const float* logits, int64_t count) {
    const float most = heaviest(logits, count);
    if (std::isinf(most)) return {most, 0.0};
    double sum = 0.0;
    for (int64_t i = 0; i < count; ++i) sum += std::exp(static_cast<double>(logits[i]) - most);
    return {most, std::log(sum)};
}

}  // namespace density

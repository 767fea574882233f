/** The mixture density of the next point: draws at a temperature, and likelihoods (Ha and Eck 2017, equations 3 to 8). @module */

import { normals } from './noise.js';

/**
 * @typedef {[number, number, number]} Row  an offset in model units, and the pen: 0 draws on, 1 lifts, 2 ends the drawing
 * @typedef {{softening: number, shift: number}} Rule  the divisor of logits, and the addend of log sigma
 */

const [MOST_LOG_SIGMA, MOST_ATANH, MOST_DISTANCE, MOST_EXPONENT] = [20, 40, 1e15, 80];
const LEAST_SOFTENING = 1e-30;
/** Temperature 0 adds this to log sigma: exp() of the sum is 0. */
const NO_SPREAD = -1e6;

/** The usual rule of `sketchkit`: logits are softened half as much as the variance is lessened. @param {number} temperature @returns {Rule} */
export function tempering(temperature) {
  if (temperature === 0) return { softening: LEAST_SOFTENING, shift: NO_SPREAD };
  return { softening: 0.5 + 0.5 * temperature, shift: 0.5 * Math.log(temperature) };
}

/** One of some logits by chance. @param {Float32Array} logits @param {number} softening @param {number} uniform */
function pick(logits, softening, uniform) {
  const largest = Math.max(...logits);
  const shares = Array.from(logits, (logit) => Math.exp((logit - largest) / softening));
  const scale = 2 ** 23 / shares.reduce((sum, share) => sum + share);
  let total = 0;
  const cumulative = shares.map((share) => (total += Math.floor(share * scale)));
  return cumulative.findIndex((each) => each >= uniform * total);
}

/**
 * Draw a point.
 *
 * @param {Float32Array} raw  what the network gives: 3 logits of the pen, M of components, then M of each parameter
 * @param {Rule} rule
 * @param {readonly number[]} chance  four uniform numbers
 * @returns {Row}
 */
export function drawPoint(raw, { softening, shift }, [forComponent, forPen, u, v]) {
  const mixtures = Math.floor((raw.length - 3) / 6);
  const component = pick(raw.subarray(3, 3 + mixtures), softening, forComponent);
  const pen = pick(raw.subarray(0, 3), softening, forPen);
  const [x, y, logX, logY, atanh] = [1, 2, 3, 4, 5].map((part) => raw[3 + part * mixtures + component]);
  const a = Math.max(-MOST_ATANH, Math.min(MOST_ATANH, atanh));
  const [first, second] = normals(u, v);
  const spread = (/** @type {number} */ log) => Math.exp(Math.min(log + shift, MOST_LOG_SIGMA));
  const joint = first / Math.cosh(a) + second * Math.tanh(a);
  return [Math.fround(x + spread(logX) * joint), Math.fround(y + spread(logY) * second), pen];
}

/** Minus the log-probability of a point under raw outputs; the offset of an end does not count. @param {Float32Array} raw @param {Row} row */
export function loss(raw, [dx, dy, pen]) {
  const mixtures = Math.floor((raw.length - 3) / 6);
  const forPen = raw[pen] - logSum(raw.subarray(0, 3));
  if (pen === 2) return -forPen;
  const weights = raw.subarray(3, 3 + mixtures);
  const all = logSum(weights);
  const logs = new Float64Array(mixtures);
  for (let m = 0; m < mixtures; m++) {
    const at = 3 + mixtures + m;
    const [x, y, logX, logY, a] = [raw[at], raw[at + mixtures], raw[at + 2 * mixtures], raw[at + 3 * mixtures], raw[at + 4 * mixtures]];
    logs[m] = weights[m] - all + gaussian(dx - x, dy - y, logX, logY, a);
  }
  return -(logSum(logs) + forPen);
}

/**
 * The log-density of a Gaussian, along the principal axes of its quadratic form so that no term cancels.
 *
 * @param {number} x
 * @param {number} y
 * @param {number} logX
 * @param {number} logY
 * @param {number} a  atanh of the correlation
 */
function gaussian(x, y, logX, logY, a) {
  const [zx, zy] = [saturated(x, -logX), saturated(y, -logY)];
  const along = saturated(zx + zy, 0.5 * softplus(-2 * a) - Math.LN2);
  const across = saturated(zx - zy, 0.5 * softplus(2 * a) - Math.LN2);
  const size = Math.abs(a);
  const halfLogDet = logX + logY + Math.LN2 - size - Math.log1p(Math.exp(-2 * size));
  return -Math.log(2 * Math.PI) - halfLogDet - 0.5 * (along * along + across * across);
}

/** @param {number} distance @param {number} logScale */
function saturated(distance, logScale) {
  const scaled = distance * Math.exp(Math.min(logScale, MOST_EXPONENT));
  return Math.max(-MOST_DISTANCE, Math.min(MOST_DISTANCE, scaled));
}

/** @param {number} x */
function softplus(x) {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** @param {Float32Array | Float64Array} logs */
function logSum(logs) {
  let [largest, sum] = [-Infinity, 0];
  for (const each of logs) largest = Math.max(largest, each);
  for (const each of logs) sum += Math.exp(each - largest);
  return Math.log(sum) + largest;
}

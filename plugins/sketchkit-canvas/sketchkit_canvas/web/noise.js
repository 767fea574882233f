/** Random numbers that are a function of seed, drawing and step, the same as those of `sketchkit.noise`. @module */

const ROUNDS = 10;
const [LEFT, RIGHT] = [0xd2511f53, 0xcd9e8d57];
const [LEFT_KEY, RIGHT_KEY] = [0x9e3779b9, 0xbb67ae85];
const WORD = 2 ** 32;

/** The upper half of a product of two words. @param {number} a @param {number} b */
function upper(a, b) {
  const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  return (a1 * b1 + Math.floor(middle / 0x10000) + (((middle % 0x10000) + a0 * b1) / 0x10000)) >>> 0;
}

/**
 * Philox-4x32-10 (Salmon, Moraes, Dror and Shaw 2011).
 *
 * @param {readonly number[]} counter  four words
 * @param {readonly [number, number]} key
 * @returns {number[]} four words
 */
export function philox([a, b, c, d], [left, right]) {
  for (let round = 0; round < ROUNDS; round++) {
    const [first, second] = [upper(RIGHT, c), upper(LEFT, a)];
    const [low, high] = [Math.imul(RIGHT, c) >>> 0, Math.imul(LEFT, a) >>> 0];
    [a, b, c, d] = [(first ^ b ^ left) >>> 0, low, (second ^ d ^ right) >>> 0, high];
    [left, right] = [(left + LEFT_KEY) >>> 0, (right + RIGHT_KEY) >>> 0];
  }
  return [a, b, c, d];
}

/**
 * Four uniform numbers of a point: for its component, its pen, and two for its offset.
 *
 * @param {number} seed  a whole number from 0, as large as JavaScript has them
 * @param {number} index  of the drawing
 * @param {number} step  of the point in it
 * @returns {number[]} above 0 and below 1
 */
export function uniforms(seed, index, step) {
  const counter = [step >>> 0, 0, index % WORD, Math.floor(index / WORD)];
  return philox(counter, [seed % WORD, Math.floor(seed / WORD)]).map((word) => ((word >>> 9) + 0.5) * 2 ** -23);
}

/**
 * Two standard normal numbers (Box and Muller 1958).
 *
 * @param {number} u
 * @param {number} v
 * @returns {[number, number]}
 */
export function normals(u, v) {
  const radius = Math.sqrt(-2 * Math.log1p(-u));
  return [Math.fround(radius * Math.cos(2 * Math.PI * v)), Math.fround(radius * Math.sin(2 * Math.PI * v))];
}

/** The small networks that say what a drawing looks like: a picture of it, four convolutions, two layers. @module */

import { roundUp } from './kernel.js';

/** @typedef {import('../page/types.js').Stroke} Stroke */
/** @typedef {import('./kernel.js').Kernel} Kernel */
/** @typedef {import('./weights.js').RecogniserFacts} RecogniserFacts */
/** @typedef {import('./weights.js').Tensors} Tensors */
/** @typedef {import('./kernel.js').Block<'f32'>} Floats */
/** @typedef {{weight: Floats, bias: Floats, side: number, stride: number, pool: boolean}} Convolution */

/** The side of a picture, what stays empty around the drawing, the ink of a line, and the length of its pieces. */
const [SIZE, MARGIN, INK, PIECE] = [48, 2, 1.5, 0.5];
/** How a drawing is turned (degrees), slanted, and stretched along x and y in each view. */
const VIEWS = [
  [0, 0, 1, 1], [0, 0, -0.9, 0.9], [-8, 0.05, 0.92, 0.88], [8, -0.05, -0.92, 0.88], [6, 0.1, 0.85, 0.95],
  [-6, -0.1, -0.85, 0.95], [0, 0.08, 0.95, 0.8], [0, -0.08, -0.95, 0.8], [0, 0, 0.78, 0.78],
];
/** Of each convolution: the side of its kernel, its stride, and whether the largest of 2 x 2 pixels are taken. */
const LAYERS = /** @type {const} */ ([[5, 2, false], [3, 2, false], [3, 1, true], [3, 1, true]]);
const CHANNELS = [1, 24, 48, 64, 96];
/** The most numbers that a convolution gathers, and gives: those of the third and of the first. */
const [MOST_GATHERED, MOST_GIVEN] = [12 * 12 * 9 * 48, 24 * 24 * 24];

export class Recogniser {
  /**
   * @param {Kernel} kernel
   * @param {string} name  of its tensors
   * @param {RecogniserFacts} facts
   * @param {Tensors} tensors
   * @param {{gathered: Floats, out: Floats}} scratch  shared by all
   */
  constructor(kernel, name, facts, tensors, scratch) {
    this.kernel = kernel;
    this.facts = facts;
    this.scratch = scratch;
    const layer = (/** @type {string} */ part) => {
      const bias = /** @type {Float32Array} */ (tensors[`${name}.${part}.bias`]);
      const whole = tensors[`${name}.${part}.weight`];
      const scale = tensors[`${name}.${part}.scale`];
      const inputs = whole.length / bias.length;
      const weight = kernel.block('f32', whole.length);
      weight.array.set(Float32Array.from(whole, (value, i) => value * scale[Math.floor(i / inputs)]));
      return { weight, bias: kernel.block('f32', bias), inputs };
    };
    this.convolutions = LAYERS.map(([side, stride, pool], i) => ({ ...layer(`convolutions.${i}`), side, stride, pool }));
    this.features = layer('features');
    this.classes = layer('classes');
  }

  /** Room that all recognisers work in. @param {Kernel} kernel */
  static scratch(kernel) {
    return { gathered: kernel.block('f32', MOST_GATHERED), out: kernel.block('f32', MOST_GIVEN) };
  }

  /**
   * How likely a drawing looks like each of some classes; its place, its size and the order of its strokes do not matter.
   *
   * @param {Stroke[]} strokes
   * @param {string[]} among
   * @returns {number[]} chances that add up to 1
   */
  chances(strokes, among) {
    const wanted = among.map((name) => this.facts.classes.indexOf(name));
    const sums = among.map(() => 0);
    const fitted = fit(strokes);
    for (const view of VIEWS.slice(0, this.facts.views)) {
      const logits = this.#logits(drawPicture(fitted.map((line) => turned(line, view))));
      const largest = Math.max(...wanted.map((place) => logits[place]));
      const powers = wanted.map((place) => Math.exp(logits[place] - largest));
      const total = powers.reduce((sum, power) => sum + power);
      powers.forEach((power, i) => (sums[i] += power / total / this.facts.views));
    }
    return sums;
  }

  /** @param {Float32Array} picture */
  #logits(picture) {
    let [pixels, size, channels] = [picture, SIZE, 1];
    this.convolutions.forEach((convolution, i) => {
      pixels = this.#convolve(pixels, size, channels, convolution);
      [size, channels] = [size / convolution.stride, CHANNELS[i + 1]];
      if (!convolution.pool) return;
      pixels = pooled(pixels, size, channels);
      size /= 2;
    });
    const features = this.#multiply(pixels, this.features, 1).map((value) => Math.max(value, 0));
    return this.#multiply(features, this.classes, 1);
  }

  /** A convolution and a rectifier. @param {Float32Array} pixels @param {number} size @param {number} channels @param {Convolution} convolution */
  #convolve(pixels, size, channels, convolution) {
    const { side, stride } = convolution;
    const [edge, to] = [side >> 1, size / stride];
    const inputs = roundUp(side * side * channels, 4);
    const gathered = new Float32Array(to * to * inputs);
    for (let place = 0; place < to * to; place++) {
      const [top, left] = [Math.floor(place / to) * stride - edge, (place % to) * stride - edge];
      for (let row = 0; row < side; row++) {
        if (top + row < 0 || top + row >= size) continue;
        const [from, until] = [Math.max(0, -left), Math.min(side, size - left)];
        const begin = ((top + row) * size + left + from) * channels;
        const part = pixels.subarray(begin, begin + (until - from) * channels);
        gathered.set(part, place * inputs + (row * side + from) * channels);
      }
    }
    return this.#multiply(gathered, convolution, to * to).map((value) => Math.max(value, 0));
  }

  /** Rows times weights. @param {Float32Array} rows @param {{weight: Floats, bias: Floats}} layer @param {number} count */
  #multiply(rows, { weight, bias }, count) {
    const { gathered, out } = this.scratch;
    gathered.array.set(rows);
    const batch = roundUp(count, 2);
    this.kernel.run.linear(weight.place, gathered.place, bias.place, 0, out.place, bias.length, rows.length / count, batch);
    return out.array.slice(0, count * bias.length);
  }
}

/** The largest of each 2 x 2 pixels. @param {Float32Array} pixels @param {number} size @param {number} channels */
function pooled(pixels, size, channels) {
  const to = size / 2;
  const at = (/** @type {number} */ y, /** @type {number} */ x, /** @type {number} */ c) => pixels[(y * size + x) * channels + c];
  return Float32Array.from({ length: to * to * channels }, (_, i) => {
    const [c, x, y] = [i % channels, 2 * (Math.floor(i / channels) % to), 2 * Math.floor(i / channels / to)];
    return Math.max(at(y, x, c), at(y, x + 1, c), at(y + 1, x, c), at(y + 1, x + 1, c));
  });
}

/** In the middle of a picture, around (0, 0), the longer side as long as the margins allow. @param {Stroke[]} strokes @returns {Stroke[]} */
function fit(strokes) {
  const points = strokes.flat();
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const extent = Math.max(right - left, bottom - top);
  const scale = extent > 0 ? (SIZE - 1 - 2 * MARGIN) / extent : 0;
  return strokes.map((line) => line.map(([x, y]) => [(x - (left + right) / 2) * scale, (y - (top + bottom) / 2) * scale]));
}

/** @param {Stroke} line  around (0, 0) @param {number[]} view @returns {Stroke} in pixels */
function turned(line, [degrees, slant, wide, high]) {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const middle = (SIZE - 1) / 2;
  return line.map(([x, y]) => [
    middle + wide * cos * x + high * (slant * cos - sin) * y,
    middle + wide * sin * x + high * (slant * sin + cos) * y,
  ]);
}

/** Ink 0 to 1 of each pixel: every piece of a line leaves its length on the four pixels around it. @param {Stroke[]} lines */
function drawPicture(lines) {
  const picture = new Float64Array(SIZE * (SIZE + 1) + 1);
  const leave = (/** @type {number} */ px, /** @type {number} */ py, /** @type {number} */ ink) => {
    const [x, y] = [px, py].map((value) => Math.max(0, Math.min(SIZE - 1 - 1e-9, value)));
    const [column, row] = [Math.floor(x), Math.floor(y)];
    const [right, down, at] = [x - column, y - row, row * SIZE + column];
    picture[at] += ink * (1 - right) * (1 - down);
    picture[at + 1] += ink * right * (1 - down);
    picture[at + SIZE] += ink * (1 - right) * down;
    picture[at + SIZE + 1] += ink * right * down;
  };
  for (const line of lines) {
    line.slice(1).forEach(([x, y], i) => {
      const [fromX, fromY] = line[i];
      const length = Math.hypot(x - fromX, y - fromY);
      const count = Math.max(1, Math.ceil(length / PIECE));
      for (let k = 0; k < count; k++) {
        const share = (k + 0.5) / count;
        leave(fromX + (x - fromX) * share, fromY + (y - fromY) * share, (INK * length) / count);
      }
    });
    // The tip of the pen: half a pixel beyond each end, so that a dot is a dot.
    for (const [x, y] of line.length ? [line[0], line[line.length - 1]] : []) leave(x, y, INK / 2);
  }
  return Float32Array.from(picture.subarray(0, SIZE * SIZE), (ink) => Math.min(ink, 1));
}

/** The network: a step of many drawings at once, in whole numbers of 8 bits as `--precision int8` takes it. @module */

/** @typedef {import('./density.js').Row} Row */
/** @typedef {import('./kernel.js').Kernel} Kernel */
/** @typedef {import('./weights.js').Facts} Facts */
/** @typedef {import('./weights.js').Tensors} Tensors */
/**
 * @typedef {object} State  of a drawing, between two steps
 * @property {Float32Array} memory
 * @property {Float32Array} hidden
 * @property {Int16Array} whole  the same in 127ths
 * @property {[number, number]} at  where the pen is, in model units
 * @property {number} label  the number of its class
 */

/** How many drawings are stepped at once at the most. */
export const WIDTH = 64;
/** The numbers of a row that is read: dx, dy, three of the pen, and x and y where the model reads them. */
const READ = 8;

export class Lstm {
  /** @type {Int32Array} */ #labels = new Int32Array(WIDTH);

  /**
   * @param {Kernel} kernel
   * @param {Facts} facts
   * @param {Tensors} tensors
   */
  constructor(kernel, facts, tensors) {
    this.kernel = kernel;
    this.facts = facts;
    const { units } = facts;
    const f32 = (/** @type {string} */ name) => kernel.block('f32', /** @type {Float32Array} */ (tensors[name]));
    this.recurrent = kernel.block('i8', /** @type {Int8Array} */ (tensors.recurrent));
    this.scale = f32('scale');
    this.rows = f32('rows');
    this.output = f32('output');
    this.outputBias = f32('output_bias');
    this.outputs = this.outputBias.length;
    this.shared = this.#multiplyContext(f32, tensors);
    this.read = kernel.block('f32', WIDTH * READ);
    this.bias = kernel.block('f32', WIDTH * 4 * units);
    this.sums = kernel.block('f32', WIDTH * 4 * units);
    this.memory = kernel.block('f32', WIDTH * units);
    this.hidden = kernel.block('f32', WIDTH * units);
    this.whole = kernel.block('i16', WIDTH * units);
    this.raw = kernel.block('f32', WIDTH * this.outputs);
    this.at = new Float32Array(2 * WIDTH);
  }

  /** What every step of a drawing of a class adds, and last of one without: [C + 1, 4 U]. @param {(name: string) => import('./kernel.js').Block<'f32'>} f32 @param {Tensors} tensors */
  #multiplyContext(f32, tensors) {
    const bias = f32('bias');
    if (!tensors.context) return bias;
    const [context, embedding] = [f32('context'), f32('embedding')];
    const inputs = context.length / bias.length;
    const rows = embedding.length / inputs;
    const out = this.kernel.block('f32', rows * bias.length);
    this.kernel.run.linear(context.place, embedding.place, bias.place, 0, out.place, bias.length, inputs, rows);
    return out;
  }

  /** The beginning of a drawing. @param {number | null} label  the number of its class; null for any @returns {State} */
  begin(label) {
    const { units, classes } = this.facts;
    const zeros = new Float32Array(units);
    return { memory: zeros, hidden: zeros, whole: new Int16Array(units), at: [0, 0], label: this.facts.labelled ? (label ?? classes.length) : 0 };
  }

  /** Put a drawing into a row of the batch. @param {number} row @param {State} state */
  put(row, { memory, hidden, whole, at, label }) {
    const { units } = this.facts;
    this.memory.array.set(memory, row * units);
    this.hidden.array.set(hidden, row * units);
    this.whole.array.set(whole, row * units);
    this.at.set(at, 2 * row);
    this.#labels[row] = label;
    this.bias.array.set(this.shared.array.subarray(label * 4 * units, (label + 1) * 4 * units), row * 4 * units);
  }

  /** A copy of the drawing in a row. @param {number} row @returns {State} */
  take(row) {
    const { units } = this.facts;
    const [from, to] = [row * units, (row + 1) * units];
    return {
      memory: this.memory.array.slice(from, to),
      hidden: this.hidden.array.slice(from, to),
      whole: this.whole.array.slice(from, to),
      at: [this.at[2 * row], this.at[2 * row + 1]],
      label: this.#labels[row],
    };
  }

  /**
   * One point further in the first rows of the batch.
   *
   * @param {ArrayLike<number>[]} rows  five numbers each: offsets in model units, and the pen as one of three
   */
  step(rows) {
    const { kernel, facts } = this;
    const { units } = facts;
    const batch = rows.length + (rows.length % 2);
    const read = this.read.array;
    rows.forEach((row, b) => {
      read.set(row, b * READ);
      if (!facts.position) return;
      for (const axis of [0, 1]) {
        this.at[2 * b + axis] += row[axis];
        read[b * READ + 5 + axis] = this.at[2 * b + axis];
      }
    });
    const { run } = kernel;
    run.linear(this.rows.place, this.read.place, this.bias.place, 16 * units, this.sums.place, 4 * units, READ, batch);
    run.addWhole(this.recurrent.place, this.scale.place, this.whole.place, this.sums.place, 4 * units, units, batch);
    run.gates(this.sums.place, this.memory.place, this.hidden.place, this.whole.place, units, batch);
    run.linear(this.output.place, this.hidden.place, this.outputBias.place, 0, this.raw.place, this.outputs, units, batch);
  }

  /** What the last step gives for a row; not to be kept. @param {number} row */
  rawOf(row) {
    const begin = row * this.outputs;
    return this.raw.array.subarray(begin, begin + 6 * this.facts.mixtures + 3);
  }
}

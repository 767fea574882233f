/** The compiled products of vectors.ts, and the memory that they work in. @module */

/**
 * @typedef {object} Exports
 * @property {(weights: number, scale: number, whole: number, sums: number, outputs: number, inputs: number, batch: number) => void} addWhole
 * @property {(weights: number, rows: number, add: number, addStep: number, out: number, outputs: number, inputs: number, batch: number) => void} linear
 * @property {(sums: number, memory: number, hidden: number, whole: number, units: number, batch: number) => void} gates
 *
 * @typedef {{f32: Float32Array, i16: Int16Array, i8: Int8Array}} Arrays
 */

const KINDS = { f32: Float32Array, i16: Int16Array, i8: Int8Array };
const PAGE = 65_536;
/** Places are multiples of this. */
const ALIGNED = 16;

/** @param {number} count @param {number} multiple */
export function roundUp(count, multiple) {
  return Math.ceil(count / multiple) * multiple;
}

/**
 * Numbers in the memory of the kernel.
 *
 * @template {keyof Arrays} K
 */
export class Block {
  /**
   * @param {Kernel} kernel
   * @param {K} kind
   * @param {number} place
   * @param {number} length
   */
  constructor(kernel, kind, place, length) {
    this.kernel = kernel;
    this.kind = kind;
    this.place = place;
    this.length = length;
    /** @type {Arrays[K] | null} */ this.view = null;
  }

  /** The numbers; not to be kept, for the memory may grow. @returns {Arrays[K]} */
  get array() {
    if (this.view?.buffer !== this.kernel.memory.buffer) {
      const made = new KINDS[this.kind](this.kernel.memory.buffer, this.place, this.length);
      this.view = /** @type {Arrays[K]} */ (made);
    }
    return /** @type {Arrays[K]} */ (this.view);
  }
}

export class Kernel {
  #end = ALIGNED;

  /**
   * @param {WebAssembly.Memory} memory
   * @param {Exports} run
   */
  constructor(memory, run) {
    this.memory = memory;
    this.run = run;
  }

  /** @param {BufferSource} code  vectors.wasm */
  static async load(code) {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const { instance } = await WebAssembly.instantiate(code, { env: { memory } });
    return new Kernel(memory, /** @type {any} */ (instance.exports));
  }

  /**
   * Zeros, or a copy of some numbers.
   *
   * @template {keyof Arrays} K
   * @param {K} kind
   * @param {number | Arrays[K]} content  how many, or which
   */
  block(kind, content) {
    const length = typeof content === 'number' ? content : content.length;
    const place = this.#end;
    this.#end = roundUp(place + length * KINDS[kind].BYTES_PER_ELEMENT, ALIGNED);
    const missing = this.#end - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));
    const made = new Block(this, kind, place, length);
    if (typeof content !== 'number') made.array.set(content);
    return made;
  }
}

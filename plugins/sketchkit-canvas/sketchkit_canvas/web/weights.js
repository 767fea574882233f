/** The weights as the page holds them: text of base 64, deflated, floats as four planes of bytes. @module */

/**
 * @typedef {object} Facts  what is known of the model beside its weights
 * @property {string} name
 * @property {string} checksum  of its weights
 * @property {string} licence
 * @property {string[]} classes
 * @property {boolean} labelled  whether it is told classes
 * @property {boolean} position  whether it reads where the pen is
 * @property {number} units  of its state, a multiple of 8
 * @property {number} mixtures
 * @property {number[]} start  the row before the first point
 * @property {number} scale_factor  pixels of the training data in a model unit
 * @property {number} max_length
 * @property {Record<string, RecogniserFacts>} recognisers
 * @property {[string, 'f32' | 'i8', number][]} tensors  name, kind and length, in their order
 *
 * @typedef {object} RecogniserFacts
 * @property {string[]} classes
 * @property {string[]} known  those that it knows well
 * @property {number} views  of a drawing, over which its outputs are averaged
 *
 * @typedef {Record<string, Float32Array | Int8Array>} Tensors
 */

/** @param {string} text  of base 64 */
export function bytesOf(text) {
  return Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
}

/**
 * @param {string} text
 * @param {Facts} facts
 * @returns {Promise<Tensors>}
 */
export async function readTensors(text, facts) {
  const packed = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream('deflate'));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  /** @type {Tensors} */
  const out = {};
  let at = 0;
  for (const [name, kind, length] of facts.tensors) {
    const size = kind === 'f32' ? 4 * length : length;
    const part = bytes.subarray(at, (at += size));
    out[name] = kind === 'f32' ? joinPlanes(part) : new Int8Array(part.buffer, part.byteOffset, length);
  }
  return out;
}

/** @param {Uint8Array} planes  all lowest bytes, then all second ones, and so on */
function joinPlanes(planes) {
  const length = planes.length / 4;
  const words = new Uint32Array(length);
  for (let i = 0; i < length; i++) {
    words[i] = planes[i] | (planes[i + length] << 8) | (planes[i + 2 * length] << 16) | (planes[i + 3 * length] << 24);
  }
  return new Float32Array(words.buffer);
}

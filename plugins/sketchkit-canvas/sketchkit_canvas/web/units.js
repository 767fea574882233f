/** From a drawing on the paper to rows that the network reads, at the scale that suits it, and back. @module */

import { bounds, simplified } from '../page/geometry.js';
import { readAll } from './decode.js';

/** @typedef {import('../page/types.js').Point} Point */
/** @typedef {import('../page/types.js').Stroke} Stroke */
/** @typedef {import('./density.js').Row} Row */
/** @typedef {import('./decode.js').Pause} Pause */
/** @typedef {import('./lstm.js').Lstm} Lstm */
/**
 * @typedef {object} Read  a drawing as the network reads it
 * @property {Row[]} rows  in model units; the first point of the drawing is the start token's
 * @property {Point} anchor  where the pen stands after them, on the paper
 * @property {number} factor  model units in a unit of the paper
 */

/** The size of a whole drawing of the training data, in its pixels. */
export const WHOLE = 255;
/** The training data are simplified to this many pixels. */
const SIMPLIFICATION = 2;
/** The last points of longer drawings are read. */
const MOST_READ = 4000;
/** The sizes that a beginning may have, a quarter of an octave apart, and those that are tried first. */
const LADDER = Array.from({ length: 17 }, (_, step) => WHOLE * 2 ** ((step - 12) / 4));
const [USUAL_FROM, USUAL_TO] = [6, 15];
/** The standard deviation of the sizes of beginnings around a whole drawing's, in octaves. */
const SIZE_SPREAD = 0.3;

/** The longer side of a drawing. @param {Stroke[]} strokes */
export function extentOf(strokes) {
  const box = bounds(strokes);
  return box ? Math.max(box.width, box.height) : 0;
}

/** A line without points that are closer than this to the last one kept. @param {Stroke} line @param {number} distance */
function thin(line, distance) {
  const kept = [line[0]];
  line.forEach((point, i) => {
    const [x, y] = kept[kept.length - 1];
    const far = (point[0] - x) ** 2 + (point[1] - y) ** 2 >= distance * distance;
    if (i && (far || i === line.length - 1)) kept.push(point);
  });
  return kept;
}

/**
 * @param {Stroke[]} strokes
 * @param {number} scale  pixels of the training data in a unit of the paper
 * @param {number} scaleFactor  pixels in a model unit
 * @returns {Read}
 */
export function readBeginning(strokes, scale, scaleFactor) {
  const factor = scale / scaleFactor;
  const lines = strokes.filter((stroke) => stroke.length > 1);
  // Dots alone are left out, but say where to draw.
  if (!lines.length) return { rows: [], anchor: strokes[strokes.length - 1][0], factor };
  /** @type {Row[]} */
  const rows = [];
  let [x, y] = [lines[0][0][0] * scale, lines[0][0][1] * scale];
  lines.forEach((line, first) => {
    const pixels = line.map((point) => /** @type {Point} */ ([point[0] * scale, point[1] * scale]));
    const points = simplified(thin(pixels, SIMPLIFICATION), SIMPLIFICATION);
    points.forEach((point, i) => {
      if (first || i) rows.push([(point[0] - x) / scaleFactor, (point[1] - y) / scaleFactor, Number(i === points.length - 1)]);
      [x, y] = point;
    });
  });
  const end = lines[lines.length - 1];
  return { rows: rows.slice(-MOST_READ), anchor: end[end.length - 1], factor };
}

/**
 * Rows as strokes on the paper.
 *
 * @param {Row[]} rows
 * @param {Point} anchor  where the pen stood before them
 * @param {number} factor  model units in a unit of the paper
 * @param {boolean} joined  whether ink leads from there to the first point
 * @returns {Stroke[]}
 */
export function strokesOf(rows, [x, y], factor, joined) {
  /** @type {Stroke[]} */
  const strokes = [];
  let down = joined;
  if (joined) strokes.push([[x, y]]);
  const rounded = Math.fround(factor);
  for (const [dx, dy, pen] of rows) {
    if (pen === 2) break;
    [x, y] = [x + Math.fround(dx / rounded), y + Math.fround(dy / rounded)];
    if (!down) strokes.push([]);
    strokes[strokes.length - 1].push([x, y]);
    down = pen === 0;
  }
  return strokes;
}

/**
 * The scale under which a drawing is likeliest, among those that give it a size of the ladder.
 *
 * @param {Lstm} lstm
 * @param {Stroke[]} strokes
 * @param {number | null} label
 * @param {Pause} pause
 * @returns {Promise<number>} 1 for a drawing without extent
 */
export async function bestScale(lstm, strokes, label, pause) {
  const extent = extentOf(strokes);
  if (!extent) return 1;
  const { rows } = readBeginning(strokes, WHOLE / extent, lstm.facts.scale_factor);
  const usual = LADDER.slice(USUAL_FROM, USUAL_TO);
  const rest = [...LADDER.slice(0, USUAL_FROM), ...LADDER.slice(USUAL_TO)];
  let best = await likeliest(lstm, rows, usual, label, pause);
  if (best.size === usual[0] || best.size === usual[usual.length - 1]) {
    const other = await likeliest(lstm, rows, rest, label, pause);
    if (other.loss < best.loss) best = other;
  }
  return best.size / extent;
}

/** @param {Lstm} lstm @param {Row[]} rows  at the size of a whole drawing @param {number[]} sizes @param {number | null} label @param {Pause} pause */
async function likeliest(lstm, rows, sizes, label, pause) {
  const sized = sizes.map((size) => {
    const ratio = size / WHOLE;
    return { rows: rows.map(([dx, dy, pen]) => /** @type {Row} */ ([dx * ratio, dy * ratio, pen])), label };
  });
  const { nlls } = await readAll(lstm, sized, pause);
  let best = { loss: Infinity, size: WHOLE };
  sizes.forEach((size, i) => {
    // Densities are compared in units of the paper, and a beginning is about as large as a whole.
    const loss = nlls[i] - 2 * rows.length * Math.log(size) + 0.5 * (Math.log2(size / WHOLE) / SIZE_SPREAD) ** 2;
    if (rows.length && loss < best.loss) best = { loss, size };
  });
  return best;
}

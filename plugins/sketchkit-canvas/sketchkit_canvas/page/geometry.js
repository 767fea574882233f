/** Places and sizes of strokes. @module */

/** @typedef {import('./types.js').Point} Point */
/** @typedef {import('./types.js').Stroke} Stroke */

/** The sheet of paper is this wide and this high. */
export const SHEET = 800;
/** The server reads no drawing of more points. */
export const MOST_POINTS = 4000;

/**
 * @param {Stroke[]} strokes
 * @returns {{left: number, top: number, width: number, height: number} | null} null if there is no point
 */
export function bounds(strokes) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const stroke of strokes) {
    for (const [x, y] of stroke) {
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  }
  return left > right ? null : { left, top, width: right - left, height: bottom - top };
}

/** @param {Stroke[]} strokes */
export function countPoints(strokes) {
  return strokes.reduce((sum, stroke) => sum + stroke.length, 0);
}

/**
 * Give a drawing a place and a size, in its own proportions.
 *
 * @param {Stroke[]} strokes
 * @param {number} size  of its longer side
 * @param {Point} middle
 * @returns {Stroke[]}
 */
export function fitted(strokes, size = 0.7 * SHEET, middle = [SHEET / 2, SHEET / 2]) {
  const box = bounds(strokes);
  if (!box) return [];
  const scale = size / (Math.max(box.width, box.height) || 1);
  const [x0, y0] = [box.left + box.width / 2, box.top + box.height / 2];
  return strokes.map((stroke) =>
    stroke.map(([x, y]) => [middle[0] + (x - x0) * scale, middle[1] + (y - y0) * scale]),
  );
}

/**
 * The distance of a point from the piece of line between two others.
 *
 * @param {Point} p
 * @param {Point} a
 * @param {Point} b
 */
function distance(p, a, b) {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = dx * dx + dy * dy;
  const along = length ? ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length : 0;
  const t = Math.max(0, Math.min(1, along));
  return Math.hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy);
}

/**
 * Leave out the points that are nearly on the line between their neighbours (Ramer, Douglas and Peucker).
 *
 * @param {Stroke} stroke
 * @param {number} tolerance
 * @returns {Stroke}
 */
export function simplified(stroke, tolerance) {
  const kept = new Set([0, stroke.length - 1]);
  const spans = [[0, stroke.length - 1]];
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [from, to] = span;
    let [worst, at] = [tolerance, -1];
    for (let i = from + 1; i < to; i++) {
      const off = distance(stroke[i], stroke[from], stroke[to]);
      if (off > worst) [worst, at] = [off, i];
    }
    if (at < 0) continue;
    kept.add(at);
    spans.push([from, at], [at, to]);
  }
  return stroke.filter((_, i) => kept.has(i));
}

/**
 * A drawing as it is sent: to a tenth of a unit, and coarser only where it would have too many points.
 *
 * @param {Stroke[]} strokes
 * @returns {Stroke[]}
 */
export function forWire(strokes) {
  /** @type {Stroke[]} */
  let sent = [];
  for (let tolerance = 0.3; tolerance < 100; tolerance *= 2) {
    sent = strokes.map((stroke) => simplified(stroke, tolerance));
    if (countPoints(sent) <= MOST_POINTS) break;
  }
  return sent.map((stroke) => stroke.map(([x, y]) => [Math.round(x * 10) / 10, Math.round(y * 10) / 10]));
}

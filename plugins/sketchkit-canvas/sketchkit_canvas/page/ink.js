/** How strokes look: smooth where the hand was, sharp where there is a corner. @module */

/** @typedef {import('./types.js').Point} Point */
/** @typedef {import('./types.js').Stroke} Stroke */
/** @typedef {Pick<Path2D, 'moveTo' | 'lineTo' | 'bezierCurveTo'>} Path */

/** Turns of less than the first angle are smooth, those of more than the second are corners (their cosines). */
const SMOOTH = Math.cos((50 * Math.PI) / 180);
const CORNER = Math.cos((85 * Math.PI) / 180);
/** Points that lie closer than this hold the trembling of a hand and the raster of its screen. */
const CLOSE = 8;

/** @type {WeakMap<Stroke, {points: number, path: Path2D}>} */
const known = new WeakMap();

/**
 * Half a step of every point towards the middle of its neighbours, where they are close.
 *
 * @param {Stroke} stroke
 * @returns {Stroke}
 */
function calmed(stroke) {
  return stroke.map((p, i) => {
    const [a, b] = [stroke[i - 1], stroke[i + 1]];
    if (!a || !b) return p;
    const close = Math.hypot(a[0] - p[0], a[1] - p[1]) < CLOSE && Math.hypot(b[0] - p[0], b[1] - p[1]) < CLOSE;
    return close ? [(a[0] + 2 * p[0] + b[0]) / 4, (a[1] + 2 * p[1] + b[1]) / 4] : p;
  });
}

/**
 * The direction in which a curve passes a point, a vector of length 1 or, the sharper the turn, less.
 *
 * @param {Point} a
 * @param {Point} p
 * @param {Point} b
 * @returns {Point}
 */
function direction(a, p, b) {
  const [ux, uy, vx, vy] = [p[0] - a[0], p[1] - a[1], b[0] - p[0], b[1] - p[1]];
  const [u, v] = [Math.hypot(ux, uy) || 1, Math.hypot(vx, vy) || 1];
  const turn = (ux * vx + uy * vy) / (u * v);
  const weight = Math.max(0, Math.min(1, (turn - CORNER) / (SMOOTH - CORNER)));
  const [x, y] = [ux / u + vx / v, uy / u + vy / v];
  const length = Math.hypot(x, y) || 1;
  return [(x / length) * weight, (y / length) * weight];
}

/**
 * @param {Stroke} stroke
 * @param {Path} path  follows it
 */
function trace(stroke, path) {
  const points = calmed(stroke);
  path.moveTo(...points[0]);
  // A line of no length has round ends, and is a dot.
  if (points.length === 1) path.lineTo(...points[0]);
  /** @type {Point} */
  let from = [0, 0];
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1], points[i]];
    const to = i + 1 < points.length ? direction(a, b, points[i + 1]) : /** @type {Point} */ ([0, 0]);
    const third = Math.hypot(b[0] - a[0], b[1] - a[1]) / 3;
    path.bezierCurveTo(a[0] + from[0] * third, a[1] + from[1] * third, b[0] - to[0] * third, b[1] - to[1] * third, ...b);
    from = to;
  }
}

/** A stroke as the data of an SVG path, to a hundredth of a unit. @param {Stroke} stroke */
export function pathData(stroke) {
  /** @type {string[]} */
  const parts = [];
  const add = (/** @type {string} */ letter) => (/** @type {number[]} */ ...numbers) => {
    parts.push(letter + numbers.map((value) => Math.round(value * 100) / 100).join(' '));
  };
  trace(stroke, { moveTo: add('M'), lineTo: add('L'), bezierCurveTo: add('C') });
  return parts.join('');
}

/** @param {Stroke} stroke */
function pathOf(stroke) {
  let entry = known.get(stroke);
  // A stroke that is being drawn grows in place.
  if (entry?.points !== stroke.length) {
    entry = { points: stroke.length, path: new Path2D() };
    trace(stroke, entry.path);
    known.set(stroke, entry);
  }
  return entry.path;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {readonly Stroke[]} strokes
 * @param {string} color
 * @param {number} width
 */
export function paint(context, strokes, color, width) {
  context.lineCap = context.lineJoin = 'round';
  context.strokeStyle = color;
  context.lineWidth = width;
  for (const stroke of strokes) if (stroke.length) context.stroke(pathOf(stroke));
}

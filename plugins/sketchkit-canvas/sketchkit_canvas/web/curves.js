/**
 * Smooth curves along strokes, with their corners kept, as `sketchkit.curves` fits them.
 *
 * Source: P. J. Schneider, "An Algorithm for Automatically Fitting Digitized Curves", Graphics Gems I (1990).
 *
 * @module
 */

import { bounds, countPoints } from '../page/geometry.js';

/** @typedef {import('../page/types.js').Point} Point */
/** @typedef {import('../page/types.js').Stroke} Stroke */
/** @typedef {[Point, Point, Point, Point]} Curve  start, two handles, end */
/**
 * @typedef {object} Piece  a part of a line without a corner inside
 * @property {Stroke} points
 * @property {Point | null} begin  the direction of the pen at either end, of length 1; null where it is free
 * @property {Point | null} end
 */

/** The farthest that a curve is from its line, as a share of the longer side of the drawing; the degrees of a corner. */
const [TOLERANCE, CORNER] = [0.0145, 60];
/** Points that are compared, steps of Newton's, and the tolerances from which on a piece is cut in the middle. */
const [SAMPLES, NEWTON_STEPS, NEAR, TINY] = [32, 3, 4, 1e-12];
/** The farthest that a chord is from its curve, as a share of the drawing; the most chords of a curve, and points in all. */
const [FLATNESS, MOST_CHORDS, MOST_POINTS] = [1e-3, 1000, 1000];

/** @param {Point} a @param {Point} b @returns {Point} */
const minus = (a, b) => [a[0] - b[0], a[1] - b[1]];
/** @param {Point} a @param {Point} b */
const dot = (a, b) => a[0] * b[0] + a[1] * b[1];
/** @param {Point} a @param {number} by @param {Point} way @returns {Point} */
const along = (a, by, way) => [a[0] + by * way[0], a[1] + by * way[1]];
/** @param {Point} a */
const lengthOf = (a) => Math.hypot(...a);
/** @param {Point} a @returns {Point} */
const unit = (a) => [a[0] / Math.max(lengthOf(a), TINY), a[1] / Math.max(lengthOf(a), TINY)];
/** @param {Point} a @returns {Point} */
const across = ([x, y]) => [-y, x];
/** @param {number[]} values */
const largest = (values) => values.reduce((most, value) => Math.max(most, value), -Infinity);

/**
 * Strokes along smooth curves, of a thousand points at the most, or as many as there were; a dot stays one.
 *
 * @param {Stroke[]} strokes
 * @returns {Stroke[]}
 */
export function smooth(strokes) {
  const box = bounds(strokes);
  if (!box) return [];
  const extent = Math.max(box.width, box.height);
  const curves = fitCurves(strokes, TOLERANCE * extent);
  const most = Math.max(MOST_POINTS, countPoints(strokes));
  for (let flatness = FLATNESS * extent; ; flatness *= 2) {
    const found = curves.map((each, i) => (each.length ? flattened(each, flatness) : strokes[i].slice(0, 1)));
    if (countPoints(found) <= most) return found;
  }
}

/**
 * @param {Stroke[]} strokes
 * @param {number} tolerance  the farthest that a curve may be from its line
 * @returns {Curve[][]} of each stroke, each curve from the end of the one before
 */
export function fitCurves(strokes, tolerance) {
  return strokes.map((stroke) => {
    const line = stroke.filter((point, i) => !i || point[0] !== stroke[i - 1][0] || point[1] !== stroke[i - 1][1]);
    return piecesOf(line, tolerance).flatMap((piece) => fitPiece(piece, tolerance));
  });
}

/** @param {Curve[]} curves @param {number} flatness @returns {Stroke} */
function flattened(curves, flatness) {
  const out = [curves[0][0]];
  for (const curve of curves) {
    const [a, b, c, d] = curve;
    const bend = Math.max(...[[a, b, c], [b, c, d]].map(([p, q, r]) => Math.hypot(p[0] - 2 * q[0] + r[0], p[1] - 2 * q[1] + r[1])));
    const chords = Math.min(Math.max(Math.ceil(Math.sqrt((0.75 * bend) / flatness)), 1), MOST_CHORDS);
    for (let i = 1; i <= chords; i++) out.push(at(curve, i / chords));
  }
  return out;
}

/** A line cut at its corners; the ends of a closed curve have one direction. @param {Stroke} line @param {number} tolerance @returns {Piece[]} */
function piecesOf(line, tolerance) {
  if (line.length < 2) return [];
  const cuts = [0];
  for (let i = 1; i < line.length - 1; i++) if (turn(line[i - 1], line[i], line[i + 1]) > CORNER) cuts.push(i);
  cuts.push(line.length - 1);
  const [first, last] = [line[0], line[line.length - 1]];
  /** @type {Point | null} */
  let seam = null;
  if (line.length > 3 && lengthOf(minus(first, last)) <= tolerance) {
    /** @type {[Point, Point, Point]} */
    const around = [line[line.length - 2], [(first[0] + last[0]) / 2, (first[1] + last[1]) / 2], line[1]];
    if (turn(...around) <= CORNER) seam = direction(...around);
  }
  return cuts.slice(1).map((to, i) => ({
    points: line.slice(cuts[i], to + 1),
    begin: i === 0 ? seam : null,
    end: i === cuts.length - 2 ? seam : null,
  }));
}

/** By how many degrees a line turns at the middle one of three points. @param {Point} a @param {Point} p @param {Point} b */
function turn(a, p, b) {
  const [before, after] = [minus(p, a), minus(b, p)];
  return Math.abs((Math.atan2(before[0] * after[1] - before[1] * after[0], dot(before, after)) * 180) / Math.PI);
}

/** The direction at the middle one of three points of a circle. @param {Point} before @param {Point} middle @param {Point} after @returns {Point} */
function direction(before, middle, after) {
  const [a, b] = [minus(middle, before), minus(after, middle)];
  const [longA, longB] = [lengthOf(a), lengthOf(b)];
  const [ua, ub] = [unit(a), unit(b)];
  /** @type {Point} */
  const way = [ua[0] * longB + ub[0] * longA, ua[1] * longB + ub[1] * longA];
  return unit(lengthOf(way) < TINY ? minus(after, before) : way);
}

/** One curve along a piece, or those of its halves. @param {Piece} piece @param {number} tolerance @returns {Curve[]} */
function fitPiece(piece, tolerance) {
  const { points } = piece;
  if (points.length === 2) return [straight(piece, tolerance)];
  const steps = points.slice(1).map((point, i) => lengthOf(minus(point, points[i])));
  const way = steps.reduce((sum, step) => sum + step, 0);
  const samples = spread(points, steps);
  const { curve, shares } = leastSquares(samples, piece);
  const miss = samples.map((sample, i) => lengthOf(minus(at(curve, shares[i]), sample)));
  const worst = largest(miss);
  const handles = Math.max(lengthOf(minus(curve[1], curve[0])), lengthOf(minus(curve[2], curve[3])));
  const wrong = worst > tolerance || handles > way;
  if (!wrong && !strays(curve, points, tolerance)) return [curve];
  const inner = miss.slice(1, -1);
  const sample = wrong && worst <= NEAR * tolerance ? inner.indexOf(largest(inner)) + 1 : SAMPLES / 2;
  return halves(piece, steps, (way * sample) / (SAMPLES - 1)).flatMap((half) => fitPiece(half, tolerance));
}

/** Points at equal distances along a line. @param {Stroke} line @param {number[]} steps @returns {Stroke} */
function spread(line, steps) {
  const way = steps.reduce((sum, step) => sum + step, 0);
  let [i, before] = [0, 0];
  return Array.from({ length: SAMPLES }, (_, k) => {
    const to = (way * k) / (SAMPLES - 1);
    while (i < steps.length - 1 && before + steps[i] < to) before += steps[i++];
    return along(line[i], Math.min((to - before) / steps[i], 1), minus(line[i + 1], line[i]));
  });
}

/** A piece cut at the inner point that is nearest to a place on its way. @param {Piece} piece @param {number[]} steps @param {number} place @returns {[Piece, Piece]} */
function halves({ points, begin, end }, steps, place) {
  let [sum, cut, nearest] = [0, 1, Infinity];
  for (let i = 1; i < points.length - 1; i++) {
    sum += steps[i - 1];
    if (Math.abs(sum - place) < nearest) [nearest, cut] = [Math.abs(sum - place), i];
  }
  const way = direction(points[cut - 1], points[cut], points[cut + 1]);
  return [{ points: points.slice(0, cut + 1), begin, end: way }, { points: points.slice(cut), begin: way, end }];
}

/** The curve nearest to samples, and the parameters of these. @param {Stroke} samples @param {Piece} piece */
function leastSquares(samples, { begin, end }) {
  const last = samples.length - 1;
  const into = begin ?? unit(minus(samples[2], samples[0]));
  /** @type {Point} */
  const back = end ? [-end[0], -end[1]] : unit(minus(samples[last - 2], samples[last]));
  const ways = [{ way: into, known: begin !== null }, { way: back, known: end !== null }];
  let shares = samples.map((_, i) => i / last);
  let curve = handles(samples, shares, ways);
  for (let step = 0; step < NEWTON_STEPS; step++) {
    shares = nearer(curve, shares, samples);
    curve = handles(samples, shares, ways);
  }
  return { curve, shares };
}

/** Least squares for the handles: along a fixed direction, or along and across a free one. @param {Stroke} samples @param {number[]} shares @param {{way: Point, known: boolean}[]} ways @returns {Curve} */
function handles(samples, shares, ways) {
  const [start, end] = [samples[0], samples[samples.length - 1]];
  const square = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
  const right = [0, 0, 0, 0];
  samples.forEach((sample, k) => {
    const [b0, b1, b2, b3] = bernstein(shares[k]);
    const rest = minus(sample, [start[0] * (b0 + b1) + end[0] * (b2 + b3), start[1] * (b0 + b1) + end[1] * (b2 + b3)]);
    const basis = ways.flatMap(({ way, known }, i) => {
      const weight = i ? b2 : b1;
      const beside = known ? /** @type {Point} */ ([0, 0]) : across(way);
      return [along([0, 0], weight, way), along([0, 0], weight, beside)];
    });
    basis.forEach((a, i) => {
      right[i] += dot(a, rest);
      basis.forEach((b, j) => (square[i][j] += dot(a, b)));
    });
  });
  const scale = square.reduce((sum, row, i) => sum + row[i], 0);
  square.forEach((row, i) => (row[i] += (i % 2 && ways[i >> 1].known ? scale : 0) + 1e-9 * scale + TINY));
  const found = solve(square, right);
  const chord = lengthOf(minus(end, start));
  const placed = ways.map(({ way, known }, i) => {
    const [by, beside] = [found[2 * i], known ? 0 : found[2 * i + 1]];
    return along(along(i ? end : start, known && by < 0.02 * chord ? chord / 3 : by, way), beside, across(way));
  });
  return [start, placed[0], placed[1], end];
}

/** Gauss' elimination. @param {number[][]} square @param {number[]} right */
function solve(square, right) {
  const rows = square.map((row, i) => [...row, right[i]]);
  const size = rows.length;
  for (let i = 0; i < size; i++) {
    const best = rows.slice(i).reduce((most, row, k) => (Math.abs(row[i]) > Math.abs(rows[most][i]) ? k + i : most), i);
    [rows[i], rows[best]] = [rows[best], rows[i]];
    for (const row of rows.slice(i + 1)) {
      const factor = row[i] / rows[i][i];
      for (let j = i; j <= size; j++) row[j] -= factor * rows[i][j];
    }
  }
  const out = Array.from({ length: size }, () => 0);
  for (let i = size - 1; i >= 0; i--) {
    const rest = rows[i].slice(i + 1, size).reduce((sum, value, j) => sum + value * out[i + 1 + j], 0);
    out[i] = (rows[i][size] - rest) / rows[i][i];
  }
  return out;
}

/** A step of Newton's towards the parameters where a curve is nearest to samples. @param {Curve} curve @param {number[]} shares @param {Stroke} samples */
function nearer([a, b, c, d], shares, samples) {
  const first = [minus(b, a), minus(c, b), minus(d, c)];
  const second = [minus(first[1], first[0]), minus(first[2], first[1])];
  let most = 0;
  return shares.map((t, i) => {
    if (i === shares.length - 1) return 1;
    const u = 1 - t;
    const off = minus(at([a, b, c, d], t), samples[i]);
    const slope = along(along(along([0, 0], 3 * u * u, first[0]), 6 * t * u, first[1]), 3 * t * t, first[2]);
    const bend = along(along([0, 0], 6 * u, second[0]), 6 * t, second[1]);
    const below = dot(slope, slope) + dot(off, bend);
    const step = below > TINY ? dot(off, slope) / below : 0;
    if (i) most = Math.max(most, Math.min(Math.max(t - step, 0), 1));
    return most;
  });
}

/** The curve along a step of a line; it leaves its ends in the directions of its neighbours. @param {Piece} piece @param {number} tolerance @returns {Curve} */
function straight({ points: [start, end], begin, end: stop }, tolerance) {
  const way = unit(minus(end, start));
  const ways = [begin ?? way, stop ?? way];
  const aside = Math.max(...ways.map((each) => Math.abs(way[0] * each[1] - way[1] * each[0])));
  const reach = Math.min(lengthOf(minus(end, start)) / 3, tolerance / Math.max(0.75 * aside, TINY));
  return [start, along(start, reach, ways[0]), along(end, -reach, ways[1]), end];
}

/** Whether a curve is somewhere farther from its line than a tolerance, or the line from the curve. @param {Curve} curve @param {Stroke} line @param {number} tolerance */
function strays(curve, line, tolerance) {
  const drawn = Array.from({ length: 2 * SAMPLES }, (_, i) => at(curve, i / (2 * SAMPLES - 1)));
  return Math.max(away(drawn, line), away(line, drawn)) > tolerance;
}

/** The farthest that points are from a line. @param {Stroke} points @param {Stroke} line */
function away(points, line) {
  return largest(
    points.map((point) => {
      let nearest = Infinity;
      for (let i = 1; i < line.length; i++) {
        const [step, off] = [minus(line[i], line[i - 1]), minus(point, line[i - 1])];
        const share = Math.min(Math.max(dot(off, step) / Math.max(dot(step, step), TINY), 0), 1);
        nearest = Math.min(nearest, lengthOf(along(off, -share, step)));
      }
      return nearest;
    }),
  );
}

/** @param {Curve} curve @param {number} t @returns {Point} */
function at([a, b, c, d], t) {
  const [wa, wb, wc, wd] = bernstein(t);
  return [wa * a[0] + wb * b[0] + wc * c[0] + wd * d[0], wa * a[1] + wb * b[1] + wc * c[1] + wd * d[1]];
}

/** @param {number} t */
function bernstein(t) {
  const u = 1 - t;
  return [u * u * u, 3 * t * u * u, 3 * t * t * u, t * t * t];
}

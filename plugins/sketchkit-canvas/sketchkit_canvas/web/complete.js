/** Endings of a drawing, as `sketchkit complete` draws them under `--precision int8`; of an empty sheet, drawings. @module */

import { bounds } from '../page/geometry.js';
import { smooth } from './curves.js';
import { tempering } from './density.js';
import { drawAll, readAll } from './decode.js';
import { findScales, guessClasses, shareClasses, wholeDrawing } from './guess.js';
import { extentOf, readBeginning, strokesOf, WHOLE } from './units.js';

/** @typedef {import('../page/types.js').Point} Point */
/** @typedef {import('../page/types.js').Stroke} Stroke */
/** @typedef {import('../page/types.js').Taken} Taken */
/** @typedef {import('./decode.js').Draft} Draft */
/** @typedef {import('./decode.js').Pause} Pause */
/** @typedef {import('./decode.js').Prompt} Prompt */
/** @typedef {import('./mind.js').Mind} Mind */
/** @typedef {import('./units.js').Read} Read */
/**
 * @typedef {object} Wish
 * @property {Stroke[]} drawing
 * @property {string | null} label
 * @property {boolean} guess
 * @property {number} temperature
 * @property {number} seed
 * @property {number} first  the index of the first ending
 * @property {number} n
 * @property {number} tries  the best-looking of so many is taken
 * @property {number | null} part  how much of the finished drawing is there
 * @property {boolean} curves
 *
 * @typedef {{strokes: Stroke[], finished: boolean, label: string | null}} Ending
 * @typedef {{read: Read, prompt: Prompt, name: string | null}} Opening  a drawing as it is read for one of its classes
 */

/** The weights of likelihood and length beside the critic's log-odds, and the least of its chances. */
const [OF_LIKELIHOOD, OF_LENGTH, LEAST] = [2, 1, 1e-6];
/** A drawing from nothing takes this part of the sheet, whose middle is its own. */
const [SHARE, MIDDLE] = [0.6, 400];

/**
 * @param {Mind} mind
 * @param {Wish} wish
 * @param {(taken: Taken) => void} guessed
 * @param {Pause} pause
 * @returns {Promise<Ending[]>}
 */
export async function complete(mind, wish, guessed, pause) {
  const { drawing, label, first, n } = wish;
  if (!drawing.length) return fromNothing(mind, wish, pause);
  /** @type {(string | null)[]} */
  let names = Array.from({ length: n }, () => label);
  if (wish.guess) {
    const taken = await guessClasses(mind, drawing, pause);
    guessed(taken);
    names = shareClasses(taken.guesses, first + n).slice(first);
  }
  const openings = await open(mind, wish, [...new Set(names)], pause);
  const mine = names.map((name) => /** @type {Opening} */ (openings.find((opening) => opening.name === name)));
  const drafts = await drawBest(mind, wish, mine, pause);
  return drafts.map(({ rows, ended }, i) => {
    const { rows: begun, anchor, factor } = mine[i].read;
    const strokes = strokesOf(rows, anchor, factor, !begun.length);
    return { strokes: wish.curves ? smooth(strokes) : strokes, finished: ended, label: names[i] };
  });
}

/** @param {Mind} mind @param {Wish} wish @param {Pause} pause @returns {Promise<Ending[]>} */
async function fromNothing(mind, wish, pause) {
  const factor = WHOLE / (SHARE * 2 * MIDDLE) / mind.lstm.facts.scale_factor;
  /** @type {Read} */
  const read = { rows: [], anchor: [0, 0], factor };
  const { prompts } = await readAll(mind.lstm, [{ rows: [], label: mind.labelOf(wish.label) }], pause);
  const openings = Array.from({ length: wish.n }, () => ({ read, prompt: prompts[0], name: wish.label }));
  const drafts = await drawBest(mind, wish, openings, pause);
  return drafts.map(({ rows, ended }) => {
    const strokes = middled(strokesOf(rows, [0, 0], factor, true));
    return { strokes: wish.curves ? smooth(strokes) : strokes, finished: ended, label: wish.label };
  });
}

/** In the middle of the sheet. @param {Stroke[]} strokes @returns {Stroke[]} */
function middled(strokes) {
  const box = bounds(strokes);
  if (!box) return [];
  const [dx, dy] = [MIDDLE - box.left - box.width / 2, MIDDLE - box.top - box.height / 2];
  return strokes.map((stroke) => stroke.map(([x, y]) => [x + dx, y + dy]));
}

/** Read a drawing for each class, at its scale. @param {Mind} mind @param {Wish} wish @param {(string | null)[]} names @param {Pause} pause @returns {Promise<Opening[]>} */
async function open(mind, { drawing, part }, names, pause) {
  const extent = extentOf(drawing);
  const scales = part === null ? await findScales(mind, drawing, names, pause) : names.map(() => (extent ? (part * WHOLE) / extent : 1));
  const read = scales.map((scale) => readBeginning(drawing, scale, mind.lstm.facts.scale_factor));
  const beginnings = read.map(({ rows }, i) => ({ rows, label: mind.labelOf(names[i]) }));
  const { prompts } = await readAll(mind.lstm, beginnings, pause);
  return names.map((name, i) => ({ read: read[i], prompt: prompts[i], name }));
}

/** Of some tries at each ending the best-looking. @param {Mind} mind @param {Wish} wish @param {Opening[]} openings @param {Pause} pause */
async function drawBest(mind, { temperature, seed, first, tries }, openings, pause) {
  const rule = tempering(temperature);
  const draw = (/** @type {{i: number, attempt: number}[]} */ asked) => {
    const jobs = asked.map(({ i, attempt }) => ({ prompt: openings[i].prompt, index: first + i, attempt }));
    return drawAll(mind.lstm, jobs, rule, seed, pause);
  };
  const { known } = mind.critic.facts;
  const wanted = openings.map(({ name }) => (name === null ? mind.lstm.facts.classes : [name]).filter((each) => known.includes(each)));
  const judged = openings.map((_, i) => i).filter((i) => wanted[i].length && tries > 1);
  const drafts = await draw(judged.flatMap((i) => Array.from({ length: tries }, (_, attempt) => ({ i, attempt }))));
  /** @type {Draft[]} */
  const out = [];
  judged.forEach((i, k) => {
    out[i] = bestOf(mind, drafts.slice(k * tries, (k + 1) * tries), openings[i].read, wanted[i]);
  });
  // Classes that the critic does not know are drawn again until the model ends them.
  for (let attempt = 0, rest = openings.map((_, i) => i).filter((i) => !judged.includes(i)); rest.length && attempt < tries; attempt++) {
    const again = await draw(rest.map((i) => ({ i, attempt })));
    rest.forEach((i, k) => (out[i] = [out[i] ?? again[k], again[k]].reduce(likelier)));
    rest = rest.filter((_, k) => flawOf(again[k]) > 0);
  }
  return out;
}

/** @param {Draft} a @param {Draft} b */
function likelier(a, b) {
  const flawed = (/** @type {Draft} */ { rows, ended, nll }) => (ended ? 0 : 1e12) + nll / rows.length;
  return flawOf(b) === 0 || flawed(b) < flawed(a) ? b : a;
}

/** 2 for a draft without ink, and 1 for one that was cut. @param {Draft} draft */
function flawOf({ rows, ended }) {
  return (rows.some(([, , pen]) => pen < 2) ? 0 : 2) + (ended ? 0 : 1);
}

/** @param {Mind} mind @param {Draft[]} drafts @param {Read} read @param {string[]} wanted */
function bestOf({ critic }, drafts, read, wanted) {
  const least = Math.min(...drafts.map(flawOf));
  const able = drafts.filter((draft) => flawOf(draft) === least);
  if (able.length === 1) return able[0];
  const worth = able.map(({ rows, nll }) => {
    const chances = critic.chances(wholeDrawing(read.rows, rows), critic.facts.known);
    const chance = Math.max(...wanted.map((name) => chances[critic.facts.known.indexOf(name)]));
    const untidy = (OF_LIKELIHOOD * nll) / rows.length + OF_LENGTH * Math.log(rows.length);
    return Math.log(Math.max(chance, LEAST) / Math.max(1 - chance, LEAST)) - (read.rows.length ? untidy : 0);
  });
  return able[worth.indexOf(Math.max(...worth))];
}

/** What a beginning may be meant as, and at which scale its endings look like it; see `sketchkit.generate.guess`. @module */

import { tempering } from './density.js';
import { drawAll, readAll } from './decode.js';
import { bestScale, extentOf, readBeginning, strokesOf, WHOLE } from './units.js';

/** @typedef {import('../page/types.js').Stroke} Stroke */
/** @typedef {import('../page/types.js').Taken} Taken */
/** @typedef {import('./decode.js').Pause} Pause */
/** @typedef {import('./density.js').Row} Row */
/** @typedef {import('./mind.js').Mind} Mind */

/** So many classes are tried under the model. */
const TRIED = 12;
/** The weight of a nat of likelihood beside one of the recogniser, and the least that its answer counts as. */
const [LIKELIHOOD, LEAST_CHANCE] = [0.3, 1e-3];
/** Of the logistic function that knows beginnings of other classes: see the Python side. */
const UNLIKE = [-7.02, -3.81, 1.12, -0.451];
/** Of tentative endings: their temperature, their number, the parts tried, the least of looks, and the usual scale's bonus. */
const [TEMPERATURE, ENDINGS, PARTS, LEAST_LOOKS, USUAL] = [0.4, 4, [0.5, 0.25], 0.02, 0.7];
/** Endings are shared out among classes of at least this chance, by multiples of the golden section. */
const [LEAST_SHARE, GOLDEN] = [0.1, (Math.sqrt(5) - 1) / 2];

const sum = (/** @type {number[]} */ values) => values.reduce((total, value) => total + value, 0);

/**
 * The likeliest classes of a beginning.
 *
 * @param {Mind} mind
 * @param {Stroke[]} strokes
 * @param {Pause} pause
 * @returns {Promise<Taken>}
 */
export async function guessClasses(mind, strokes, pause) {
  const { facts } = mind.lstm;
  const { known, chances } = looksOf(mind, strokes);
  const scale = await bestScale(mind.lstm, strokes, null, pause);
  const { rows } = readBeginning(strokes, scale, facts.scale_factor);
  const tried = chances.map((_, i) => i).sort((a, b) => chances[b] - chances[a]).slice(0, TRIED);
  const read = rows.length ? await readAll(mind.lstm, tried.map((label) => ({ rows, label })), pause) : { nlls: tried.map(() => 0) };
  const [likeliest, total] = [-Math.min(...read.nlls), sum(chances)];
  const scores = tried.map((i, k) => LIKELIHOOD * (-read.nlls[k] - likeliest) + Math.log(chances[i] / total + LEAST_CHANCE));
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - largest));
  const shares = powers.map((power) => power / sum(powers));
  /** @type {[string, number][]} */
  const guesses = tried.map((i, k) => [facts.classes[i], shares[k]]);
  guesses.sort((a, b) => b[1] - a[1]);
  if (!known || !rows.length) return { guesses, unlike: null };
  const entropy = -sum(shares.map((share) => share * Math.log(share + 1e-12)));
  const aPoint = likeliest / rows.length - 2 * Math.log(facts.scale_factor);
  const [constant, ofTotal, ofEntropy, ofPoint] = UNLIKE;
  return { guesses, unlike: 1 / (1 + Math.exp(-(constant + ofTotal * Math.log(total + 1e-4) + ofEntropy * entropy + ofPoint * aPoint))) };
}

/** The chance of each class of the model by the recogniser of beginnings, and whether it knows them all. @param {Mind} mind @param {Stroke[]} strokes */
function looksOf({ lstm, beginnings }, strokes) {
  const { classes, known } = beginnings.facts;
  const every = beginnings.chances(strokes, classes);
  const mean = sum(every) / every.length;
  const chances = lstm.facts.classes.map((name) => (known.includes(name) ? every[classes.indexOf(name)] : mean));
  return { known: lstm.facts.classes.every((name) => known.includes(name)), chances };
}

/**
 * The class of each of n endings: each class as often as its chance says.
 *
 * @param {[string, number][]} guesses
 * @param {number} n
 */
export function shareClasses(guesses, n) {
  const likely = guesses.filter(([, chance]) => chance >= LEAST_SHARE);
  const able = likely.length ? likely : guesses.slice(0, 1);
  let total = 0;
  const bounds = able.map(([, chance]) => (total += chance));
  return Array.from({ length: n }, (_, i) => {
    const place = (((i + 1) * GOLDEN) % 1) * total;
    const at = bounds.findIndex((bound) => bound > place);
    return able[at < 0 ? able.length - 1 : at][0];
  });
}

/**
 * The scale of a beginning for each of some classes: the likeliest, or one at which the beginning is a half or a quarter of
 * the whole, where endings then look more like their class.
 *
 * @param {Mind} mind
 * @param {Stroke[]} strokes
 * @param {(string | null)[]} names
 * @param {Pause} pause
 */
export async function findScales(mind, strokes, names, pause) {
  const { facts } = mind.lstm;
  const extent = extentOf(strokes);
  /** @type {number[]} */
  const scales = [];
  for (const name of names) scales.push(await bestScale(mind.lstm, strokes, mind.labelOf(name), pause));
  const called = names.map((name) => name ?? (facts.classes.length === 1 ? facts.classes[0] : null));
  const asked = called.map((name, i) => ({ name: name ?? '', i })).filter(({ name }) => extent > 0 && mind.critic.facts.known.includes(name));
  const usual = await scoreSizes(mind, strokes, asked.map(({ name, i }) => ({ name, scale: scales[i] })), pause);
  const doubtful = asked.filter((_, k) => usual[k] + USUAL < Math.log1p(LEAST_LOOKS));
  const tried = doubtful.flatMap(({ name, i }) => PARTS.map((part) => ({ name, i, scale: (part * WHOLE) / extent })));
  const looks = await scoreSizes(mind, strokes, tried, pause);
  const best = asked.map((_, k) => usual[k] + USUAL);
  tried.forEach(({ i, scale }, t) => {
    const k = asked.findIndex((each) => each.i === i);
    if (looks[t] > best[k]) [best[k], scales[i]] = [looks[t], scale];
  });
  return scales;
}

/** The logarithm of the critic's chance for tentative endings at each size. @param {Mind} mind @param {Stroke[]} strokes @param {{name: string, scale: number}[]} sizes @param {Pause} pause */
async function scoreSizes(mind, strokes, sizes, pause) {
  const { lstm, critic } = mind;
  const read = sizes.map(({ name, scale }) => ({ rows: readBeginning(strokes, scale, lstm.facts.scale_factor).rows, label: mind.labelOf(name) }));
  const { prompts } = await readAll(lstm, read, pause);
  const jobs = prompts.flatMap((prompt) => Array.from({ length: ENDINGS }, (_, index) => ({ prompt, index, attempt: 0 })));
  const drafts = await drawAll(lstm, jobs, tempering(TEMPERATURE), 0, pause);
  return sizes.map(({ name }, k) => {
    const mine = drafts.slice(k * ENDINGS, (k + 1) * ENDINGS);
    const place = critic.facts.known.indexOf(name);
    const looks = mine.map((draft) => critic.chances(wholeDrawing(read[k].rows, draft.rows), critic.facts.known)[place]);
    return Math.log(sum(looks) / ENDINGS + LEAST_LOOKS);
  });
}

/** The beginning and what was added, as one drawing in model units. @param {Row[]} begun @param {Row[]} added */
export function wholeDrawing(begun, added) {
  return strokesOf([...begun, ...added], [0, 0], 1, true);
}

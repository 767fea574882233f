/** Drawings that go on from where a prompt has led, many in one batch. @module */

import { drawPoint, loss } from './density.js';
import { WIDTH } from './lstm.js';
import { uniforms } from './noise.js';

/** @typedef {import('./density.js').Row} Row */
/** @typedef {import('./density.js').Rule} Rule */
/** @typedef {import('./lstm.js').Lstm} Lstm */
/** @typedef {import('./lstm.js').State} State */
/** @typedef {{rows: Row[], label: number | null}} Beginning  what is read, in model units */
/** @typedef {{state: State, row: ArrayLike<number>}} Prompt  the state after all rows but the last, and that */
/**
 * @typedef {object} Job  a drawing that is asked for
 * @property {Prompt} prompt
 * @property {number} index  of its noise
 * @property {number} attempt  at it, each with noise of its own
 *
 * @typedef {object} Draft
 * @property {Row[]} rows
 * @property {number} nll  the sum over its points, at temperature 1
 * @property {boolean} ended  by the model
 * @property {number} attempt
 *
 * @typedef {() => Promise<void>} Pause  lets others have their turn; throws where a request has been taken back
 */

/** The number of an attempt stands above that of the point. */
const ATTEMPT = 2 ** 20;

/** As the network reads a point. @param {Row} row */
function fiveOf([dx, dy, pen]) {
  return [dx, dy, Number(pen === 0), Number(pen === 1), Number(pen === 2)];
}

/**
 * Read beginnings.
 *
 * @param {Lstm} lstm
 * @param {readonly Beginning[]} beginnings
 * @param {Pause} pause
 * @returns {Promise<{prompts: Prompt[], nlls: number[]}>} where they lead, and minus the log-likelihood of each
 */
export async function readAll(lstm, beginnings, pause) {
  /** @type {Prompt[]} */
  const prompts = [];
  /** @type {number[]} */
  const nlls = [];
  for (let begin = 0; begin < beginnings.length; begin += WIDTH) {
    const some = beginnings.slice(begin, begin + WIDTH);
    const found = await readSome(lstm, some, pause);
    prompts.push(...found.prompts);
    nlls.push(...found.nlls);
  }
  return { prompts, nlls };
}

/** @param {Lstm} lstm @param {Beginning[]} some  at most WIDTH @param {Pause} pause */
async function readSome(lstm, some, pause) {
  // The longest first, so that those that are over stand behind.
  const order = some.map((_, i) => i).sort((a, b) => some[b].rows.length - some[a].rows.length);
  const nlls = some.map(() => 0);
  /** @type {Prompt[]} */
  const prompts = [];
  const { start } = lstm.facts;
  const last = (/** @type {Row[]} */ rows) => (rows.length ? fiveOf(rows[rows.length - 1]) : start);
  order.forEach((i, b) => lstm.put(b, lstm.begin(some[i].label)));
  for (let going = order.length, t = 0; going > 0; t++) {
    const live = order.slice(0, going).filter((i) => some[i].rows.length > t);
    for (let b = live.length; b < going; b++) prompts[order[b]] = { state: lstm.take(b), row: last(some[order[b]].rows) };
    going = live.length;
    if (!going) break;
    lstm.step(live.map((i) => (t ? fiveOf(some[i].rows[t - 1]) : start)));
    live.forEach((i, b) => (nlls[i] += loss(lstm.rawOf(b), some[i].rows[t])));
    await pause();
  }
  return { prompts, nlls };
}

/**
 * Draw to the end.
 *
 * @param {Lstm} lstm
 * @param {readonly Job[]} jobs
 * @param {Rule} rule
 * @param {number} seed
 * @param {Pause} pause
 * @returns {Promise<Draft[]>} in the order of the jobs
 */
export async function drawAll(lstm, jobs, rule, seed, pause) {
  /** @type {Draft[]} */
  const drafts = jobs.map(({ attempt }) => ({ rows: [], nll: 0, ended: false, attempt }));
  const waiting = jobs.map((_, i) => i).reverse();
  /** @type {{job: number, row: ArrayLike<number>}[]} */
  const batch = [];
  while (batch.length || waiting.length) {
    while (batch.length < WIDTH && waiting.length) {
      const job = /** @type {number} */ (waiting.pop());
      lstm.put(batch.length, jobs[job].prompt.state);
      batch.push({ job, row: jobs[job].prompt.row });
    }
    lstm.step(batch.map(({ row }) => row));
    for (let b = batch.length - 1; b >= 0; b--) {
      const { job } = batch[b];
      const { index, attempt } = jobs[job];
      const draft = drafts[job];
      const raw = lstm.rawOf(b);
      const row = drawPoint(raw, rule, uniforms(seed, index, attempt * ATTEMPT + draft.rows.length));
      draft.rows.push(row);
      draft.nll += loss(raw, row);
      batch[b].row = fiveOf(row);
      draft.ended = row[2] === 2;
      if (draft.ended || draft.rows.length === lstm.facts.max_length) leave(lstm, batch, b);
    }
    await pause();
  }
  return drafts;
}

/** A drawing is over: the last of the batch takes its row, all of which have had their turn. @param {Lstm} lstm @param {{job: number, row: ArrayLike<number>}[]} batch @param {number} b */
function leave(lstm, batch, b) {
  const moved = batch.pop();
  if (!moved || b === batch.length) return;
  lstm.put(b, lstm.take(batch.length));
  batch[b] = moved;
}

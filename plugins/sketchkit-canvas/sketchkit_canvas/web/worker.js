/** The thread that draws: it answers requests as the server of `sketchkit canvas` does, in order, one at a time. @module */

import { complete } from './complete.js';
import { Mind } from './mind.js';

/** @typedef {import('../page/types.js').Move} Move */
/** @typedef {import('./complete.js').Wish} Wish */
/** @typedef {Wish & {id: number, type: string}} Request */

/** A step after so many milliseconds lets messages in. */
const TURN = 12;
/** So many of the classes that a drawing may be are told. */
const MOST_TOLD = 5;

/** @type {Request[]} */
const waiting = [];
/** @type {Set<number>} */
const dropped = new Set();
/** @type {Mind | null} */
let mind = null;
let busy = false;

class Dropped extends Error {}

const turn = new MessageChannel();

/** Let messages in, which have come before. */
function breathe() {
  return new Promise((resolve) => {
    turn.port1.onmessage = resolve;
    turn.port2.postMessage(null);
  });
}

/** @param {number} id */
function pauses(id) {
  let last = performance.now();
  return async () => {
    if (performance.now() - last > TURN) {
      await breathe();
      last = performance.now();
    }
    if (dropped.has(id)) throw new Dropped();
  };
}

/** @param {Mind} drawer @param {Request} wish */
async function answer(drawer, wish) {
  const { id } = wish;
  const rounded = (/** @type {number} */ value) => Math.round(value * 100) / 100;
  const guessed = (/** @type {import('../page/types.js').Taken} */ { guesses, unlike }) =>
    postMessage({ type: 'guess', id, guesses: guesses.slice(0, MOST_TOLD), unlike });
  const endings = await complete(drawer, wish, guessed, pauses(id));
  endings.forEach(({ strokes, finished, label }, k) => {
    /** @type {Move[]} */
    const points = strokes.flatMap((stroke) => stroke.map(([x, y], i) => /** @type {Move} */ ([rounded(x), rounded(y), Number(i > 0)])));
    postMessage({ type: 'points', id, k, first: 0, points });
    postMessage({ type: 'over', id, k, finished, label });
  });
  postMessage({ type: 'done', id });
}

async function work() {
  if (busy || !mind) return;
  busy = true;
  for (let wish = waiting.shift(); wish; wish = waiting.shift()) {
    try {
      await answer(mind, wish);
    } catch (problem) {
      if (!(problem instanceof Dropped)) postMessage({ type: 'error', id: wish.id, code: 'failed', message: String(problem) });
    }
    dropped.delete(wish.id);
  }
  busy = false;
}

/** @param {MessageEvent} event */
self.onmessage = async ({ data }) => {
  if (data.type === 'load') {
    try {
      mind = await Mind.load(data.facts, data.weights, data.kernel);
      postMessage({ type: 'ready' });
    } catch (problem) {
      postMessage({ type: 'failed', message: problem instanceof Error ? problem.message : String(problem) });
    }
  } else if (data.type === 'cancel') {
    dropped.add(data.id);
  } else {
    waiting.push(data);
  }
  void work();
};

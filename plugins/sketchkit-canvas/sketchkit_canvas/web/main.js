/** The page to send: the model is in it, and a worker draws. @module */

import { Desk } from '../page/desk.js';
import { element } from '../page/dom.js';
import { Finish } from '../page/finish.js';
import { Nine } from '../page/nine.js';
import { Page } from '../page/page.js';
import { answer, say } from '../page/status.js';
import { load } from '../page/store.js';
import { theme } from '../page/theme.js';
import { Connection } from './connection.js';
import { saveFile } from './files.js';

/** @typedef {import('./weights.js').Facts} Facts */

/** @type {Record<import('../page/types.js').State, string>} */
const WORDS = { connecting: 'waking up', ready: 'works offline', lost: 'cannot draw', refused: 'cannot draw' };

const text = (/** @type {string} */ id) => element(id).textContent ?? '';
/** @type {Facts} */
const facts = JSON.parse(text('facts'));
const store = `sketchkit-web/1/${facts.checksum}`;
const kept = load(store);
theme.choose(kept.theme);
const connection = new Connection(facts, { worker: text('worker'), weights: text('weights'), kernel: text('kernel') });
const desk = new Desk(connection, kept, saveFile);
const page = new Page(desk, kept, { finish: new Finish(desk), nine: new Nine(desk) }, store);

function showConnection() {
  const { state, models, model, problem } = connection;
  element('connection').dataset.state = state;
  element('connection-words').textContent = WORDS[state];
  if (state === 'ready') {
    desk.controls.know(models, model);
    answer('Ready.');
  }
  if (state === 'lost') say(`This browser cannot draw: ${problem}.`, 'warning');
}

// There is one model, which the head of the page names.
element('model-field').hidden = true;
connection.addEventListener('state', showConnection);
showConnection();
page.begin({});

/** For tests: what the page holds, to be read only. */
Object.defineProperty(window, 'sketchkitCanvas', { value: Object.freeze({ state: () => page.state }) });

/** The page of `sketchkit canvas`, whose server draws, and reads and writes files. @module */

import { Desk, SIDES } from './desk.js';
import { button, element, input } from './dom.js';
import { importFile, saveFile } from './files.js';
import { Finish } from './finish.js';
import { countPoints, fitted, forWire, MOST_POINTS } from './geometry.js';
import { Heat } from './heat.js';
import { Mimic } from './mimic.js';
import { Morph } from './morph.js';
import { Nine } from './nine.js';
import { Page } from './page.js';
import { Connection, readToken } from './socket.js';
import { answer, say } from './status.js';
import { load } from './store.js';
import { theme } from './theme.js';

/** @typedef {import('./types.js').State} State */

/** @type {Record<State, string>} */
const CONNECTION = { connecting: 'connecting', ready: 'connected', lost: 'connection lost', refused: 'not let in' };
const STORE = 'sketchkit-canvas/1';

const kept = load(STORE);
theme.choose(kept.theme);
const connection = new Connection(readToken());
const desk = new Desk(connection, kept, (format, saved) => saveFile(format, saved, connection.token));
const heat = new Heat(desk);
const modes = { finish: new Finish(desk), nine: new Nine(desk), mimic: new Mimic(desk), morph: new Morph(desk) };
const page = new Page(desk, kept, modes, STORE);

function showConnection() {
  const { state, models, model } = connection;
  element('connection').dataset.state = state;
  element('connection-words').textContent = CONNECTION[state];
  if (state === 'ready') {
    desk.controls.know(models, model);
    answer('Ready.');
  }
  if (state === 'lost') say('The connection is lost. Trying again …', 'warning');
  if (state === 'refused') say('The server does not know this page. Open the address that the command printed.', 'warning');
}

/** @param {File | undefined} file */
async function bringIn(file) {
  if (!file) return;
  try {
    const found = await importFile(file, connection.token);
    const strokes = fitted(found.strokes);
    if (countPoints(forWire(strokes)) > MOST_POINTS) throw new Error('it has too many strokes');
    page.sheet.replace(strokes.map((points) => ({ points, by: null })), 'import');
    const without = found.left_out && `, without ${found.left_out}`;
    answer(`${file.name} is on the sheet${without}. Undo brings back what was there.`);
  } catch (problem) {
    say(`${file.name} was not brought in: ${problem instanceof Error ? problem.message : problem}.`, 'warning');
  }
}

function listenToFiles() {
  button('import').addEventListener('click', () => input('file').click());
  input('file').addEventListener('change', () => {
    void bringIn(input('file').files?.[0]);
    // The same file may be wanted again.
    input('file').value = '';
  });
  const over = (/** @type {boolean} */ on) => element('panel').classList.toggle('dropping', on);
  addEventListener('dragover', (event) => {
    event.preventDefault();
    over(true);
  });
  addEventListener('dragleave', (event) => event.relatedTarget || over(false));
  addEventListener('drop', (event) => {
    event.preventDefault();
    over(false);
    void bringIn(event.dataTransfer?.files[0]);
  });
}

function toggleHeat() {
  heat.turn(!heat.on);
  page.keepSoon();
}

listenToFiles();
button('heat').addEventListener('click', toggleHeat);
for (const side of SIDES) button(`pick-${side}`).addEventListener('click', () => desk.activate(side));
page.addEventListener('change', () => heat.soon());
page.addEventListener('keep', () => (kept.heat = heat.on));
desk.addEventListener('active', () => heat.ask());
connection.addEventListener('state', showConnection);
showConnection();
const heated = kept.heat;
page.begin({ h: toggleHeat });
// After the page's own listener, which enters the mode.
connection.addEventListener('ready', () => heat.turn(heated), { once: true });

/** For tests: what the page holds, to be read only. */
Object.defineProperty(window, 'sketchkitCanvas', {
  value: Object.freeze({ state: () => ({ ...page.state, heat: heat.values }) }),
});

/** The page: what the buttons and keys do, and which mode is on. @module */

import { Desk, SIDES } from './desk.js';
import { button, dialog, element, input } from './dom.js';
import { importFile } from './files.js';
import { Finish } from './finish.js';
import { countPoints, fitted, forWire, MOST_POINTS } from './geometry.js';
import { Heat } from './heat.js';
import { listen } from './keys.js';
import { Mimic } from './mimic.js';
import { Morph } from './morph.js';
import { Nine } from './nine.js';
import { readToken } from './socket.js';
import { answer, say } from './status.js';
import { load, save } from './store.js';
import { listenToTabs, MODES, showTab } from './tabs.js';
import { theme } from './theme.js';

/** @typedef {import('./types.js').Mode} Mode */
/** @typedef {import('./types.js').ModeName} ModeName */
/** @typedef {import('./socket.js').State} State */

/** @type {Record<State, string>} */
const CONNECTION = { connecting: 'connecting', ready: 'connected', lost: 'connection lost', refused: 'not let in' };

const kept = load();
theme.choose(kept.theme);
const desk = new Desk(readToken(), kept);
const heat = new Heat(desk);
/** @type {Record<ModeName, Mode>} */
const modes = { finish: new Finish(desk), nine: new Nine(desk), mimic: new Mimic(desk), morph: new Morph(desk) };

const mode = () => modes[kept.mode];
const sheet = () => desk.sheets[desk.active];

/** @type {number | undefined} */
let saving;

/** Soon, and once for many changes. */
function keepSoon() {
  saving ??= setTimeout(keepNow, 300);
}

function keepNow() {
  clearTimeout(saving);
  saving = undefined;
  const { a, b } = desk.sheets;
  save({ ...kept, sheets: { a: a.marks, b: b.marks }, active: desk.active, heat: heat.on });
}

/** @param {ModeName} name */
function enter(name) {
  for (const each of SIDES) desk.papers[each].lift();
  mode().leave();
  kept.mode = name;
  desk.activate(name === 'morph' ? desk.active : 'a');
  desk.controls.enter(name);
  showTab(name);
  // The words of the mode before are no longer true.
  if (desk.connection.ready) answer('Ready.');
  mode().enter();
  heat.soon();
  showTools();
  keepSoon();
}

function showTools() {
  button('undo').disabled = !sheet().canUndo;
  button('redo').disabled = !sheet().canRedo;
  button('clear').disabled = sheet().empty;
  button('save-svg').disabled = button('save-png').disabled = sheet().empty;
  for (const side of SIDES) element(`hint-${side}`).hidden = !desk.sheets[side].empty || desk.papers[side].penDown;
}

function showConnection() {
  const { state, models, model } = desk.connection;
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
    const found = await importFile(file, desk.connection.token);
    const strokes = fitted(found.strokes);
    if (countPoints(forWire(strokes)) > MOST_POINTS) throw new Error('it has too many strokes');
    sheet().replace(strokes.map((points) => ({ points, by: null })), 'import');
    const without = found.left_out && `, without ${found.left_out}`;
    answer(`${file.name} is on the sheet${without}. Undo brings back what was there.`);
  } catch (problem) {
    say(`${file.name} was not brought in: ${problem instanceof Error ? problem.message : problem}.`, 'warning');
  }
}

/** @param {'svg' | 'png'} format */
function saveDrawing(format) {
  const { marks, strokes } = sheet();
  const by = marks.filter((mark) => mark.by).at(-1)?.by ?? null;
  void desk.save(format, { drawings: [strokes], added: marks.map((mark) => mark.by !== null), metadata: by });
}

function otherTheme() {
  kept.theme = theme.current === 'dark' ? 'light' : 'dark';
  theme.choose(kept.theme);
  keepSoon();
}

function help() {
  input('letters').checked = kept.shortcuts;
  dialog('help').showModal();
}

function listenToTools() {
  button('undo').addEventListener('click', () => sheet().undo());
  button('redo').addEventListener('click', () => sheet().redo());
  button('clear').addEventListener('click', () => sheet().clear());
  button('heat').addEventListener('click', () => toggleHeat());
  button('import').addEventListener('click', () => input('file').click());
  button('save-svg').addEventListener('click', () => saveDrawing('svg'));
  button('save-png').addEventListener('click', () => saveDrawing('png'));
  button('theme').addEventListener('click', otherTheme);
  button('help-open').addEventListener('click', help);
  for (const side of SIDES) button(`pick-${side}`).addEventListener('click', () => desk.activate(side));
  input('file').addEventListener('change', () => {
    void bringIn(input('file').files?.[0]);
    // The same file may be wanted again.
    input('file').value = '';
  });
  input('letters').addEventListener('change', () => {
    kept.shortcuts = input('letters').checked;
    keepSoon();
  });
  button('skip').addEventListener('click', () => element(`paper-${desk.active}`).focus());
}

function listenToDrops() {
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
  keepSoon();
}

function listenToDesk() {
  for (const side of SIDES) {
    const { sheet: itsSheet, paper } = desk.place(side);
    paper.addEventListener('began', () => {
      mode().began();
      showTools();
    });
    paper.addEventListener('drew', () => mode().drew());
    paper.addEventListener('abandoned', () => {
      mode().changed('abandoned');
      showTools();
    });
    itsSheet.addEventListener('change', (event) => {
      const why = /** @type {CustomEvent<string>} */ (event).detail;
      if (why === 'import') mode().drew();
      else if (why !== 'draw') mode().changed(why);
      heat.soon();
      showTools();
      keepSoon();
    });
  }
  desk.addEventListener('active', () => {
    heat.ask();
    showTools();
    keepSoon();
  });
  desk.controls.addEventListener('change', () => {
    // A stroke that is being drawn will ask when it is finished.
    if (!SIDES.some((side) => desk.papers[side].penDown)) mode().retuned();
    heat.soon();
    keepSoon();
  });
  desk.connection.addEventListener('state', showConnection);
}

function begin() {
  const { connection, controls } = desk;
  listenToTabs((name) => name !== kept.mode && enter(name));
  listenToTools();
  listenToDrops();
  listenToDesk();
  listen({
    undo: () => sheet().undo(),
    redo: () => sheet().redo(),
    mode: (key) => mode().key(key),
    lettersOn: () => kept.shortcuts,
    letters: {
      ...Object.fromEntries(MODES.map((name, i) => [String(i + 1), () => enter(name)])),
      u: () => sheet().undo(),
      r: () => sheet().redo(),
      c: () => sheet().clear(),
      h: toggleHeat,
      t: otherTheme,
      '?': help,
    },
  });
  addEventListener('pagehide', keepNow);
  connection.addEventListener(
    'ready',
    () => {
      desk.activate(kept.active);
      enter(kept.mode);
      heat.turn(kept.heat);
    },
    { once: true },
  );
  showTab(kept.mode);
  controls.enter(kept.mode);
  showConnection();
  showTools();
  connection.open();
}

begin();

/** For tests: what the page holds, to be read only. */
Object.defineProperty(window, 'sketchkitCanvas', {
  value: Object.freeze({
    state: () => ({
      mode: kept.mode,
      connection: desk.connection.state,
      sent: desk.connection.sent,
      active: desk.active,
      sheets: Object.fromEntries(SIDES.map((side) => [side, structuredClone(desk.sheets[side].marks)])),
      colors: desk.papers[desk.active].colors,
      choices: structuredClone(desk.controls.choices),
      heat: heat.values,
      [kept.mode]: mode().state(),
    }),
  }),
});

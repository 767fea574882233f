/** What survives a reload. @module */

/** @typedef {import('./types.js').Mark} Mark */
/** @typedef {import('./types.js').ModeName} ModeName */

/**
 * @typedef {object} Choices  what was chosen in the settings
 * @property {string | null} label
 * @property {{plain: string | null, conditional: string | null}} models
 * @property {Record<ModeName, number>} temperatures
 * @property {number} seed
 * @property {boolean} pinned
 * @property {number} tries  the best-looking of so many endings is shown
 * @property {number | null} part  how much of a finished drawing is there; null to let the network find out
 * @property {boolean} curves  whether endings are smooth
 *
 * @typedef {object} Kept
 * @property {ModeName} mode
 * @property {{a: readonly Mark[], b: readonly Mark[]}} sheets
 * @property {'a' | 'b'} active
 * @property {Choices} choices
 * @property {boolean} heat
 * @property {boolean} shortcuts  whether single letters are commands
 * @property {'light' | 'dark' | null} theme  null as the system has it
 */

const MODES = ['finish', 'nine', 'mimic', 'morph'];
/** How many tries there may be. */
const TRIES = [1, 2, 4, 6, 12];

/** @returns {Kept} */
function fresh() {
  return {
    mode: 'finish',
    sheets: { a: [], b: [] },
    active: 'a',
    choices: {
      label: null,
      models: { plain: null, conditional: null },
      temperatures: { finish: 0.4, nine: 0.4, mimic: 0.4, morph: 0.1 },
      seed: 0,
      pinned: false,
      tries: 6,
      part: null,
      curves: true,
    },
    heat: false,
    shortcuts: true,
    theme: null,
  };
}

/**
 * A store may be forbidden, full, or hold something else: then the page goes on without it.
 *
 * @template T
 * @param {() => T} action
 * @returns {T | null}
 */
export function tried(action) {
  try {
    return action();
  } catch {
    return null;
  }
}

/** @param {unknown} value @returns {value is number} */
const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);
/** @param {unknown} value @returns {value is string | null} */
const isName = (value) => value === null || typeof value === 'string';

/** @param {any} mark @returns {mark is Mark} */
function isMark(mark) {
  const points = mark?.points;
  /** @param {any} point */
  const isPoint = (point) => Array.isArray(point) && point.length === 2 && point.every(isNumber);
  return Array.isArray(points) && points.length > 0 && points.every(isPoint) && (mark.by === null || isNumber(mark.by?.seed));
}

/**
 * Take over what a store says, as far as it is what this page writes.
 *
 * @param {string | null} text
 * @returns {Kept | null}
 */
export function understood(text) {
  const said = text ? tried(() => JSON.parse(text)) : null;
  if (!said || typeof said !== 'object') return null;
  const kept = fresh();
  if (MODES.includes(said.mode)) kept.mode = said.mode;
  for (const side of /** @type {const} */ (['a', 'b'])) {
    const marks = said.sheets?.[side];
    if (Array.isArray(marks)) kept.sheets[side] = marks.filter(isMark);
  }
  if (said.active === 'b') kept.active = 'b';
  const { choices } = kept;
  const { label, models, temperatures, seed, pinned, tries, part, curves } = said.choices ?? {};
  if (isName(label)) choices.label = label;
  if (isName(models?.plain)) choices.models.plain = models.plain;
  if (isName(models?.conditional)) choices.models.conditional = models.conditional;
  for (const mode of /** @type {ModeName[]} */ (MODES)) {
    if (isNumber(temperatures?.[mode])) choices.temperatures[mode] = Math.min(2, Math.max(0.01, temperatures[mode]));
  }
  if (Number.isSafeInteger(seed) && seed >= 0) choices.seed = seed;
  choices.pinned = pinned === true;
  if (TRIES.includes(tries)) choices.tries = tries;
  if (isNumber(part)) choices.part = Math.min(1, Math.max(0.1, part));
  choices.curves = curves !== false;
  kept.heat = said.heat === true;
  kept.shortcuts = said.shortcuts !== false;
  if (said.theme === 'light' || said.theme === 'dark') kept.theme = said.theme;
  return kept;
}

/**
 * What this tab had before it was reloaded; a new tab begins with what the last one had.
 *
 * @param {string} store  its name
 * @returns {Kept}
 */
export function load(store) {
  const mine = tried(() => sessionStorage.getItem(store));
  const last = tried(() => localStorage.getItem(store));
  return understood(mine) ?? understood(last) ?? fresh();
}

/** @param {string} store @param {Kept} kept */
export function save(store, kept) {
  const round = (/** @type {number} */ value) => Math.round(value * 100) / 100;
  const marks = (/** @type {readonly Mark[]} */ list) =>
    list.map(({ points, by }) => ({ points: points.map(([x, y]) => [round(x), round(y)]), by }));
  const text = JSON.stringify({ ...kept, sheets: { a: marks(kept.sheets.a), b: marks(kept.sheets.b) } });
  tried(() => sessionStorage.setItem(store, text));
  tried(() => localStorage.setItem(store, text));
}

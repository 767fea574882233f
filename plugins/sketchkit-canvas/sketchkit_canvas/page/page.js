/** What the buttons and keys do, whatever draws, and which mode is on. @module */

import { SIDES } from './desk.js';
import { button, dialog, element, input } from './dom.js';
import { listen } from './keys.js';
import { answer } from './status.js';
import { save } from './store.js';
import { listenToTabs, showTab } from './tabs.js';
import { theme } from './theme.js';

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./store.js').Kept} Kept */
/** @typedef {import('./types.js').Mode} Mode */
/** @typedef {import('./types.js').ModeName} ModeName */

/** Tells by the event `change` that a sheet, the class or the model has changed, and by `keep` that all is being kept. */
export class Page extends EventTarget {
  /** @type {number | undefined} */ #saving;

  /**
   * @param {Desk} desk
   * @param {Kept} kept
   * @param {Partial<Record<ModeName, Mode>>} modes  in the order of their tabs
   * @param {string} store  the name under which the browser keeps it
   */
  constructor(desk, kept, modes, store) {
    super();
    this.desk = desk;
    this.kept = kept;
    this.modes = modes;
    this.store = store;
    this.names = /** @type {ModeName[]} */ (Object.keys(modes));
    if (!modes[kept.mode]) kept.mode = this.names[0];
  }

  get mode() {
    return /** @type {Mode} */ (this.modes[this.kept.mode]);
  }

  get sheet() {
    return this.desk.sheets[this.desk.active];
  }

  /** @param {Record<string, () => void>} letters  what further keys do */
  begin(letters) {
    const { connection, controls } = this.desk;
    listenToTabs(this.names, (name) => name !== this.kept.mode && this.enter(name));
    this.#listenToTools();
    this.#listenToDesk();
    this.#listenToKeys(letters);
    addEventListener('pagehide', () => this.#keepNow());
    connection.addEventListener('ready', () => this.#ready(), { once: true });
    showTab(this.names, this.kept.mode);
    controls.enter(this.kept.mode);
    this.showTools();
    connection.open();
  }

  /** @param {ModeName} name */
  enter(name) {
    const { desk } = this;
    for (const each of SIDES) desk.papers[each].lift();
    this.mode.leave();
    this.kept.mode = name;
    desk.activate(name === 'morph' ? desk.active : 'a');
    desk.controls.enter(name);
    showTab(this.names, name);
    // The words of the mode before are no longer true.
    if (desk.connection.ready) answer('Ready.');
    this.mode.enter();
    this.#changed();
  }

  /** Soon, and once for many changes. */
  keepSoon() {
    this.#saving ??= setTimeout(() => this.#keepNow(), 300);
  }

  #keepNow() {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    this.dispatchEvent(new Event('keep'));
    const { a, b } = this.desk.sheets;
    save(this.store, { ...this.kept, sheets: { a: a.marks, b: b.marks }, active: this.desk.active });
  }

  showTools() {
    const { sheet, desk } = this;
    button('undo').disabled = !sheet.canUndo;
    button('redo').disabled = !sheet.canRedo;
    button('clear').disabled = sheet.empty;
    button('save-svg').disabled = button('save-png').disabled = sheet.empty;
    for (const side of SIDES) element(`hint-${side}`).hidden = !desk.sheets[side].empty || desk.papers[side].penDown;
  }

  /** @param {'svg' | 'png'} format */
  #saveDrawing(format) {
    const { marks, strokes } = this.sheet;
    const by = marks.filter((mark) => mark.by).at(-1)?.by ?? null;
    void this.desk.save(format, { drawings: [strokes], added: marks.map((mark) => mark.by !== null), metadata: by });
  }

  #otherTheme() {
    this.kept.theme = theme.current === 'dark' ? 'light' : 'dark';
    theme.choose(this.kept.theme);
    this.keepSoon();
  }

  #help() {
    input('letters').checked = this.kept.shortcuts;
    dialog('help').showModal();
  }

  #ready() {
    this.desk.activate(this.kept.active);
    this.enter(this.kept.mode);
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
    this.showTools();
    this.keepSoon();
  }

  #listenToTools() {
    button('undo').addEventListener('click', () => this.sheet.undo());
    button('redo').addEventListener('click', () => this.sheet.redo());
    button('clear').addEventListener('click', () => this.sheet.clear());
    button('save-svg').addEventListener('click', () => this.#saveDrawing('svg'));
    button('save-png').addEventListener('click', () => this.#saveDrawing('png'));
    button('theme').addEventListener('click', () => this.#otherTheme());
    button('help-open').addEventListener('click', () => this.#help());
    input('letters').addEventListener('change', () => {
      this.kept.shortcuts = input('letters').checked;
      this.keepSoon();
    });
    button('skip').addEventListener('click', () => element(`paper-${this.desk.active}`).focus());
  }

  #listenToDesk() {
    const { desk } = this;
    for (const side of SIDES) {
      const { sheet, paper } = desk.place(side);
      paper.addEventListener('began', () => {
        this.mode.began();
        this.showTools();
      });
      paper.addEventListener('drew', () => this.mode.drew());
      paper.addEventListener('abandoned', () => {
        this.mode.changed('abandoned');
        this.showTools();
      });
      sheet.addEventListener('change', (event) => {
        const why = /** @type {CustomEvent<string>} */ (event).detail;
        if (why === 'import') this.mode.drew();
        else if (why !== 'draw') this.mode.changed(why);
        this.#changed();
      });
    }
    desk.addEventListener('active', () => {
      this.showTools();
      this.keepSoon();
    });
    desk.controls.addEventListener('change', () => {
      // A stroke that is being drawn will ask when it is finished.
      if (!SIDES.some((side) => desk.papers[side].penDown)) this.mode.retuned();
      this.#changed();
    });
  }

  /** @param {Record<string, () => void>} letters */
  #listenToKeys(letters) {
    listen({
      undo: () => this.sheet.undo(),
      redo: () => this.sheet.redo(),
      mode: (key) => this.mode.key(key),
      lettersOn: () => this.kept.shortcuts,
      letters: {
        ...Object.fromEntries(this.names.map((name, i) => [String(i + 1), () => this.enter(name)])),
        u: () => this.sheet.undo(),
        r: () => this.sheet.redo(),
        c: () => this.sheet.clear(),
        t: () => this.#otherTheme(),
        '?': () => this.#help(),
        ...letters,
      },
    });
  }

  /** For tests: what the page holds, to be read only. */
  get state() {
    const { desk, kept } = this;
    return {
      mode: kept.mode,
      connection: desk.connection.state,
      sent: desk.connection.sent,
      active: desk.active,
      sheets: Object.fromEntries(SIDES.map((side) => [side, structuredClone(desk.sheets[side].marks)])),
      colors: desk.papers[desk.active].colors,
      choices: structuredClone(desk.controls.choices),
      [kept.mode]: this.mode.state(),
    };
  }
}

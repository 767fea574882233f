/** The desk: both sheets with their papers, the connection and the settings, which the modes share. @module */

import { Controls } from './controls.js';
import { canvas, element } from './dom.js';
import { Sheet } from './history.js';
import { KeyPen } from './keypen.js';
import { Paper } from './paper.js';
import { answer, say, whisper } from './status.js';

/** @typedef {import('./types.js').Format} Format */
/** @typedef {import('./types.js').Network} Network */
/** @typedef {import('./types.js').Save} Save */
/** @typedef {import('./types.js').Saved} Saved */
/** @typedef {import('./store.js').Kept} Kept */
/** @typedef {'a' | 'b'} Side */

export const SIDES = /** @type {const} */ (['a', 'b']);

/** Tells by the event `active` that another sheet is drawn on. */
export class Desk extends EventTarget {
  /**
   * @param {Network} connection
   * @param {Kept} kept
   * @param {Save} saveFile
   */
  constructor(connection, kept, saveFile) {
    super();
    this.connection = connection;
    this.saveFile = saveFile;
    this.controls = new Controls(kept.choices);
    this.sheets = { a: new Sheet(kept.sheets.a), b: new Sheet(kept.sheets.b) };
    this.papers = { a: new Paper(canvas('paper-a'), this.sheets.a), b: new Paper(canvas('paper-b'), this.sheets.b) };
    /** @type {Side} */
    this.active = 'a';
    for (const side of SIDES) {
      new KeyPen(this.papers[side], whisper);
      canvas(`paper-${side}`).addEventListener('focus', () => this.activate(side));
      this.papers[side].addEventListener('began', () => this.activate(side));
    }
  }

  /** @param {Side} side */
  place(side) {
    return { sheet: this.sheets[side], paper: this.papers[side] };
  }

  /**
   * @param {Side} side  the sheet that is drawn on from now on
   * @param {boolean} focus
   */
  activate(side, focus = false) {
    const other = this.active !== side;
    this.active = side;
    element('panel').dataset.active = side;
    for (const each of SIDES) element(`pick-${each}`).setAttribute('aria-pressed', String(each === side));
    if (focus) canvas(`paper-${side}`).focus();
    if (other) this.dispatchEvent(new Event('active'));
  }

  /** Why nothing is drawn. @param {string} what  what a model would have to be able to do */
  lack(what) {
    if (this.connection.models.length) say(`There is no model that ${what}.`, 'warning');
  }

  /**
   * @param {Format} format
   * @param {Saved} saved
   */
  async save(format, saved) {
    try {
      answer(`Saved as ${await this.saveFile(format, saved)}.`);
    } catch (problem) {
      say(`Not saved: ${problem instanceof Error ? problem.message : problem}.`, 'warning');
    }
  }
}

/** A sheet of paper: its strokes, and every earlier state of them. @module */

/** @typedef {import('./types.js').Mark} Mark */
/** @typedef {import('./types.js').Stroke} Stroke */

const MOST_STATES = 1000;

/** Tells of every change by an event `change`, whose detail says why. */
export class Sheet extends EventTarget {
  /** @type {Mark[][]} */ #past = [];
  /** @type {Mark[][]} */ #future = [];

  /** @param {readonly Mark[]} marks */
  constructor(marks = []) {
    super();
    /** @type {readonly Mark[]} never changed in place, so that an earlier state is only another list */
    this.marks = marks;
  }

  /** @returns {Stroke[]} */
  get strokes() {
    return this.marks.map((mark) => mark.points);
  }

  get empty() {
    return this.marks.length === 0;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /**
   * @param {Mark[]} marks
   * @param {string} why
   */
  add(marks, why) {
    this.replace([...this.marks, ...marks], why);
  }

  /**
   * @param {Mark[]} marks
   * @param {string} why
   */
  replace(marks, why) {
    this.#past.push([...this.marks]);
    if (this.#past.length > MOST_STATES) this.#past.shift();
    this.#future = [];
    this.#become(marks, why);
  }

  clear() {
    if (!this.empty) this.replace([], 'clear');
  }

  /** @returns {boolean} whether there was anything to take back */
  undo() {
    const earlier = this.#past.pop();
    if (!earlier) return false;
    this.#future.push([...this.marks]);
    this.#become(earlier, 'undo');
    return true;
  }

  /** @returns {boolean} */
  redo() {
    const later = this.#future.pop();
    if (!later) return false;
    this.#past.push([...this.marks]);
    this.#become(later, 'redo');
    return true;
  }

  /**
   * @param {Mark[]} marks
   * @param {string} why
   */
  #become(marks, why) {
    this.marks = marks;
    this.dispatchEvent(new CustomEvent('change', { detail: why }));
  }
}

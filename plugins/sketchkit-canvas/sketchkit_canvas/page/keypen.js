/** Drawing by keyboard: the arrows move a pen over the paper, the space bar puts it down and lifts it. @module */

import { SHEET } from './geometry.js';

/** @typedef {import('./paper.js').Paper} Paper */
/** @typedef {import('./types.js').Point} Point */

const STEP = 20;
const FINE_STEP = 5;
/** A moving pen says where it is once it rests for so many milliseconds. */
const REST = 400;

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class KeyPen {
  /** @type {Point} */ at = [SHEET / 2, SHEET / 2];
  /** @type {number | undefined} */ #timer;

  /**
   * @param {Paper} paper
   * @param {(words: string) => void} whisper  tells those who do not see it
   */
  constructor(paper, whisper) {
    this.paper = paper;
    this.whisper = whisper;
    const { canvas } = paper;
    // It goes on where a stroke has ended, whatever drew that.
    paper.addEventListener('drew', () => (this.at = paper.sheet.marks.at(-1)?.points.at(-1) ?? this.at));
    canvas.addEventListener('keydown', (event) => this.#key(event));
    canvas.addEventListener('focus', () => this.#show(canvas.matches(':focus-visible')));
    canvas.addEventListener('blur', () => this.#leave());
    canvas.addEventListener('pointerdown', () => this.#show(false));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) this.#go(arrow, event.shiftKey ? FINE_STEP : STEP);
    else if (event.key === ' ') this.#toggle(event.repeat);
    else if (event.key === 'Enter' && this.paper.penDown) this.paper.lift();
    else if (event.key === 'Escape' && this.paper.penDown) this.paper.abandon();
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.#show(true);
  }

  /**
   * @param {[number, number]} direction
   * @param {number} step
   */
  #go([dx, dy], step) {
    const [x, y] = this.at;
    this.at = [Math.max(0, Math.min(SHEET, x + dx * step)), Math.max(0, Math.min(SHEET, y + dy * step))];
    this.paper.extend(this.at);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.whisper(this.#where()), REST);
  }

  /** @param {boolean} repeated */
  #toggle(repeated) {
    if (repeated) return;
    if (this.paper.penDown) this.paper.lift();
    else this.paper.begin(this.at);
    clearTimeout(this.#timer);
    this.whisper(`Pen ${this.paper.penDown ? 'down' : 'up'}. ${this.#where()}`);
  }

  #where() {
    const [x, y] = this.at.map((value) => Math.round((value / SHEET) * 100));
    return `${x} % from the left, ${y} % from the top`;
  }

  #leave() {
    clearTimeout(this.#timer);
    if (this.paper.cursor) this.paper.lift();
    this.#show(false);
  }

  /** @param {boolean} visible */
  #show(visible) {
    this.paper.cursor = visible ? this.at : null;
    this.paper.redraw();
  }
}

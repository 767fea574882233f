/** A sheet that is drawn on, by mouse, finger or pen. @module */

import { SHEET } from './geometry.js';
import { paint } from './ink.js';
import { Picture } from './picture.js';
import { theme } from './theme.js';

/** @typedef {import('./types.js').Point} Point */
/** @typedef {import('./types.js').Stroke} Stroke */
/** @typedef {import('./history.js').Sheet} Sheet */

/** The pen leaves no points closer together than so many pixels, nor than so many paper units. */
const PIXELS_APART = 1;
const UNITS_APART = 1.2;

/** Tells by the events `began`, `drew` and `abandoned` that a stroke begins, and that it is on the sheet or gone. */
export class Paper extends EventTarget {
  /** @type {Stroke[]} what the network draws, not yet kept */ overlay = [];
  /** @type {(string | null)[] | null} a colour for each stroke in place of its own */ colors = null;
  /** @type {Point | null} where the keyboard's pen is, if it is to be seen */ cursor = null;
  /** @type {Stroke | null} */ #stroke = null;
  /** @type {number | null} */ #pointer = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Sheet} sheet
   */
  constructor(canvas, sheet) {
    super();
    this.canvas = canvas;
    this.sheet = sheet;
    this.picture = new Picture(canvas, (context, line) => this.#paint(context, line));
    sheet.addEventListener('change', () => this.redraw());
    theme.addEventListener('change', () => this.redraw());
    canvas.addEventListener('pointerdown', (event) => this.#down(event));
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    canvas.addEventListener('pointerup', (event) => this.#up(event));
    canvas.addEventListener('pointercancel', (event) => this.#up(event));
    canvas.addEventListener('lostpointercapture', (event) => this.#up(event));
    // A long press with a finger would open a menu in the middle of a stroke.
    canvas.addEventListener('contextmenu', (event) => this.penDown && event.preventDefault());
  }

  get penDown() {
    return this.#stroke !== null;
  }

  redraw() {
    this.picture.redraw();
  }

  /** Put the pen down; what was being drawn is finished first. @param {Point} at */
  begin(at) {
    this.lift();
    this.#stroke = [this.#onSheet(at)];
    this.dispatchEvent(new Event('began'));
    this.redraw();
  }

  /**
   * @param {Point} to
   * @param {number} apart  a point nearer than this to the last one is left out
   */
  extend(to, apart = 0) {
    const stroke = this.#stroke;
    const last = stroke?.at(-1);
    if (!stroke || !last) return;
    const at = this.#onSheet(to);
    const way = Math.hypot(at[0] - last[0], at[1] - last[1]);
    if (way === 0 || way < apart) return;
    stroke.push(at);
    this.redraw();
  }

  /** Lift the pen: the stroke is on the sheet. */
  lift() {
    const stroke = this.#take();
    if (!stroke) return;
    this.sheet.add([{ points: stroke, by: null }], 'draw');
    this.dispatchEvent(new Event('drew'));
  }

  /** Lift the pen, and leave nothing of the stroke. */
  abandon() {
    this.#take();
    this.dispatchEvent(new Event('abandoned'));
    this.redraw();
  }

  #take() {
    const stroke = this.#stroke;
    this.#stroke = this.#pointer = null;
    return stroke;
  }

  /** @param {Point} point @returns {Point} */
  #onSheet([x, y]) {
    return [Math.max(0, Math.min(SHEET, x)), Math.max(0, Math.min(SHEET, y))];
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0 || !event.isPrimary || this.#pointer !== null) return;
    this.canvas.setPointerCapture(event.pointerId);
    const { x, y } = this.picture.place(event);
    this.begin([x, y]);
    this.#pointer = event.pointerId;
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (event.pointerId !== this.#pointer) return;
    // Several places may have come between two frames; some browsers give none.
    const all = event.getCoalescedEvents?.() ?? [];
    const apart = Math.max(UNITS_APART, PIXELS_APART * this.picture.unit);
    for (const each of all.length ? all : [event]) {
      const { x, y } = this.picture.place(each);
      this.extend([x, y], apart);
    }
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (event.pointerId !== this.#pointer) return;
    const { x, y } = this.picture.place(event);
    // A cancelled touch has no place of its own.
    if (event.type === 'pointerup') this.extend([x, y], UNITS_APART);
    this.lift();
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} line
   */
  #paint(context, line) {
    this.sheet.marks.forEach((mark, i) => {
      paint(context, [mark.points], this.colors?.[i] ?? (mark.by ? theme.model : theme.ink), line);
    });
    if (this.#stroke) paint(context, [this.#stroke], theme.ink, line);
    paint(context, this.overlay, theme.model, line);
    if (this.cursor) this.#paintCursor(context, this.cursor);
  }

  /**
   * A cross with a ring, filled while the pen is down.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {Point} at
   */
  #paintCursor(context, [x, y]) {
    const unit = this.picture.unit;
    context.strokeStyle = context.fillStyle = theme.cursor;
    context.lineWidth = 2 * unit;
    context.beginPath();
    context.arc(x, y, 7 * unit, 0, 2 * Math.PI);
    if (this.penDown) context.fill();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 7 * unit * dx, y + 7 * unit * dy);
      context.lineTo(x + 15 * unit * dx, y + 15 * unit * dy);
    }
    context.stroke();
  }
}

/** A canvas that shows a square of the paper, as sharp as the screen, whatever its size. @module */

import { SHEET } from './geometry.js';

/** In units of the whole sheet; in small pictures, lines are no thinner than so many pixels. */
const LINE = 6.5;
const THINNEST = 1.8;

/** @typedef {{left: number, top: number, size: number}} View */
/** @typedef {(context: CanvasRenderingContext2D, line: number) => void} Painter */

export class Picture {
  #frame = 0;
  #pixels = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Painter} painter  draws in paper units; is told how thick a line is
   * @param {View} view  the part of the paper that is seen
   */
  constructor(canvas, painter, view = { left: 0, top: 0, size: SHEET }) {
    this.canvas = canvas;
    this.painter = painter;
    this.view = view;
    new ResizeObserver(() => this.redraw()).observe(canvas);
  }

  /** Paper units in a pixel of the page. */
  get unit() {
    return this.view.size / (this.#pixels || 1);
  }

  /** The place on the paper under a place in the window. @param {{clientX: number, clientY: number}} at */
  place({ clientX, clientY }) {
    const { view, canvas } = this;
    const box = canvas.getBoundingClientRect();
    // The border belongs to the box, but not to the paper.
    const scale = view.size / (canvas.clientWidth || 1);
    const [x, y] = [clientX - box.left - canvas.clientLeft, clientY - box.top - canvas.clientTop];
    return { x: view.left + x * scale, y: view.top + y * scale };
  }

  /** Before the next frame, however often it is said. */
  redraw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    this.#pixels = this.canvas.clientWidth;
    const side = Math.round(this.#pixels * devicePixelRatio);
    if (!side) return;
    if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
    const context = this.canvas.getContext('2d');
    if (!context) return;
    const scale = side / this.view.size;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, side, side);
    context.setTransform(scale, 0, 0, scale, -this.view.left * scale, -this.view.top * scale);
    this.painter(context, Math.max((LINE * this.view.size) / SHEET, THINNEST * this.unit));
  }
}

/** A grid of nine drawings that the network makes of one. @module */

import { Asker } from './asker.js';
import { forWire } from './geometry.js';
import { Grid } from './grid.js';
import { Reveal } from './reveal.js';
import { say } from './status.js';
import { reducedMotion } from './theme.js';

/** @typedef {import('./types.js').Origin} Origin */
/** @typedef {import('./types.js').Stroke} Stroke */
/** @typedef {import('./types.js').Network} Network */

/** @typedef {object} Look
 * @property {string} name  for test ids
 * @property {string[]} [captions]
 * @property {boolean} onBase  whether the drawing that was asked about is shown beneath
 * @property {(k: number) => string} title  what picture k is
 * @property {(k: number) => void} [choose]
 * @property {() => void} [changed]  something else is to be seen
 * @property {(taken: import('./types.js').Taken) => void} [guess]  what the drawing is taken for
 */

export class Board {
  /** @type {readonly Stroke[]} the drawing that was asked about */ base = [];
  /** @type {Origin | null} */ origin = null;
  /** @type {number | null} which was chosen */ chosen = null;

  /**
   * @param {Network} connection
   * @param {HTMLElement} box
   * @param {Look} look
   */
  constructor(connection, box, look) {
    this.box = box;
    this.look = look;
    this.asker = new Asker(connection);
    this.reveal = new Reveal((k) => this.#painted(k), { wait: reducedMotion() });
    const shown = (/** @type {number} */ k) => ({ ink: look.onBase ? this.base : [], model: this.reveal.strokes(k) });
    this.grid = new Grid(box, shown, look);
    this.empty();
  }

  /**
   * @param {Record<string, unknown>} message  what is asked, but for the drawing
   * @param {Origin} origin
   * @param {readonly Stroke[]} strokes
   */
  ask(message, origin, strokes) {
    this.origin = origin;
    this.base = strokes;
    this.asker.ask(
      { ...message, drawing: forWire([...strokes]) },
      {
        began: () => this.#began(),
        points: (k, first, points) => this.reveal.push(k, first, points),
        guess: (taken) => this.look.guess?.(taken),
        over: (...over) => this.reveal.over(...over),
        done: () => this.#changed(),
        failed: (_, text) => {
          this.empty();
          say(text, 'warning');
        },
      },
    );
    this.box.dataset.stale = 'false';
    this.#changed();
  }

  /** The drawing has gone on: what is still to come of these is not needed. */
  freeze() {
    this.asker.stop();
    this.reveal.stop();
    this.box.dataset.stale = String(this.reveal.tracks.length > 0);
  }

  empty() {
    this.asker.stop();
    this.origin = null;
    this.base = [];
    this.#began();
    this.reveal.reset(0);
    this.box.dataset.stale = 'false';
    this.#changed();
  }

  /** @param {number | null} k */
  choose(k) {
    this.chosen = k;
    this.grid.cells.forEach((_, i) => this.#describe(i));
    this.#changed();
  }

  /** Whole drawings, as far as they have come. @returns {Stroke[][]} */
  get drawings() {
    const base = this.look.onBase ? this.base : [];
    return this.reveal.tracks.map((track) => [...base, ...track.strokes]).filter((drawing) => drawing.length > 0);
  }

  /** The classes that the drawings were drawn as, each once, as far as they are over. */
  get labels() {
    return [...new Set(this.reveal.tracks.map(({ label }) => label))].filter((label) => label !== null);
  }

  get state() {
    return {
      waiting: this.asker.waiting,
      complete: this.reveal.allComplete && !this.asker.waiting,
      points: this.reveal.tracks.map((track) => track.shown),
      misplaced: this.reveal.misplaced,
      chosen: this.chosen,
      origin: this.origin,
    };
  }

  #began() {
    this.reveal.wait = reducedMotion();
    this.reveal.reset(9);
    this.chosen = null;
    this.grid.cells.forEach((_, k) => this.#describe(k));
    this.grid.redraw();
  }

  /** @param {number} k */
  #painted(k) {
    this.grid.cells[k].picture.redraw();
    if (!this.reveal.complete(k)) return;
    if (!this.reveal.allComplete) return void this.#describe(k);
    // Only now it is known whether their classes differ.
    this.grid.cells.forEach((_, i) => this.#describe(i));
    this.#changed();
  }

  /** @param {number} k */
  #describe(k) {
    const { grid, reveal, look } = this;
    const complete = reveal.complete(k);
    const strokes = reveal.strokes(k).length;
    const drawn = strokes === 1 ? 'one stroke' : strokes ? `${strokes} strokes` : 'nothing';
    const how = complete ? drawn : this.asker.waiting ? 'being drawn' : 'not yet drawn';
    const label = complete && this.labels.length > 1 ? (reveal.tracks[k].label ?? '') : '';
    const title = label ? `${look.title(k)}, ${label}` : look.title(k);
    grid.describe(k, `${title}: ${how}${this.chosen === k ? ', taken over' : ''}`, !complete || !strokes);
    grid.name(k, label);
    grid.cells[k].cell.classList.toggle('chosen', this.chosen === k);
  }

  #changed() {
    this.look.changed?.();
  }
}

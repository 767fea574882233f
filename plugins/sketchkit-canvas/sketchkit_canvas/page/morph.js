/** Morph: two drawings, and the way from one to the other. @module */

import { Asker } from './asker.js';
import { button, canvas, element, input } from './dom.js';
import { fitted, forWire } from './geometry.js';
import { paint } from './ink.js';
import { Picture } from './picture.js';
import { Rest } from './rest.js';
import { Reveal } from './reveal.js';
import { say } from './status.js';
import { theme } from './theme.js';

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./types.js').Mode} Mode */
/** @typedef {import('./types.js').Origin} Origin */

const STEPS = 33;
/** Every fourth is shown in the row. */
const EACH = 4;
/** Milliseconds of a step while it plays, and how long it rests at either end, in steps. */
const BEAT = 60;
const PAUSE = 8;
/** Every drawing of the row is put in a square of this side about (0, 0), so that none jumps out of the way. */
const SIDE = 256;
const VIEW = { left: -150, top: -150, size: 300 };

/** @implements {Mode} */
export class Morph {
  conditional = true;
  /** @type {Origin | null} */ origin = null;
  /** @type {import('./types.js').Stroke[][]} the row, as far as it is drawn */ drawings = [];
  /** @type {Picture[]} */ #row = [];
  #rest = new Rest();
  /** @type {number | undefined} */ #play;

  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.asker = new Asker(desk.connection);
    this.reveal = new Reveal((k) => this.#painted(k), { wait: true });
    this.picture = new Picture(canvas('morph-picture'), this.#painter(() => this.step), VIEW);
    this.#fillRow(element('morph-row'));
    input('morph-slider').addEventListener('input', () => this.#moved());
    button('play').addEventListener('click', () => this.#toggle());
    button('morph-gif').addEventListener('click', () => this.#save('gif'));
    button('morph-svg').addEventListener('click', () => this.#save('animated-svg'));
    theme.addEventListener('change', () => this.#redraw());
  }

  /** Which drawing of the row is seen. */
  get step() {
    return Number(input('morph-slider').value);
  }

  enter() {
    this.ask();
  }

  leave() {
    this.#rest.stop();
    this.empty();
  }

  began() {
    this.#rest.stop();
    this.asker.stop();
  }

  drew() {
    this.#rest.stop();
    this.ask();
  }

  changed() {
    this.#rest.later(() => this.ask());
  }

  retuned() {
    this.ask();
  }

  ask() {
    const { sheets, controls } = this.desk;
    const drawings = [sheets.a, sheets.b].map((sheet) => sheet.strokes);
    // A dot holds no line that the network could read.
    if (!drawings.every((strokes) => strokes.some((stroke) => stroke.length > 1))) return void this.empty();
    this.origin = controls.take();
    if (!this.origin) return void this.desk.lack('reads whole drawings');
    const { model, label, temperature, seed } = this.origin;
    const message = { type: 'draw', mode: 'morph', model, label, temperature, seed, n: STEPS };
    this.asker.ask(
      { ...message, drawings: drawings.map(forWire) },
      {
        began: () => this.#reset(STEPS),
        points: (k, first, points) => this.reveal.push(k, first, points),
        over: (...over) => this.reveal.over(...over),
        done: () => this.#settled(),
        failed: (_, text) => {
          this.empty();
          say(text, 'warning');
        },
      },
    );
    say('The network is drawing the way from A to B.');
  }

  empty() {
    this.asker.stop();
    this.origin = null;
    this.#stop();
    this.#reset(0);
  }

  /** @param {string} key */
  key(key) {
    if (key === 'a' || key === 'b') this.desk.activate(key, true);
    else if (key === 'p') this.#toggle();
    else return false;
    return true;
  }

  state() {
    const { tracks, misplaced, allComplete } = this.reveal;
    const { waiting } = this.asker;
    const points = tracks.map((track) => track.shown);
    return { waiting, complete: allComplete && !waiting, points, misplaced, step: this.step, origin: this.origin };
  }

  /** @param {HTMLElement} row */
  #fillRow(row) {
    for (let k = 0; k < STEPS; k += EACH) {
      const cell = row.appendChild(document.createElement('button'));
      Object.assign(cell, { type: 'button', className: 'cell' });
      cell.dataset.testid = `morph-${k}`;
      cell.setAttribute('aria-label', `Show drawing ${k + 1} of ${STEPS}`);
      cell.addEventListener('click', () => this.#go(k));
      this.#row.push(new Picture(cell.appendChild(document.createElement('canvas')), this.#painter(() => k), VIEW));
    }
  }

  /** @param {() => number} which  @returns {import('./picture.js').Painter} */
  #painter(which) {
    return (context, line) => paint(context, this.drawings[which()] ?? [], theme.model, line);
  }

  /** @param {number} n */
  #reset(n) {
    this.reveal.reset(n);
    this.drawings = [];
    this.#redraw();
    this.#show();
  }

  #redraw() {
    this.picture.redraw();
    for (const picture of this.#row) picture.redraw();
  }

  /** @param {number} k */
  #painted(k) {
    this.drawings[k] = fitted(this.reveal.strokes(k), SIDE, [0, 0]);
    if (k % EACH === 0) this.#row[k / EACH].redraw();
    if (k === this.step) this.picture.redraw();
    this.#settled();
  }

  #settled() {
    if (!this.reveal.allComplete || this.asker.waiting) return;
    this.#show();
    say('The way from A to B is drawn.');
  }

  /** @param {number} k */
  #go(k) {
    input('morph-slider').value = String(k);
    this.#moved();
  }

  #moved() {
    input('morph-slider').setAttribute('aria-valuetext', `drawing ${this.step + 1} of ${STEPS}`);
    this.picture.redraw();
    this.#row.forEach((picture, i) => picture.canvas.parentElement?.classList.toggle('chosen', i * EACH === this.step));
  }

  #show() {
    const complete = this.reveal.allComplete && !this.asker.waiting;
    for (const id of ['morph-gif', 'morph-svg', 'play']) button(id).disabled = !complete;
    const { a, b } = this.desk.sheets;
    const missing = [a.empty && 'A', b.empty && 'B'].filter(Boolean).join(' and ');
    element('morph-note').textContent = missing ? `Draw on ${missing}, and the way from A to B appears here.` : '';
    this.#moved();
  }

  #toggle() {
    if (this.#play) return void this.#stop();
    if (!this.reveal.allComplete) return;
    const there = Array.from({ length: STEPS }, (_, k) => k);
    const rest = (/** @type {number} */ k) => Array(PAUSE).fill(k);
    const round = [...there, ...rest(STEPS - 1), ...there.reverse(), ...rest(0)];
    let beat = round.indexOf(this.step);
    this.#play = setInterval(() => this.#go(round[(beat = (beat + 1) % round.length)]), BEAT);
    element('play-words').textContent = 'Stop';
  }

  #stop() {
    clearInterval(this.#play);
    this.#play = undefined;
    element('play-words').textContent = 'Play';
  }

  /** @param {'gif' | 'animated-svg'} format */
  #save(format) {
    const drawings = this.drawings.filter((strokes) => strokes.length > 0);
    void this.desk.save(format, { drawings, added: null, metadata: this.origin });
  }
}

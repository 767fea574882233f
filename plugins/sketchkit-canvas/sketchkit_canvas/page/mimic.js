/** Mimic: the network looks at a drawing and draws it again, from tame to wild. @module */

import { Board } from './board.js';
import { button, element } from './dom.js';
import { Rest } from './rest.js';
import { say } from './status.js';

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./types.js').Mode} Mode */

const TEMPERATURES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/** @implements {Mode} */
export class Mimic {
  conditional = true;
  #rest = new Rest();

  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.board = new Board(desk.connection, element('mimic-grid'), {
      name: 'mimic',
      onBase: false,
      captions: TEMPERATURES.map((temperature) => temperature.toFixed(1)),
      title: (k) => `Drawn again at temperature ${TEMPERATURES[k]}`,
      changed: () => this.#show(),
    });
    button('mimic-svg').addEventListener('click', () => this.#save('svg'));
    button('mimic-png').addEventListener('click', () => this.#save('png'));
  }

  enter() {
    this.ask();
  }

  leave() {
    this.#rest.stop();
    this.board.empty();
  }

  began() {
    this.#rest.stop();
    this.board.freeze();
  }

  drew() {
    this.#rest.stop();
    this.ask();
  }

  changed() {
    this.board.freeze();
    this.#rest.later(() => this.ask());
  }

  retuned() {
    this.ask();
  }

  ask() {
    const { sheets, controls } = this.desk;
    // A dot holds no line that could be drawn again.
    if (!sheets.a.strokes.some((stroke) => stroke.length > 1)) return void this.board.empty();
    const origin = controls.take();
    if (!origin) return void this.desk.lack('reads whole drawings');
    const { model, label, seed } = origin;
    const message = { type: 'draw', mode: 'mimic', model, label, temperatures: TEMPERATURES, seed };
    this.board.ask(message, origin, sheets.a.strokes);
    say('The network is drawing your drawing again.');
  }

  key() {
    return false;
  }

  state() {
    return this.board.state;
  }

  /** @param {'svg' | 'png'} format */
  #save(format) {
    const { drawings, origin } = this.board;
    // They were drawn at nine temperatures, not at one.
    void this.desk.save(format, { drawings, added: null, metadata: { ...origin, temperature: undefined } });
  }

  #show() {
    const board = this.board;
    if (!board) return;
    const { complete } = board.state;
    button('mimic-svg').disabled = button('mimic-png').disabled = !complete;
    element('mimic-note').textContent = board.origin
      ? 'Your drawing as the network remembers it, by temperature: low is tame, high is wild.'
      : 'Draw something: the network looks at it and draws it again.';
    if (complete) say('Nine copies are drawn.');
  }
}

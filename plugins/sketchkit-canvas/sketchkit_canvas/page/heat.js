/** Heat: how much each stroke surprises the network, as its colour. @module */

import { Asker } from './asker.js';
import { button, element } from './dom.js';
import { forWire } from './geometry.js';
import { Rest } from './rest.js';
import { say } from './status.js';
import { theme } from './theme.js';

/** @typedef {import('./desk.js').Desk} Desk */

export class Heat {
  on = false;
  /** @type {(number | null)[]} */ values = [];
  #rest = new Rest(200);

  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.asker = new Asker(desk.connection);
    theme.addEventListener('change', () => this.#show());
  }

  /** @param {boolean} on */
  turn(on) {
    this.on = on;
    button('heat').setAttribute('aria-pressed', String(on));
    element('heat-scale').hidden = !on;
    this.ask();
  }

  /** A sheet has changed, or the model: soon, for strokes come in haste. */
  soon() {
    this.#rest.stop();
    if (this.on) this.#rest.later(() => this.ask());
  }

  ask() {
    this.#rest.stop();
    this.asker.stop();
    const { controls, active } = this.desk;
    const { sheet } = this.desk.place(active);
    const { model, label } = controls;
    if (!this.on || sheet.empty || !model) return void this.#take([]);
    const message = { type: 'score', model: model.name, label, drawing: forWire(sheet.strokes) };
    this.asker.ask(message, {
      heat: ({ strokes }) => this.#take(strokes),
      failed: (_, text) => {
        this.#take([]);
        say(text, 'warning');
      },
    });
  }

  /** @param {(number | null)[]} values */
  #take(values) {
    this.values = values;
    this.#show();
  }

  #show() {
    const known = this.values.filter((value) => value !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const share = (/** @type {number} */ value) => (high > low ? (value - low) / (high - low) : 0.5);
    const colors = this.values.map((value) => (value === null ? null : theme.heatColor(share(value))));
    for (const side of /** @type {const} */ (['a', 'b'])) {
      const { paper } = this.desk.place(side);
      paper.colors = side === this.desk.active && colors.length ? colors : null;
      paper.redraw();
    }
    element('heat-low').textContent = known.length ? low.toFixed(2) : '';
    element('heat-high').textContent = known.length ? high.toFixed(2) : '';
    const words = this.values.map((value, i) => `Stroke ${i + 1}: ${value === null ? 'not read' : value.toFixed(2)}`);
    element('heat-values').replaceChildren(...words.map((text) => Object.assign(document.createElement('li'), { textContent: text })));
  }
}

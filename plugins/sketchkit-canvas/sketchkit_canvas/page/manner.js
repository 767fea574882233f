/** How endings are drawn: the best of how many tries, of what part of a drawing, smooth or not. @module */

import { element, input, select } from './dom.js';
import { Rest } from './rest.js';

/** @typedef {import('./store.js').Choices} Choices */

export class Manner {
  #rest = new Rest(150);

  /**
   * @param {Choices} choices
   * @param {() => void} changed  the network has to draw again
   */
  constructor(choices, changed) {
    this.choices = choices;
    this.changed = changed;
    if (choices.part !== null) input('part').value = String(choices.part);
    select('tries').addEventListener('change', () => this.#set({ tries: Number(select('tries').value) }));
    input('curves').addEventListener('change', () => this.#set({ curves: input('curves').checked }));
    input('part').addEventListener('input', () => this.#moved());
    input('part-auto').addEventListener('change', () => this.#set({ part: input('part-auto').checked ? null : this.#place }));
  }

  /** What endings are drawn by. */
  get taken() {
    const { tries, part, curves } = this.choices;
    return { tries, part, curves };
  }

  /** Where the slider is, which stays there while the network finds out. */
  get #place() {
    return Number(input('part').value);
  }

  /** @param {Partial<Choices>} choices */
  #set(choices) {
    this.#rest.stop();
    Object.assign(this.choices, choices);
    this.show(true);
    this.changed();
  }

  #moved() {
    this.choices.part = this.#place;
    this.show(true);
    this.#rest.later(this.changed);
  }

  /** @param {boolean} used  whether the mode draws endings */
  show(used) {
    const { tries, part, curves } = this.choices;
    element('tries-field').hidden = element('part-field').hidden = !used;
    select('tries').value = String(tries);
    input('curves').checked = curves;
    input('part-auto').checked = part === null;
    input('part').classList.toggle('idle', part === null);
    const words = `${Math.round(this.#place * 100)} %`;
    element('part-value').textContent = part === null ? '' : words;
    input('part').setAttribute('aria-valuetext', part === null ? 'auto' : words);
  }
}

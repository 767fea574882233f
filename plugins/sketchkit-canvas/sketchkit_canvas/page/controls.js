/** The settings: class, model, temperature and seed, and how endings are drawn. @module */

import { button, element, input, select } from './dom.js';
import { Manner } from './manner.js';
import { Rest } from './rest.js';

/** @typedef {import('./types.js').ModeName} ModeName */
/** @typedef {import('./types.js').ModelInfo} ModelInfo */
/** @typedef {import('./types.js').Origin} Origin */
/** @typedef {import('./store.js').Choices} Choices */

/** Random seeds are short, so that they can be written down; typed ones may be longer. */
const SEEDS = 1_000_000;

/** Tells by the event `change` that the network has to draw again. */
export class Controls extends EventTarget {
  /** @type {ModelInfo[]} */ #models = [];
  /** @type {ModeName} */ #mode = 'finish';
  #rest = new Rest(150);
  /** whether the seed that is shown has not been drawn with */ #unused = false;

  /** @param {Choices} choices */
  constructor(choices) {
    super();
    this.choices = choices;
    this.manner = new Manner(choices, () => this.#changed());
    if (!choices.seed && !choices.pinned) this.#roll();
    select('label').addEventListener('change', (event) => this.#chose(event, 'label'));
    select('model').addEventListener('change', (event) => this.#chose(event, 'model'));
    input('temperature').addEventListener('input', () => this.#heated());
    input('seed').addEventListener('change', () => this.#typed());
    input('pin').addEventListener('change', () => (this.choices.pinned = input('pin').checked));
    button('reroll').addEventListener('click', () => this.#rerolled());
    this.show();
  }

  /**
   * @param {ModelInfo[]} models
   * @param {string | null} preferred  the model that the command named
   */
  know(models, preferred) {
    this.#models = models;
    for (const kind of /** @type {const} */ (['plain', 'conditional'])) {
      const names = this.#ofKind(kind).map(({ name }) => name);
      const chosen = this.choices.models[kind];
      if (chosen && names.includes(chosen)) continue;
      this.choices.models[kind] = names.find((name) => name === preferred) ?? names[0] ?? null;
    }
    this.show();
  }

  /** @param {ModeName} mode */
  enter(mode) {
    this.#mode = mode;
    this.show();
  }

  /** @returns {'plain' | 'conditional'} */
  get #kind() {
    return this.#mode === 'mimic' || this.#mode === 'morph' ? 'conditional' : 'plain';
  }

  /** @param {'plain' | 'conditional'} kind */
  #ofKind(kind) {
    return this.#models.filter(({ conditional }) => conditional === (kind === 'conditional'));
  }

  /** The model that draws in this mode, if there is one. */
  get model() {
    return this.#models.find(({ name }) => name === this.choices.models[this.#kind]) ?? null;
  }

  /** @returns {string | null} */
  get label() {
    const { label } = this.choices;
    return label !== null && this.model?.classes.includes(label) ? label : null;
  }

  /** @param {string} label  a class of the model */
  choose(label) {
    this.choices.label = label;
    this.show();
    this.#changed();
  }

  /**
   * What is asked for endings, but for the drawing; with a guess where a class could be told, and none is.
   *
   * @param {Origin} origin  of the first of them
   * @param {number} n
   */
  wish({ index, mode, ...rest }, n) {
    const known = this.#models.find(({ name }) => name === rest.model)?.classes ?? [];
    return { type: 'draw', mode: 'finish', ...rest, first: index, n, guess: rest.label === null && known.length > 1 };
  }

  /**
   * What the next drawing is drawn with; a new seed unless it is pinned.
   *
   * @param {number} index
   * @returns {Origin | null} null where no model can
   */
  take(index = 0) {
    if (!this.model) return null;
    if (!this.choices.pinned && !this.#unused) this.#roll();
    this.#unused = false;
    this.show();
    const { seed, temperatures } = this.choices;
    const mode = this.#mode;
    const origin = { model: this.model.name, label: this.label, mode, temperature: temperatures[mode], seed, index };
    return this.#kind === 'plain' ? { ...origin, ...this.manner.taken } : origin;
  }

  #roll() {
    const [number] = crypto.getRandomValues(new Uint32Array(1));
    this.choices.seed = 1 + (number % (SEEDS - 1));
  }

  #rerolled() {
    this.#roll();
    this.#again();
  }

  #typed() {
    const seed = Number(input('seed').value);
    const { choices } = this;
    if (!input('seed').value || !Number.isSafeInteger(seed) || seed < 0) return void this.show();
    Object.assign(choices, { seed, pinned: true });
    this.#again();
  }

  #again() {
    this.#unused = true;
    this.show();
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }

  #heated() {
    this.choices.temperatures[this.#mode] = Number(input('temperature').value);
    this.show();
    this.#rest.later(() => this.#changed());
  }

  /**
   * @param {Event} event
   * @param {'label' | 'model'} which
   */
  #chose(event, which) {
    const { value } = /** @type {HTMLSelectElement} */ (event.target);
    if (which === 'model') this.choices.models[this.#kind] = value;
    else this.choices.label = value || null;
    this.show();
    this.#changed();
  }

  show() {
    const { seed, pinned, temperatures } = this.choices;
    const models = this.#ofKind(this.#kind).map(({ name }) => name);
    fill(select('model'), models.map((name) => [name, name]), this.model?.name ?? '');
    const classes = this.model?.classes ?? [];
    fill(select('label'), [['', 'anything'], ...classes.map((name) => /** @type {[string, string]} */ ([name, name]))], this.label ?? '');
    select('label').disabled = classes.length === 0;
    select('model').title = this.model?.description ?? '';
    const temperature = temperatures[this.#mode];
    input('temperature').value = String(temperature);
    input('temperature').disabled = this.#mode === 'mimic';
    element('temperature-value').textContent = this.#mode === 'mimic' ? '0.1 to 0.9' : temperature.toFixed(2);
    input('seed').value = String(seed);
    input('pin').checked = pinned;
    this.manner.show(this.#kind === 'plain');
  }
}

/**
 * @param {HTMLSelectElement} list
 * @param {[string, string][]} options  value and words
 * @param {string} chosen
 */
function fill(list, options, chosen) {
  const same = options.length === list.options.length && options.every(([value], i) => list.options[i].value === value);
  if (!same) list.replaceChildren(...options.map(([value, words]) => new Option(words, value)));
  list.disabled = options.length === 0;
  list.value = chosen;
}

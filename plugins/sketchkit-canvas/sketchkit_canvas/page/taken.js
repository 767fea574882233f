/** What the network takes a drawing for: a button for each class that it may be. @module */

import { say } from './status.js';

/** @typedef {import('./types.js').Taken} Taken */
/** @typedef {import('./controls.js').Controls} Controls */

/** From these chances on a drawing is perhaps, and probably, something that the model does not draw. */
const DOUBTFUL = 0.25;
const UNLIKE = 0.5;

export class TakenFor {
  /** @type {Taken | null} what is shown */ taken = null;

  /**
   * @param {HTMLElement} box  with a line of words
   * @param {Controls} controls
   * @param {HTMLElement} next  where the focus goes when a class has been chosen, and the buttons are gone
   */
  constructor(box, controls, next) {
    this.box = box;
    this.controls = controls;
    this.next = next;
    controls.addEventListener('change', () => controls.label !== null && this.forget());
  }

  /**
   * @param {Taken} taken
   * @param {string} model  its name
   */
  show({ guesses, unlike }, model) {
    this.taken = { guesses, unlike };
    const words = introduction(unlike ?? 0, model);
    const buttons = guesses.filter(([, chance], i) => i === 0 || chance >= 0.01).map((guess) => this.#button(...guess));
    const focused = this.box.contains(document.activeElement);
    this.box.replaceChildren(this.#words(words), ...buttons);
    this.box.hidden = false;
    if (focused) buttons[0]?.focus();
    const [label, chance] = guesses[0];
    say(`${words} ${label} (${percent(chance)}). The network is drawing.`);
  }

  /** Nothing is guessed, or what was drawn is no longer there. */
  forget() {
    const focused = this.box.contains(document.activeElement);
    this.taken = null;
    this.box.hidden = true;
    this.box.replaceChildren(this.#words(''));
    if (focused) this.next.focus();
  }

  /** @param {(string | null)[]} labels  the classes that the endings were drawn as */
  mark(labels) {
    for (const each of this.box.querySelectorAll('button')) {
      each.setAttribute('aria-current', String(labels.includes(each.dataset.label ?? null)));
    }
  }

  /** @param {string} text */
  #words(text) {
    const [line] = this.box.getElementsByTagName('p');
    line.textContent = text;
    return line;
  }

  /** @param {string} label @param {number} chance */
  #button(label, chance) {
    const made = Object.assign(document.createElement('button'), { type: 'button', title: `Draw it as ${label}` });
    made.dataset.label = label;
    made.append(label, Object.assign(document.createElement('span'), { textContent: percent(chance) }));
    made.addEventListener('click', () => this.controls.choose(label));
    return made;
  }
}

/** @param {number} unlike @param {string} model */
function introduction(unlike, model) {
  if (unlike >= UNLIKE) return `Unlike all that ${model} draws; nearest:`;
  return unlike >= DOUBTFUL ? 'Perhaps' : 'Taken for';
}

/** @param {number} chance */
function percent(chance) {
  return `${Math.round(chance * 100)} %`;
}

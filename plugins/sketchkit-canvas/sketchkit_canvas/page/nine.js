/** Nine endings at once; one of them can be taken over. @module */

import { Board } from './board.js';
import { button, element } from './dom.js';
import { Rest } from './rest.js';
import { say } from './status.js';
import { TakenFor } from './taken.js';

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./types.js').Mode} Mode */
/** @typedef {import('./types.js').Origin} Origin */

/** @implements {Mode} */
export class Nine {
  conditional = false;
  #rest = new Rest();
  #swapping = false;

  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.taken = new TakenFor(element('nine-taken'), desk.controls, button('more'));
    this.board = new Board(desk.connection, element('nine-grid'), {
      name: 'nine',
      onBase: true,
      title: (k) => `Ending ${(this.board?.origin?.index ?? 0) + k + 1}`,
      choose: (k) => this.choose(k),
      changed: () => this.#show(),
      guess: (taken) => this.board.origin && this.taken.show(taken, this.board.origin.model),
    });
    button('more').addEventListener('click', () => this.more());
    button('nine-svg').addEventListener('click', () => this.#save('svg'));
    button('nine-png').addEventListener('click', () => this.#save('png'));
  }

  enter() {
    this.#again();
  }

  leave() {
    this.#rest.stop();
    this.taken.forget();
    this.board.empty();
  }

  began() {
    this.#rest.stop();
    this.board.freeze();
  }

  drew() {
    this.#rest.stop();
    this.ask(this.desk.controls.take());
  }

  /** @param {string} why */
  changed(why) {
    if (this.#swapping || why === 'keep') return;
    this.board.freeze();
    this.taken.forget();
    this.#rest.later(() => this.#again());
  }

  retuned() {
    this.#again();
  }

  #again() {
    if (this.desk.sheets.a.empty) this.board.empty();
    else this.ask(this.desk.controls.take());
  }

  /** Nine others of the same drawing; of an empty sheet, nine drawings. */
  more() {
    const { origin, chosen } = this.board;
    this.ask(origin && chosen === null ? { ...origin, index: origin.index + 9 } : this.desk.controls.take());
  }

  /** @param {Origin | null} origin */
  ask(origin) {
    if (!origin) return void this.desk.lack('finishes drawings');
    const { strokes } = this.desk.sheets.a;
    const wish = this.desk.controls.wish(origin, 9);
    if (!wish.guess || !strokes.length) this.taken.forget();
    this.board.ask(wish, origin, strokes);
    say('The network is drawing nine endings.');
  }

  /** Take an ending over into the drawing; in place of the one that was taken before, if any. @param {number} k */
  choose(k) {
    const { board, desk } = this;
    if (!board.origin || !board.reveal.complete(k) || board.box.dataset.stale === 'true') return;
    const { index, label } = board.origin;
    const by = { ...board.origin, index: index + k, label: board.reveal.tracks[k].label ?? label };
    if (!board.reveal.strokes(k).length) return void say('The network had nothing to add there.');
    const marks = board.reveal.strokes(k).map((points) => ({ points: [...points], by }));
    this.#swapping = true;
    if (board.chosen !== null) desk.sheets.a.undo();
    if (board.chosen !== k) desk.sheets.a.add(marks, 'keep');
    this.#swapping = false;
    board.choose(board.chosen === k ? null : k);
    const taken = board.chosen === null ? 'given back' : 'taken over; choose another to swap, or draw on';
    say(`Ending ${by.index + 1} is ${taken}.`);
  }

  /** @param {string} key */
  key(key) {
    if (key !== 'n') return false;
    this.more();
    return true;
  }

  state() {
    return { ...this.board.state, labels: this.board.reveal.tracks.map(({ label }) => label), taken: this.taken.taken };
  }

  /** @param {'svg' | 'png'} format */
  #save(format) {
    const { drawings, origin, labels } = this.board;
    // Where classes differ, the nine have none in common.
    const label = labels.length > 1 ? null : (labels[0] ?? origin?.label ?? null);
    void this.desk.save(format, { drawings, added: null, metadata: { ...origin, label } });
  }

  #show() {
    const board = this.board;
    if (!board) return;
    const { complete } = board.state;
    element('more-words').textContent = board.origin ? 'Nine others' : 'Draw nine';
    button('nine-svg').disabled = button('nine-png').disabled = !complete;
    element('nine-note').textContent = board.origin
      ? `Endings ${board.origin.index + 1} to ${board.origin.index + 9}. Choose one to take it over.`
      : 'Start a drawing: nine endings appear with every stroke.';
    if (!complete) return;
    this.taken.mark(board.labels);
    if (board.chosen === null) say(`Nine endings are drawn${this.taken.taken ? `: ${board.labels.join(', ')}` : ''}.`);
  }
}

/** Finish: when the pen is lifted, the network goes on. @module */

import { Asker } from './asker.js';
import { button, element } from './dom.js';
import { forWire } from './geometry.js';
import { Reveal } from './reveal.js';
import { answer, say } from './status.js';
import { TakenFor } from './taken.js';
import { reducedMotion } from './theme.js';

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./types.js').Mode} Mode */
/** @typedef {import('./types.js').Origin} Origin */

/** @implements {Mode} */
export class Finish {
  conditional = false;
  /** @type {Origin | null} what the ending that is seen is drawn by */ origin = null;

  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.asker = new Asker(desk.connection);
    this.reveal = new Reveal(() => this.#revealed());
    this.taken = new TakenFor(element('finish-taken'), desk.controls, button('another'));
    button('keep').addEventListener('click', () => this.keep());
    button('drop').addEventListener('click', () => this.drop());
    button('another').addEventListener('click', () => this.another());
  }

  enter() {
    this.#show();
  }

  leave() {
    this.taken.forget();
    this.drop();
  }

  began() {
    this.drop();
  }

  drew() {
    this.ask(this.desk.controls.take());
  }

  changed() {
    this.taken.forget();
    this.drop();
  }

  retuned() {
    const last = this.desk.sheets.a.marks.at(-1);
    // What a person has finished by keeping an ending is not finished a second time.
    if (this.origin || (last && !last.by)) this.ask(this.desk.controls.take());
  }

  another() {
    const { origin } = this;
    this.ask(origin ? { ...origin, index: origin.index + 1 } : this.desk.controls.take());
  }

  /** @param {Origin | null} origin */
  ask(origin) {
    this.drop();
    this.origin = origin;
    if (!origin) return void this.desk.lack('finishes drawings');
    const drawing = forWire(this.desk.sheets.a.strokes);
    const wish = this.desk.controls.wish(origin, 1);
    if (!wish.guess || !drawing.length) this.taken.forget();
    this.asker.ask(
      { ...wish, drawing },
      {
        began: () => this.#began(),
        points: (k, first, points) => this.reveal.push(k, first, points),
        guess: (taken) => this.taken.show(taken, origin.model),
        over: (...over) => this.reveal.over(...over),
        failed: (_, text) => {
          this.taken.forget();
          this.drop();
          say(text, 'warning');
        },
      },
    );
    this.#show();
  }

  /** What is seen of the ending becomes part of the drawing. */
  keep() {
    const { origin } = this;
    if (!origin) return;
    const by = { ...origin, label: this.reveal.tracks[0]?.label ?? origin.label };
    const marks = this.reveal.strokes(0).map((points) => ({ points: [...points], by }));
    if (!marks.length) return;
    this.drop();
    this.desk.sheets.a.add(marks, 'keep');
    answer('The ending is part of your drawing. Undo takes it back.');
  }

  drop() {
    this.asker.stop();
    this.reveal.reset(0);
    this.origin = null;
    this.#overlay();
  }

  /** @param {string} key */
  key(key) {
    if (key === 'n') this.another();
    else if (key === 'k') this.keep();
    else if (key === 'd' || key === 'Escape') this.drop();
    else return false;
    return true;
  }

  state() {
    const points = this.reveal.tracks[0]?.shown ?? 0;
    return {
      waiting: this.asker.waiting,
      points,
      complete: this.reveal.complete(0),
      misplaced: this.reveal.misplaced,
      origin: this.origin,
      label: this.reveal.tracks[0]?.label ?? null,
      taken: this.taken.taken,
    };
  }

  #began() {
    this.reveal.wait = reducedMotion();
    this.reveal.reset(1);
    this.#overlay();
    say('The network is drawing an ending.');
  }

  #revealed() {
    this.#overlay();
    if (!this.reveal.complete(0)) return;
    const [track] = this.reveal.tracks;
    this.taken.mark([track.label]);
    const kind = this.taken.taken && track.label ? ` (${track.label})` : '';
    if (!track.moves.length) say('The network had nothing to add. Ask for another, or draw on.');
    else say(`Ending ${(this.origin?.index ?? 0) + 1}${kind} is drawn. Keep it, drop it, ask for another, or draw on.`);
  }

  #overlay() {
    const { paper } = this.desk.place('a');
    paper.overlay = this.reveal.strokes(0);
    paper.redraw();
    this.#show();
  }

  #show() {
    const drawn = this.reveal.strokes(0).length > 0;
    const [track] = this.reveal.tracks;
    button('keep').disabled = !drawn;
    button('drop').disabled = !this.origin;
    element('another-words').textContent = this.origin ? 'Another' : 'Finish it';
    element('finish-note').textContent = this.#note(track?.finished ?? true);
  }

  /** @param {boolean} finished */
  #note(finished) {
    if (!this.origin) return 'Lift the pen, and the network finishes your drawing. Draw again whenever you like.';
    const name = `Ending ${this.origin.index + 1}, seed ${this.origin.seed}`;
    if (!this.reveal.complete(0)) return `${name}: drawing …`;
    return finished ? `${name}.` : `${name}; cut, for it did not end.`;
  }
}

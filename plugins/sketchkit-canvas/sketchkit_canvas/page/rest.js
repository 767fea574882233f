/** Something that is done once nothing else has come for a while. @module */

export class Rest {
  /** @type {number | undefined} */ #timer;
  #milliseconds;

  /** The usual pause is that of somebody who takes back one stroke after the other. @param {number} milliseconds */
  constructor(milliseconds = 250) {
    this.#milliseconds = milliseconds;
  }

  /** Do something after the pause, in place of what has not been done yet. @param {() => void} act */
  later(act) {
    this.stop();
    this.#timer = setTimeout(act, this.#milliseconds);
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

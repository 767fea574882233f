/** One wish at a time: a newer one replaces it, and it is made again after a lost connection. @module */

/** @typedef {import('./types.js').Network} Network */
/** @typedef {import('./types.js').Answers} Answers */
/** @typedef {Answers & {began?: () => void}} Wish  `began` is called each time the answers start from nothing */

const MOST_TRIES = 6;

export class Asker {
  /** @type {{message: Record<string, unknown>, wish: Wish, tries: number} | null} */ #wanted = null;
  /** @type {(() => void) | null} */ #cancel = null;
  /** @type {number | undefined} */ #timer;

  /** @param {Network} connection */
  constructor(connection) {
    this.connection = connection;
    connection.addEventListener('ready', () => this.#send());
    connection.addEventListener('state', () => connection.ready || (this.#cancel = null));
  }

  /** Whether an answer is still to come. */
  get waiting() {
    return this.#wanted !== null;
  }

  /**
   * @param {Record<string, unknown>} message
   * @param {Wish} wish
   */
  ask(message, wish) {
    this.stop();
    this.#wanted = { message, wish, tries: 0 };
    this.#send();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#wanted = null;
    this.#cancel?.();
    this.#cancel = null;
  }

  #send() {
    const wanted = this.#wanted;
    if (!wanted || this.#cancel || !this.connection.ready) return;
    const { message, wish } = wanted;
    wish.began?.();
    this.#cancel = this.connection.request(message, {
      ...wish,
      heat: (heat) => this.#over(() => wish.heat?.(heat)),
      done: () => this.#over(() => wish.done?.()),
      failed: (code, text) => this.#failed(wanted, code, text),
    });
  }

  /** @param {() => void} tell */
  #over(tell) {
    this.#wanted = this.#cancel = null;
    tell();
  }

  /**
   * @param {{wish: Wish, tries: number}} wanted
   * @param {string} code
   * @param {string} text
   */
  #failed(wanted, code, text) {
    this.#cancel = null;
    if (code === 'busy' && wanted.tries < MOST_TRIES) {
      this.#timer = setTimeout(() => this.#send(), 300 * 2 ** wanted.tries++);
    } else {
      this.#over(() => wanted.wish.failed?.(code, text));
    }
  }
}

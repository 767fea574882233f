/** The way to the worker, which answers as a server would. @module */

/** @typedef {import('../page/types.js').Answers} Answers */
/** @typedef {import('../page/types.js').ModelInfo} ModelInfo */
/** @typedef {import('../page/types.js').State} State */
/** @typedef {import('./weights.js').Facts} Facts */
/** @typedef {{worker: string, weights: string, kernel: string}} Parts  the script of the worker, and what it draws with */

/** Tells of itself by the events `state` and `ready`. */
export class Connection extends EventTarget {
  /** @type {State} */ state = 'connecting';
  /** @type {ModelInfo[]} */ models;
  /** how many requests were sent, for tests */ sent = 0;
  /** why nothing can be drawn */ problem = '';
  /** @type {Worker | null} */ #worker = null;
  /** @type {Map<number, Answers>} */ #open = new Map();
  #next = 1;

  /**
   * @param {Facts} facts
   * @param {Parts} parts
   */
  constructor(facts, parts) {
    super();
    this.facts = facts;
    this.parts = parts;
    this.model = facts.name;
    this.models = [{ name: facts.name, conditional: false, classes: facts.labelled ? facts.classes : [] }];
  }

  get ready() {
    return this.state === 'ready';
  }

  open() {
    const address = URL.createObjectURL(new Blob([this.parts.worker], { type: 'text/javascript' }));
    try {
      this.#start(new Worker(address));
    } catch (problem) {
      this.#fail(problem instanceof Error ? problem.message : String(problem));
    }
  }

  /** @param {Worker} worker */
  #start(worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }) => this.#take(data);
    worker.onerror = ({ message }) => this.#fail(message || 'its worker did not start');
    const { weights, kernel } = this.parts;
    worker.postMessage({ type: 'load', facts: this.facts, weights, kernel });
  }

  /**
   * @param {Record<string, unknown>} message
   * @param {Answers} answers
   * @returns {() => void} takes the request back
   */
  request(message, answers) {
    const id = this.#next++;
    this.#open.set(id, answers);
    this.sent++;
    this.#worker?.postMessage({ ...message, id });
    return () => {
      if (this.#open.delete(id)) this.#worker?.postMessage({ type: 'cancel', id });
    };
  }

  /** @param {any} said */
  #take(said) {
    if (said.type === 'ready') return this.#become('ready');
    if (said.type === 'failed') return this.#fail(said.message);
    const answers = this.#open.get(said.id);
    if (!answers) return;
    if (said.type === 'points') answers.points?.(said.k, said.first, said.points);
    else if (said.type === 'over') answers.over?.(said.k, said.finished, said.label);
    else if (said.type === 'guess') answers.guess?.(said);
    else {
      this.#open.delete(said.id);
      if (said.type === 'done') answers.done?.();
      else answers.failed?.(said.code, said.message);
    }
  }

  /** @param {string} why */
  #fail(why) {
    this.problem = why;
    this.#become('lost');
  }

  /** @param {State} state */
  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event('state'));
    if (state === 'ready') this.dispatchEvent(new Event('ready'));
  }
}

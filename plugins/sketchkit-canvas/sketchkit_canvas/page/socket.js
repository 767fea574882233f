/** The connection to the server: one socket, requests by number, and again after it was lost. @module */

import { tried } from './store.js';

/** @typedef {import('./types.js').Answers} Answers */
/** @typedef {import('./types.js').ModelInfo} ModelInfo */
/** @typedef {import('./types.js').State} State */

const TOKEN = 'sketchkit-canvas/token';
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const PING_EVERY = 20_000;
const WRONG_TOKEN = 4401;

/** The secret that the address carries; after a reload without it, what this tab had. */
export function readToken() {
  const said = new URLSearchParams(location.hash.slice(1)).get('token');
  if (said) tried(() => sessionStorage.setItem(TOKEN, said));
  return said ?? tried(() => sessionStorage.getItem(TOKEN)) ?? '';
}

/** Tells of itself by the events `state` and `ready`; what is asked before it is ready is not sent. */
export class Connection extends EventTarget {
  /** @type {State} */ state = 'connecting';
  /** @type {ModelInfo[]} */ models = [];
  /** @type {string | null} the model that the command named */ model = null;
  /** how many requests were sent, for tests */ sent = 0;

  /** @type {WebSocket | null} */ #socket = null;
  /** @type {Map<number, Answers>} */ #open = new Map();
  #next = 1;
  #wait = FIRST_WAIT;
  /** @type {number | undefined} */ #timer;
  /** @type {number | undefined} */ #pulse;
  #heard = true;

  /** @param {string} token */
  constructor(token) {
    super();
    this.token = token;
    addEventListener('online', () => this.#hurry());
    document.addEventListener('visibilitychange', () => document.hidden || this.#hurry());
  }

  open() {
    clearTimeout(this.#timer);
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/socket`);
    this.#socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', token: this.token }));
    socket.onmessage = (event) => this.#take(event.data);
    socket.onclose = (event) => socket === this.#socket && this.#closed(event.code);
  }

  get ready() {
    return this.state === 'ready';
  }

  /**
   * @param {Record<string, unknown>} message
   * @param {Answers} answers
   * @returns {() => void} takes the request back
   */
  request(message, answers) {
    if (!this.ready) throw new Error('not connected');
    const id = this.#next++;
    this.#open.set(id, answers);
    this.sent++;
    this.#send({ ...message, id });
    return () => {
      if (this.#open.delete(id)) this.#send({ type: 'cancel', id });
    };
  }

  /** @param {object} message */
  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** @param {string} data */
  #take(data) {
    this.#heard = true;
    const said = tried(() => JSON.parse(data));
    if (!said) return;
    if (said.type === 'ready') this.#begin(said);
    const answers = this.#open.get(said.id);
    if (!answers) return;
    if (said.type === 'points') answers.points?.(said.k, said.first, said.points);
    else if (said.type === 'over') answers.over?.(said.k, said.finished, said.label ?? null);
    else if (said.type === 'guess') answers.guess?.(said);
    else if (said.type === 'heat') this.#end(said.id, () => answers.heat?.(said));
    else if (said.type === 'done') this.#end(said.id, () => answers.done?.());
    else if (said.type === 'error') this.#end(said.id, () => answers.failed?.(said.code, said.message));
  }

  /**
   * @param {number} id
   * @param {() => void} tell
   */
  #end(id, tell) {
    this.#open.delete(id);
    tell();
  }

  /** @param {{models: ModelInfo[], model: string}} said */
  #begin({ models, model }) {
    this.models = models;
    this.model = model;
    this.#wait = FIRST_WAIT;
    clearInterval(this.#pulse);
    this.#pulse = setInterval(() => this.#ping(), PING_EVERY);
    this.#become('ready');
    this.dispatchEvent(new Event('ready'));
  }

  /** A socket that has not answered since the last ping is dead, though nobody closed it. */
  #ping() {
    if (!this.#heard) return void this.#closed(0);
    this.#heard = false;
    this.#send({ type: 'ping' });
  }

  /** @param {number} code */
  #closed(code) {
    clearInterval(this.#pulse);
    const dead = this.#socket;
    this.#socket = null;
    dead?.close();
    this.#open.clear();
    this.#heard = true;
    if (code === WRONG_TOKEN) return void this.#become('refused');
    // A random part keeps the pages of a server that was restarted from coming back all at once.
    this.#timer = setTimeout(() => this.open(), this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
    this.#become('lost');
  }

  #hurry() {
    if (this.state !== 'lost' || this.#socket) return;
    this.#wait = FIRST_WAIT;
    this.open();
  }

  /** @param {State} state */
  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event('state'));
  }
}

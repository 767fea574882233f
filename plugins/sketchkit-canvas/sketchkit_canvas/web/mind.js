/** All that the page knows: the network, and the two recognisers that judge drawings and beginnings. @module */

import { Kernel } from './kernel.js';
import { Lstm } from './lstm.js';
import { Recogniser } from './recogniser.js';
import { bytesOf, readTensors } from './weights.js';

/** @typedef {import('./weights.js').Facts} Facts */

export class Mind {
  /**
   * @param {Lstm} lstm
   * @param {Recogniser} critic
   * @param {Recogniser} beginnings
   */
  constructor(lstm, critic, beginnings) {
    this.lstm = lstm;
    this.critic = critic;
    this.beginnings = beginnings;
  }

  /**
   * @param {Facts} facts
   * @param {string} weights  of base 64, as is the kernel
   * @param {string} code
   */
  static async load(facts, weights, code) {
    const [tensors, kernel] = await Promise.all([readTensors(weights, facts), Kernel.load(bytesOf(code))]);
    const scratch = Recogniser.scratch(kernel);
    const recogniser = (/** @type {string} */ name) => new Recogniser(kernel, name, facts.recognisers[name], tensors, scratch);
    return new Mind(new Lstm(kernel, facts, tensors), recogniser('critic'), recogniser('beginnings'));
  }

  /** The number of a class; null for any, and for a model that is told none. @param {string | null} name */
  labelOf(name) {
    const place = name === null ? -1 : this.lstm.facts.classes.indexOf(name);
    return this.lstm.facts.labelled && place >= 0 ? place : null;
  }
}

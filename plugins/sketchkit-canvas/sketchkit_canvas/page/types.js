/**
 * What the modules of the page speak of. Nothing here runs.
 *
 * @typedef {[number, number]} Point  a place on the paper: x to the right, y down, the sheet is 800 by 800
 * @typedef {Point[]} Stroke  where the pen went while it was down; one point is a dot
 * @typedef {[number, number, number]} Move  a point that the network drew; the third number is 1 where a line leads to it
 *
 * @typedef {object} Origin  what a stroke, a drawing or a row of them was drawn by
 * @property {string} model
 * @property {string | null} label  the class, or null for any
 * @property {string} mode
 * @property {number} temperature
 * @property {number} seed
 * @property {number} index  which of the endings
 * @property {number} [tries]  of an ending: the best-looking of so many
 * @property {number | null} [part]  how much of the finished drawing was there, or null where the network found out
 * @property {boolean} [curves]  whether it was made smooth
 *
 * @typedef {object} Mark  a stroke that is kept on a sheet
 * @property {Stroke} points
 * @property {Origin | null} by  null where a person drew it
 *
 * @typedef {object} ModelInfo
 * @property {string} name
 * @property {boolean} conditional  whether it reads whole drawings
 * @property {string[]} classes
 * @property {string} [description]
 *
 * @typedef {'finish' | 'nine' | 'mimic' | 'morph'} ModeName
 *
 * @typedef {object} Taken  what a drawing is taken for
 * @property {[string, number][]} guesses  classes, each with its chance, the likeliest first
 * @property {number | null} unlike  the chance that it is something that the model does not draw, if that is known
 *
 * @typedef {object} Answers  what is called as the answer to a request comes in
 * @property {(k: number, first: number, points: Move[]) => void} [points]
 * @property {(taken: Taken) => void} [guess]
 * @property {(k: number, finished: boolean, label: string | null) => void} [over]  label: the class that it was drawn as
 * @property {(heat: {strokes: (number | null)[], nll_per_point: number | null}) => void} [heat]
 * @property {() => void} [done]
 * @property {(code: string, message: string) => void} [failed]
 *
 * @typedef {'connecting' | 'ready' | 'lost' | 'refused'} State
 * @typedef {EventTarget & Drawer} Network  tells of itself by the events `state` and `ready`
 *
 * @typedef {object} Drawer  what draws, wherever that is
 * @property {State} state
 * @property {boolean} ready
 * @property {ModelInfo[]} models
 * @property {string | null} model  the one that is preferred
 * @property {number} sent  how many requests were sent, for tests
 * @property {() => void} open
 * @property {(message: Record<string, unknown>, answers: Answers) => () => void} request  gives what takes it back
 *
 * @typedef {'svg' | 'png' | 'gif' | 'animated-svg'} Format
 * @typedef {{drawings: Stroke[][], added: boolean[] | null, metadata: Partial<Origin> | null}} Saved
 * @typedef {(format: Format, saved: Saved) => Promise<string>} Save  gives the name under which it was saved
 *
 * @typedef {object} Mode  one of the four things that the page does
 * @property {boolean} conditional  whether it needs a model that reads whole drawings
 * @property {() => void} enter
 * @property {() => void} leave
 * @property {() => void} began  a pen has come down on a sheet
 * @property {() => void} drew  a stroke has been finished, or a file brought in
 * @property {(why: string) => void} changed  a sheet has changed in another way: undo, redo, clear, keep, abandoned
 * @property {() => void} retuned  another class, model, temperature or seed was chosen
 * @property {(key: string) => boolean} key  a key of the mode's own; true if it had a meaning
 * @property {() => object} state  for tests
 */
export {};

/** Files: brought in and saved by the server, which knows their formats. @module */

/** @typedef {import('./types.js').Stroke} Stroke */
/** @typedef {import('./types.js').Format} Format */
/** @typedef {import('./types.js').Saved} Saved */

/** The server takes no more bytes. */
const MOST_BYTES = 1024 * 1024;

/**
 * @param {string} path
 * @param {string} token
 * @param {BodyInit} body
 * @param {Record<string, string>} headers
 */
async function post(path, token, body, headers) {
  const options = { method: 'POST', body, headers: { ...headers, Authorization: `Bearer ${token}` } };
  const answer = await fetch(path, options).catch(() => {
    throw new Error('the server cannot be reached');
  });
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Error(said.error ?? `the server answered ${answer.status}`);
}

/**
 * @param {File} file
 * @param {string} token
 * @returns {Promise<{strokes: Stroke[], left_out: string}>} in the file's own units, and what else it holds
 */
export async function importFile(file, token) {
  if (file.size > MOST_BYTES) throw new Error('the file is larger than 1 MiB');
  // A header holds no other letters.
  const name = file.name.replace(/[^ -~]/g, '_');
  const answer = await post('/import', token, file, { 'X-Name': name, 'Content-Type': 'image/svg+xml' });
  return answer.json();
}

/**
 * @param {Format} format
 * @param {Saved} saved
 * @param {string} token
 * @returns {Promise<string>} the name under which it was saved
 */
export async function saveFile(format, saved, token) {
  const round = (/** @type {number} */ value) => Math.round(value * 100) / 100;
  const drawings = saved.drawings.map((strokes) => strokes.map((points) => points.map(([x, y]) => [round(x), round(y)])));
  const body = JSON.stringify({ ...saved, drawings });
  if (body.length > MOST_BYTES) throw new Error('the drawing is too large to be saved');
  const answer = await post(`/export?format=${format}`, token, body, { 'Content-Type': 'application/json' });
  const name = /filename="?([^";]+)/.exec(answer.headers.get('Content-Disposition') ?? '')?.[1] ?? `drawing.${format}`;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return name;
}

// Asking the server: one request of a kind at a time, and words for what went wrong.

let token = sessionStorage.getItem('token') ?? '';
const running = new Map();

export class Refused extends Error {
  constructor(status, detail) { super(detail); this.status = status; }
}

/** Asks for a token until the dialog is closed with one. */
function askToken() {
  const gate = document.getElementById('gate');
  return new Promise(resolve => {
    gate.addEventListener('close', () => {
      token = document.getElementById('token').value.trim();
      sessionStorage.setItem('token', token);
      resolve();
    }, { once: true });
    if (!gate.open) gate.showModal();
  });
}

const pause = seconds => new Promise(resolve => setTimeout(resolve, 1000 * seconds));

/**
 * Ask for something. A newer request of the same `kind` ends this one, which then never settles.
 * `body` is sent as JSON, or as it is where it is a Blob or text with a `type`.
 */
export async function ask(path, { kind, ...rest } = {}) {
  const control = new AbortController();
  if (kind) {
    running.get(kind)?.abort();
    running.set(kind, control);
  }
  try {
    return await answerOf(path, rest, control.signal);
  } catch (error) {
    // The abort may come while the answer is awaited, or while its body is read.
    if (control.signal.aborted) return new Promise(() => {});
    throw error;
  }
}

async function answerOf(path, { body, patience = 3, binary = false }, signal) {
  const headers = {};
  let content;
  if (body !== undefined) {
    content = body instanceof Blob ? body : JSON.stringify(body);
    headers['Content-Type'] = body instanceof Blob ? 'application/octet-stream' : 'application/json';
  }
  for (;;) {
    signal.throwIfAborted();
    if (token) headers.Authorization = `Bearer ${token}`;
    let response;
    try {
      response = await fetch(path, { method: body === undefined ? 'GET' : 'POST', headers, body: content, signal });
    } catch (error) {
      throw new Refused(0, 'The server does not answer.');
    }
    if ([202, 503].includes(response.status) && patience-- > 0) {
      await pause(Number(response.headers.get('Retry-After') ?? 1));
      continue;
    }
    if (response.ok) return await (binary ? response.arrayBuffer() : response.json());
    if (response.status === 401) { await askToken(); continue; }
    const problem = await response.json().catch(() => ({}));
    throw new Refused(response.status, problem.detail ?? `The server answered ${response.status}.`);
  }
}

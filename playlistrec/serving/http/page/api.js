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
export async function ask(path, { body, kind, patience = 3, binary = false } = {}) {
  const control = new AbortController();
  if (kind) {
    running.get(kind)?.abort();
    running.set(kind, control);
  }
  const headers = {};
  let content;
  if (body !== undefined) {
    content = body instanceof Blob ? body : JSON.stringify(body);
    headers['Content-Type'] = body instanceof Blob ? 'application/octet-stream' : 'application/json';
  }
  for (;;) {
    if (token) headers.Authorization = `Bearer ${token}`;
    let response;
    try {
      response = await fetch(path, { method: body === undefined ? 'GET' : 'POST', headers, body: content, signal: control.signal });
    } catch (error) {
      if (control.signal.aborted) return new Promise(() => {});
      throw new Refused(0, 'The server does not answer.');
    }
    if (response.status === 202 && patience-- > 0) {
      await pause(Number(response.headers.get('Retry-After') ?? 1));
      continue;
    }
    if (response.ok) return binary ? response.arrayBuffer() : response.json();
    if (response.status === 401) { await askToken(); continue; }
    if (response.status === 503 && patience-- > 0) {
      await pause(Number(response.headers.get('Retry-After') ?? 1));
      if (control.signal.aborted) return new Promise(() => {});
      continue;
    }
    const problem = await response.json().catch(() => ({}));
    throw new Refused(response.status, problem.detail ?? `The server answered ${response.status}.`);
  }
}

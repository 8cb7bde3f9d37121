// Files: lists that are read, and the playlist saved in the forms that other programs read.

import { ask } from './api.js';
import { $, say } from './dom.js';
import { change, has, link, state } from './store.js';

const cell = text => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const line = text => (text ?? '').replace(/\s+/g, ' ').trim();
const KINDS = {
  m3u: ['audio/x-mpegurl', ({ title, tracks }) => ['#EXTM3U', ...(title ? [`#PLAYLIST:${line(title)}`] : []), ...tracks.flatMap(track => {
    const name = [track.artist_name, track.track_name].filter(Boolean).join(' - ');
    return [...(name ? [`#EXTINF:-1,${line(name)}`] : []), track.track_uri];
  })]],
  csv: ['text/csv', ({ tracks }) => ['track_uri,track_name,artist_name', ...tracks.map(track =>
    [track.track_uri, track.track_name ?? '', track.artist_name ?? ''].map(cell).join(','))]],
  json: ['application/json', ({ title, tracks }) => [JSON.stringify({ name: title || null, tracks: tracks.map(
    ({ track_uri, track_name, artist_name }) => ({ track_uri, track_name, artist_name })) }, null, 2)]],
  txt: ['text/plain', ({ tracks }) => tracks.map(track => track.track_uri)],
};

function save(kind) {
  const [type, lines] = KINDS[kind];
  const blob = new Blob([`${lines(state).join('\n')}\n`], { type });
  const anchor = document.createElement('a');
  anchor.href = URL.createObjectURL(blob);
  anchor.download = `${(state.title || 'playlist').replace(/[^\p{L}\p{N} _-]+/gu, '').trim() || 'playlist'}.${kind}`;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 1000);
}

async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    say(said);
  } catch {
    say('The browser did not let me copy.');
  }
}

/** The kind of a text that was pasted, by its first characters. */
function kindOf(text) {
  const first = text.trimStart();
  if (first.startsWith('#EXTM3U') || first.startsWith('#EXTINF')) return 'm3u';
  if (/^[[{]/.test(first)) return 'json';
  if (first.startsWith('<')) return 'xml';
  return /^[^\n]*(uri|track|artist|title|name|url)[^\n]*[,;\t]/i.test(first) ? 'csv' : 'txt';
}

export async function readList(name, content) {
  try {
    const found = await ask(`/playlists/read?name=${encodeURIComponent(name)}`, { body: new Blob([content]) });
    const fresh = found.items.filter((track, place) =>
      !has(track.track_uri) && found.items.findIndex(other => other.track_uri === track.track_uri) === place);
    change(now => {
      now.tracks.push(...fresh);
      if (!now.title && found.title) now.title = found.title;
    });
    const missing = found.n_entries - found.items.length;
    say(`Read ${found.items.length} of ${found.n_entries} songs${missing ? `: ${missing} are not known here` : ''}`);
  } catch (error) {
    say(error.message);
  }
}

export const readPasted = text => readList(`pasted.${kindOf(text)}`, text);

export function filing() {
  for (const button of document.querySelectorAll('[data-save]')) {
    button.addEventListener('click', () => save(button.dataset.save));
  }
  $('link').addEventListener('click', () => copy(new URL(link(), location.href).href, 'The link holds your playlist'));
  $('copy').addEventListener('click', () => copy(state.tracks.map(track =>
    [track.artist_name, track.track_name || track.track_uri].filter(Boolean).join(' - ')).join('\n'), 'Copied the list'));
  $('open').addEventListener('click', () => $('file').click());
  $('file').addEventListener('change', async () => {
    for (const file of $('file').files) await readList(file.name, file);
    $('file').value = '';
  });
  let over = 0;
  const files = event => event.dataTransfer?.types.includes('Files');
  addEventListener('dragenter', event => { if (files(event) && over++ === 0) $('drop').classList.add('over'); });
  addEventListener('dragleave', event => { if (files(event) && --over <= 0) { over = 0; $('drop').classList.remove('over'); } });
  addEventListener('dragover', event => { if (files(event)) event.preventDefault(); });
  addEventListener('drop', async event => {
    over = 0;
    $('drop').classList.remove('over');
    if (!files(event)) return;
    event.preventDefault();
    for (const file of event.dataTransfer.files) await readList(file.name, file);
  });
}

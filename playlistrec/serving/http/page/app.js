// The page: what is typed, picked, moved and leant to changes the state; what is shown follows it.

import { ask } from './api.js';
import { $, say } from './dom.js';
import { filing, readPasted } from './files.js';
import { mapping, showMap } from './map.js';
import { add, items, onItems, showNext } from './next.js';
import { showOwn } from './own.js';
import { searching } from './search.js';
import { canUndo, change, has, onChange, restore, state, undo } from './store.js';

const describe = async uris => {
  const found = [];
  for (let low = 0; low < uris.length; low += 2000) {
    found.push(...(await ask('/tracks', { body: { tracks: uris.slice(low, low + 2000) } })).items);
  }
  return found;
};

function later(seconds, act) {
  let timer;
  return () => { clearTimeout(timer); timer = setTimeout(act, 1000 * seconds); };
}

onChange(() => {
  $('undo').disabled = !canUndo();
  for (const key of ['title', 'diversity', 'popularity']) {
    if (document.activeElement !== $(key)) $(key).value = state[key];
  }
  showOwn();
  showNext();
  showMap();
});
onItems(showMap);

searching((kind, item) => {
  if (kind === 'tracks') add(item);
  else {
    change(now => { now.title = item.title; });
    say(`The mood is “${item.title}”`);
  }
}, readPasted);
filing();
$('undo').addEventListener('click', () => { undo(); say('Taken back'); });
$('title').addEventListener('input', later(0.35, () => change(now => { now.title = $('title').value.trim(); })));
for (const key of ['diversity', 'popularity']) {
  $(key).addEventListener('input', later(0.12, () => change(now => { now[key] = Number($(key).value); })));
}
$('all').addEventListener('click', () => {
  const fresh = items.filter(track => !has(track.track_uri));
  change(now => now.tracks.push(...fresh));
  say(`Added ${fresh.length} songs`);
});
$('surprise').addEventListener('click', async () => {
  const place = () => Math.floor(20000 + 25000 * Math.random());
  try {
    const found = await ask(`/map/near?x=${place()}&y=${place()}&k=3`, { patience: 30 });
    change(now => now.tracks.push(...found.items));
  } catch (error) {
    say(error.message);
  }
});
addEventListener('hashchange', () => restore(describe));

async function begin() {
  const missing = await restore(describe);
  if (missing) say(`${missing} songs of the link are not known here`);
  const about = await ask('/health');
  $('about').textContent =
    `${about.n_tracks.toLocaleString('en')} songs in ${about.n_playlists.toLocaleString('en')} playlists, by ${about.model}`;
  await mapping(add);
}
begin().catch(error => say(error.message));

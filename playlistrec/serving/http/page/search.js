// The search: songs, artists and moods while one types; a combobox as WAI-ARIA describes it.

import { $, element, nameOf, row } from './dom.js';
import { ask } from './api.js';

const GROUPS = [
  ['tracks', 'Songs'],
  ['artists', 'Artists'],
  ['playlists', 'Moods: what playlists are called'],
];
const input = $('search');
const list = $('found');
let options = [];
let at = -1;
let timer;

/** Call `pick(kind, item)` with what is picked: a track, or a title; and `paste(text)` with a pasted list. */
export function searching(pick, paste) {
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => look(pick), 90);
  });
  input.addEventListener('keydown', event => key(event));
  input.addEventListener('focus', () => { if (options.length) show(true); });
  input.addEventListener('blur', () => setTimeout(() => show(false), 150));
  input.addEventListener('paste', event => {
    const text = event.clipboardData.getData('text');
    if (!/\n|^[[{]/.test(text.trim())) return;  // a list has lines, or is JSON
    event.preventDefault();
    paste(text);
  });
}

async function look(pick, kinds = GROUPS, k = 6) {
  const text = input.value.trim();
  if (!text) { fill([], pick); show(false); return; }
  const found = await ask(`/search?k=${k}&q=${encodeURIComponent(text)}`, { kind: 'search' });
  fill(kinds.map(([kind, label]) => [kind, label, found[kind]]).filter(([, , items]) => items.length), pick);
  show(true);
}

function fill(groups, pick) {
  options = [];
  at = -1;
  input.removeAttribute('aria-activedescendant');
  list.replaceChildren(...groups.map(([kind, label, items]) => {
    const group = element('div', undefined, { className: 'group' });
    const heading = element('span', label, { id: `found-${kind}` });
    group.setAttribute('role', 'group');
    group.setAttribute('aria-labelledby', heading.id);
    group.append(heading, ...items.map(item => option(kind, item, pick)));
    return group;
  }));
  if (!groups.length && input.value.trim()) {
    const none = element('div', 'Nothing is called so here.', { className: 'none' });
    none.setAttribute('role', 'option');
    none.setAttribute('aria-disabled', 'true');
    list.append(none);
  }
}

const plural = (n, word) => `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`;
const SHOWN = {
  tracks: item => item,
  artists: item => ({ track_uri: item.artist_uri, track_name: item.artist_name, artist_name: plural(item.n_tracks, 'song') }),
  playlists: item => ({ track_uri: item.pid, track_name: item.title, artist_name: plural(item.n_playlists, 'playlist') }),
};

function option(kind, item, pick) {
  const shown = SHOWN[kind](item);
  const parts = row(shown, kind === 'tracks' ? undefined : shown.track_name);
  const made = element('div', undefined, { id: `option-${options.length}` });
  made.setAttribute('role', 'option');
  made.setAttribute('aria-selected', 'false');
  made.append(...[...parts.children].slice(0, 2));
  const choose = () => {
    if (kind === 'artists') {  // their songs are what can be picked
      input.value = item.artist_name;
      look(pick, GROUPS.slice(0, 1), 30);
      input.focus();
      return;
    }
    input.value = '';
    fill([], pick);
    show(false);
    pick(kind, item);
  };
  made.addEventListener('mousedown', event => event.preventDefault());
  made.addEventListener('click', choose);
  options.push({ made, choose, name: nameOf(shown) });
  return made;
}

function key(event) {
  if (event.key === 'Escape') { show(false); return; }
  if (event.key === 'Enter' && options.length && !list.hidden) {
    event.preventDefault();
    options[Math.max(at, 0)].choose();
    return;
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !options.length) return;
  event.preventDefault();
  show(true);
  mark((at + step + options.length) % options.length);
}

function mark(place) {
  options[at]?.made.setAttribute('aria-selected', 'false');
  at = place;
  options[at].made.setAttribute('aria-selected', 'true');
  options[at].made.scrollIntoView({ block: 'nearest' });
  input.setAttribute('aria-activedescendant', options[at].made.id);
}

function show(open) {
  list.hidden = !(open && list.children.length);
  input.setAttribute('aria-expanded', String(!list.hidden));
}

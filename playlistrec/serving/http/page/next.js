// How the playlist goes on: asked for at every change; each song can be added, leant to, leant away from, asked why.

import { ask } from './api.js';
import { $, element, fullName, nameOf, row, say, tool } from './dom.js';
import { change, has, state } from './store.js';

const K = 20;
const list = $('next');
const listeners = [];
export let items = [];
export const onItems = listener => listeners.push(listener);

function query() {
  const asked = { tracks: [...state.tracks, ...state.liked].map(track => track.track_uri), k: K };
  if (state.title) asked.title = state.title;
  if (state.disliked.length) asked.dislike = state.disliked.map(track => track.track_uri);
  if (state.diversity) asked.diversity = state.diversity;
  if (state.popularity) asked.popularity = state.popularity;
  return asked;
}

export async function showNext() {
  leaning();
  if (!state.tracks.length && !state.title && !state.liked.length) { fill([], []); return; }
  list.classList.add('stale');
  try {
    const answer = await ask('/recommend', { body: query(), kind: 'next' });
    fill(answer.items, answer.warnings);
  } catch (error) {
    fill([], [error.message]);
  }
}

function fill(found, warnings) {
  items = found;
  list.classList.remove('stale');
  list.replaceChildren(...items.map(made));
  $('next-empty').hidden = items.length > 0;
  $('all').disabled = !items.length;
  $('note').textContent = warnings.join(' · ');
  for (const listener of [...listeners]) listener(items);
}

export function add(track) {
  if (has(track.track_uri)) { say(`${fullName(track)} is in the playlist`); return; }
  change(now => {
    now.tracks.push(track);
    now.liked = now.liked.filter(other => other.track_uri !== track.track_uri);
  });
  say(`Added ${fullName(track)}`);
}

function lean(name, track) {
  change(now => now[name].push(track));
  say(name === 'liked' ? `More like ${fullName(track)}` : `Less like ${fullName(track)}`);
}

function made(track) {
  const item = row(track);
  const name = fullName(track);
  const tools = item.querySelector('.tools');
  const why = tool('why', `Why ${name}`, () => reason(item, track, why));
  why.setAttribute('aria-expanded', 'false');
  tools.append(
    why,
    tool('like', `More like ${name}`, () => { focusNear(item, '.like'); lean('liked', track); }),
    tool('dislike', `Less like ${name}`, () => { focusNear(item, '.dislike'); lean('disliked', track); }),
    tool('add', `Add ${name}`, () => { focusNear(item, '.add'); add(track); }),
  );
  item.addEventListener('pointerenter', () => dispatchEvent(new CustomEvent('light', { detail: track.track_uri })));
  item.addEventListener('pointerleave', () => dispatchEvent(new CustomEvent('light', { detail: null })));
  return item;
}

/** The list is about to be another: keep a keyboard's place in it. */
function focusNear(item, kind) {
  const place = [...list.children].indexOf(item);
  onceFilled(() => (list.children[Math.min(place, list.children.length - 1)]?.querySelector(kind) ?? $('search')).focus({ preventScroll: true }));
}

function onceFilled(act) {
  const listener = () => { listeners.splice(listeners.indexOf(listener), 1); act(); };
  listeners.push(listener);
}

async function reason(item, track, button) {
  const shown = item.querySelector('.reason');
  if (shown) { shown.remove(); button.setAttribute('aria-expanded', 'false'); return; }
  button.setAttribute('aria-expanded', 'true');
  const text = element('p', '…', { className: 'reason' });
  item.append(text);
  const answer = await ask('/recommend', { body: { ...query(), explain: true }, kind: 'why' });
  const because = answer.items.find(other => other.track_uri === track.track_uri)?.because;
  text.replaceChildren(...words(because));
}

function words(because) {
  if (!because?.n_playlists) return ['The model places it near your songs; no playlist holds it together with them.'];
  const parts = [`${because.n_playlists} playlist${because.n_playlists === 1 ? ' holds' : 's hold'} it together with `];
  because.seeds.forEach((seed, place) => {
    parts.push(place ? ', ' : '', element('b', nameOf(seed)), ` (${seed.n_playlists})`);
  });
  const titles = [...new Set(because.playlists.map(playlist => playlist.title).filter(Boolean))];
  if (titles.length) parts.push('; as in ');
  titles.forEach((title, place) => parts.push(place ? ', ' : '', '“', element('b', title), '”'));
  parts.push('.');
  return parts;
}

function leaning() {
  const chip = (name, sign, word) => track => {
    const button = element('button', `${sign} ${nameOf(track)} ×`, { type: 'button' });
    button.setAttribute('aria-label', `${word} ${fullName(track)}: take this back`);
    button.addEventListener('click', () => change(now => { now[name] = now[name].filter(other => other !== track); }));
    return button;
  };
  $('leaning').replaceChildren(
    ...state.liked.map(chip('liked', '+', 'More like')),
    ...state.disliked.map(chip('disliked', '−', 'Less like')),
  );
}

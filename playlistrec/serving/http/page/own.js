// The playlist: songs that are moved by hand or by key, and taken out.

import { $, fullName, row, say, tool } from './dom.js';
import { change, state } from './store.js';

const list = $('own');

export function showOwn() {
  const focused = document.activeElement?.closest?.('#own .row')?.dataset.uri;
  const grip = document.activeElement?.classList.contains('grip');
  list.replaceChildren(...state.tracks.map(made));
  $('own-empty').hidden = state.tracks.length > 0;
  const n = state.tracks.length;
  $('own-count').textContent = n ? `${n} song${n === 1 ? '' : 's'}` : '';
  if (focused && grip) [...list.children].find(one => one.dataset.uri === focused)?.querySelector('.grip').focus();
}

function made(track, place) {
  const item = row(track);
  const name = fullName(track);
  const grip = tool('grip', `Move ${name}: arrow keys, place ${place + 1} of ${state.tracks.length}`);
  grip.addEventListener('keydown', event => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    move(place, place + step);
  });
  grip.addEventListener('pointerdown', event => drag(event, item));
  item.querySelector('.tools').append(grip, tool('remove', `Take out ${name}`, () => {
    change(now => now.tracks.splice(place, 1));
    say(`Took out ${name}`);
    (list.children[Math.min(place, list.children.length - 1)]?.querySelector('.remove') ?? $('search')).focus();
  }));
  return item;
}

function move(from, to) {
  if (to < 0 || to >= state.tracks.length || to === from) return;
  const name = fullName(state.tracks[from]);
  change(now => now.tracks.splice(to, 0, ...now.tracks.splice(from, 1)));
  say(`${name}: place ${to + 1} of ${state.tracks.length}`);
}

/** The row follows the pointer; the others make room. */
function drag(event, item) {
  event.preventDefault();
  const rows = [...list.children];
  const from = rows.indexOf(item);
  const height = item.offsetHeight;
  const start = event.clientY;
  const grip = event.currentTarget;
  let to = from;
  grip.setPointerCapture(event.pointerId);
  item.classList.add('moving');
  const moved = now => {
    const way = now.clientY - start;
    item.style.translate = `0 ${way}px`;
    to = Math.max(0, Math.min(rows.length - 1, from + Math.round(way / height)));
    rows.forEach((other, place) => {
      if (other === item) return;
      const gives = from < place && place <= to ? -height : to <= place && place < from ? height : 0;
      other.style.translate = `0 ${gives}px`;
    });
  };
  const done = () => {
    grip.removeEventListener('pointermove', moved);
    item.classList.remove('moving');
    rows.forEach(other => { other.style.translate = ''; });
    move(from, to);
  };
  grip.addEventListener('pointermove', moved);
  grip.addEventListener('pointerup', done, { once: true });
  grip.addEventListener('pointercancel', done, { once: true });
}

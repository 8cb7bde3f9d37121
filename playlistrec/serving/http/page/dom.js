// Small makers of elements. Names from the data only ever become text, never markup.

const SVG = 'http://www.w3.org/2000/svg';
const PATHS = {
  add: 'M12 5v14M5 12h14',
  remove: 'M6 6l12 12M18 6 6 18',
  grip: 'M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01',
  like: 'M7 11v9H4v-9zM7 11l4-7c1.500 0 2.500 1 2.200 3l-.7 3H18a2 2 0 0 1 2 2.400l-1.200 6A2 2 0 0 1 16.800 20H7',
  dislike: 'M17 13V4h3v9zM17 13l-4 7c-1.500 0-2.500-1-2.200-3l.7-3H6a2 2 0 0 1-2-2.400l1.200-6A2 2 0 0 1 7.200 4H17',
  why: 'M9.200 9.200a2.800 2.800 0 1 1 4 2.600c-.8.4-1.200 1-1.200 1.900M12 17h.01',
};

export const $ = id => document.getElementById(id);

export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}

export function element(tag, text, properties = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  Object.assign(made, properties);
  return made;
}

export function tool(name, label, act) {
  const button = element('button', undefined, { type: 'button', className: name, title: label });
  button.setAttribute('aria-label', label);
  button.append(icon(name));
  if (act) button.addEventListener('click', act);
  return button;
}

/** What a track is called: its name, or else the last part of its uri. */
export const nameOf = track => track.track_name || track.track_uri.split(':').pop();
export const fullName = track => (track.artist_name ? `${nameOf(track)} by ${track.artist_name}` : nameOf(track));

function hash(text) {
  let value = 7;
  for (const sign of text) value = (value * 31 + sign.codePointAt(0)) >>> 0;
  return value;
}

/** A row of a list: a tile in the artist's colour with a first letter, the names, and a place for tools. */
export function row(track, letter = track.artist_name || nameOf(track)) {
  const made = $('row').content.firstElementChild.cloneNode(true);
  const artist = track.artist_name ?? '';
  const tile = made.querySelector('.tile');
  tile.style.setProperty('--hue', hash(artist || track.track_uri) % 360);
  tile.textContent = [...letter.trim()].slice(0, 1).join('').toUpperCase();
  made.querySelector('.name').textContent = nameOf(track);
  made.querySelector('.artist').textContent = artist;
  made.dataset.uri = track.track_uri;
  return made;
}

let quiet;
/** Say something to everybody: shown for a while, and read out. */
export function say(text) {
  $('status').textContent = text;
  clearTimeout(quiet);
  quiet = setTimeout(() => { $('status').textContent = ''; }, 4000);
}

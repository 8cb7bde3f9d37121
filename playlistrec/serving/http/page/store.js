// The playlist and how it should go on: one object, kept in the page's link.

export const state = { title: '', tracks: [], liked: [], disliked: [], diversity: 0, popularity: 0 };
const past = [];
const listeners = [];

export const onChange = listener => listeners.push(listener);
export const has = uri => state.tracks.some(track => track.track_uri === uri);
export const canUndo = () => past.length > 0;

const copy = () => ({ ...state, tracks: [...state.tracks], liked: [...state.liked], disliked: [...state.disliked] });

/** Change the state, remember what it was, and tell everybody. */
export function change(edit) {
  past.push(copy());
  if (past.length > 50) past.shift();
  edit(state);
  tell();
}

export function undo() {
  if (!past.length) return;
  Object.assign(state, past.pop());
  tell();
}

function tell() {
  history.replaceState(null, '', link());
  for (const listener of listeners) listener(state);
}

/** The link that holds the playlist: behind the #, which a browser sends to nobody. */
export function link() {
  const parts = new URLSearchParams();
  if (state.title) parts.set('title', state.title);
  if (state.diversity) parts.set('diversity', state.diversity);
  if (state.popularity) parts.set('popularity', state.popularity);
  for (const [key, list] of [['t', state.tracks], ['like', state.liked], ['dislike', state.disliked]]) {
    for (const track of list) parts.append(key, track.track_uri);
  }
  const text = parts.toString().replaceAll('%3A', ':');
  return location.pathname + (text && `#${text}`);
}

/** What a link holds; `describe` finds the names of its tracks, and leaves out those that are not there. */
export async function restore(describe) {
  const parts = new URLSearchParams(location.hash.slice(1));
  const lists = ['t', 'like', 'dislike'].map(key => parts.getAll(key));
  const uris = [...new Set(lists.flat())];
  const known = new Map(uris.length ? (await describe(uris)).map(track => [track.track_uri, track]) : []);
  const number = key => Number(parts.get(key)) || 0;
  [state.tracks, state.liked, state.disliked] = lists.map(list => list.map(uri => known.get(uri)).filter(Boolean));
  Object.assign(state, { title: parts.get('title') ?? '', diversity: number('diversity'), popularity: number('popularity') });
  for (const listener of listeners) listener(state);
  return uris.length - known.size;
}

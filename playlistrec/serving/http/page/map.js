// The map: all songs as faint points, the playlist and its continuation on top; moved by hand, wheel, fingers or keys.

import { ask } from './api.js';
import { $, fullName } from './dom.js';
import { items } from './next.js';
import { state } from './store.js';

const SIDE = 65535;
const FEW = 15000;  // points that are drawn as discs; more are summed by pixel
const HUES = 36;
const canvas = $('map');
const pen = canvas.getContext('2d');
const dark = matchMedia('(prefers-color-scheme: dark)');
const view = { x: 0.5, y: 0.5, zoom: 1 };  // the middle, and how many times nearer than the whole
const places = new Map();  // by uri, 0 … 1
let points = null;
let lit = null;
let named = null;
let frame = 0;

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export async function mapping(pick) {
  addEventListener('resize', redraw);
  dark.addEventListener('change', redraw);
  addEventListener('light', event => { lit = event.detail; redraw(); });
  moving(pick);
  try {
    points = new Uint16Array(await ask('/map', { binary: true, patience: 600 }));
    $('map-wait').hidden = true;
    $('surprise').disabled = false;
  } catch (error) {
    $('map-wait').textContent = error.message;
  }
  await showMap();
}

/** Find the places of what is marked, and draw. */
export async function showMap() {
  if (!points) return;
  const wanted = [...state.tracks, ...items].map(track => track.track_uri).filter(uri => !places.has(uri));
  for (let low = 0; low < wanted.length; low += 2000) {
    const some = wanted.slice(low, low + 2000);
    const found = await ask('/map/places', { body: { tracks: some } });
    found.places.forEach((place, at) => { if (place) places.set(some[at], [place[0] / SIDE, place[1] / SIDE]); });
  }
  redraw();
}

function redraw() {
  if (frame) return;
  frame = requestAnimationFrame(() => { frame = 0; draw(); });
}

const scale = () => canvas.width * 0.92 * view.zoom;
const toScreen = (x, y) => [(x - view.x) * scale() + canvas.width / 2, (y - view.y) * scale() + canvas.height / 2];
const toMap = (px, py) => [(px - canvas.width / 2) / scale() + view.x, (py - canvas.height / 2) / scale() + view.y];

function draw() {
  const ratio = Math.min(devicePixelRatio || 1, 2);
  const size = Math.round(canvas.clientWidth * ratio);
  if (!size) return;
  if (canvas.width !== size) { canvas.width = size; canvas.height = size; }
  pen.clearRect(0, 0, size, size);
  if (points) {
    const seen = visible();
    if (seen.length / 2 <= FEW) discs(seen, ratio);
    else summed(seen);
  }
  const radius = 4.5 * ratio;
  marks(items, colour('--next'), radius);
  marks(state.tracks, colour('--own'), radius * 1.15);
  if (named) ring(named.place[0] / SIDE, named.place[1] / SIDE, colour('--ink'), radius * 1.7);
  if (lit && places.has(lit)) ring(...places.get(lit), colour('--next'), radius * 2);
}

/** Places on the screen of all points that stand there: x, y, x, y, … */
function visible() {
  const kept = new Float32Array(points.length);
  const side = scale();
  const [left, top] = [canvas.width / 2 - view.x * side, canvas.height / 2 - view.y * side];
  const unit = side / SIDE;
  let n = 0;
  for (let at = 0; at < points.length; at += 2) {
    const x = points[at] * unit + left;
    const y = points[at + 1] * unit + top;
    if (x < -4 || y < -4 || x > canvas.width + 4 || y > canvas.height + 4) continue;
    kept[n++] = x;
    kept[n++] = y;
  }
  return kept.subarray(0, n);
}

/** The colour of a place turns around the middle of the map, so that one knows where one is. */
const hueAt = (x, y) => Math.floor((Math.atan2(y - 0.5, x - 0.5) / (2 * Math.PI) + 1) * HUES) % HUES;
const tint = hue => (dark.matches ? `hsl(${hue * 10} 32% 62%)` : `hsl(${hue * 10} 34% 52%)`);

function discs(seen, ratio) {
  const radius = clamp(0.9 * ratio * Math.sqrt(view.zoom) * Math.sqrt(4000 / (seen.length / 2 + 1000)), 0.8 * ratio, 3.5 * ratio);
  const paths = Array.from({ length: HUES }, () => new Path2D());
  for (let at = 0; at < seen.length; at += 2) {
    const [x, y] = toMap(seen[at], seen[at + 1]);
    const path = paths[hueAt(x, y)];
    path.moveTo(seen[at] + radius, seen[at + 1]);
    path.arc(seen[at], seen[at + 1], radius, 0, 7);
  }
  pen.globalAlpha = dark.matches ? 0.8 : 0.55;
  paths.forEach((path, hue) => { pen.fillStyle = tint(hue); pen.fill(path); });
  pen.globalAlpha = 1;
}

function summed(seen) {
  const { width, height } = canvas;
  const sums = new Uint16Array(width * height);
  for (let at = 0; at < seen.length; at += 2) {
    const [x, y] = [seen[at] | 0, seen[at + 1] | 0];
    if (x >= 0 && y >= 0 && x < width && y < height) sums[y * width + x]++;
  }
  const image = pen.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const base = Array.from({ length: HUES }, (_, hue) => bytes(tint(hue)));
  for (let at = 0; at < sums.length; at++) {
    if (!sums[at]) continue;
    const [x, y] = toMap(at % width, (at / width) | 0);
    pixels[at] = base[hueAt(x, y)] | (Math.min(255, 70 + 60 * Math.log2(1 + sums[at])) << 24);
  }
  pen.putImageData(image, 0, 0);
}

/** A colour as the low bytes of a pixel. */
function bytes(text) {
  pen.fillStyle = text;
  const value = parseInt(pen.fillStyle.slice(1), 16);
  return ((value & 255) << 16) | (value & 0xff00) | (value >> 16);
}

function marks(tracks, fill, radius) {
  pen.lineWidth = radius / 2.5;
  pen.strokeStyle = colour('--paper');
  for (const track of tracks) {
    const place = places.get(track.track_uri);
    if (!place) continue;
    const [x, y] = toScreen(...place);
    pen.beginPath();
    pen.arc(x, y, radius, 0, 7);
    pen.stroke();
    pen.fillStyle = fill;
    pen.fill();
  }
}

function ring(px, py, stroke, radius) {
  const [x, y] = toScreen(px, py);
  pen.lineWidth = radius / 5;
  pen.strokeStyle = stroke;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.stroke();
}

function zoom(by, px = canvas.width / 2, py = canvas.height / 2) {
  const [x, y] = toMap(px, py);
  view.zoom = clamp(view.zoom * by, 0.8, 400);
  const [nx, ny] = toMap(px, py);
  shift(x - nx, y - ny);
}

function shift(x, y) {
  view.x = clamp(view.x + x, 0, 1);
  view.y = clamp(view.y + y, 0, 1);
  redraw();
}

/** Show the playlist and what it goes on with; all of the map where there is nothing. */
function fit() {
  const marked = [...state.tracks, ...items].map(track => places.get(track.track_uri)).filter(Boolean);
  if (!marked.length) Object.assign(view, { x: 0.5, y: 0.5, zoom: 1 });
  else {
    const [xs, ys] = [0, 1].map(axis => marked.map(place => place[axis]).sort((a, b) => a - b));
    const [low, high] = [Math.floor(0.05 * (xs.length - 1)), Math.ceil(0.95 * (xs.length - 1))];
    Object.assign(view, {
      x: (xs[low] + xs[high]) / 2,
      y: (ys[low] + ys[high]) / 2,
      zoom: clamp(0.8 / Math.max(xs[high] - xs[low], ys[high] - ys[low], 0.02), 1, 40),
    });
  }
  redraw();
}

async function name(px, py) {
  const [x, y] = toMap(px, py).map(value => Math.round(clamp(value, 0, 1) * SIDE));
  const found = await ask(`/map/near?x=${x}&y=${y}`, { kind: 'near' });
  [named] = found.items;
  $('tip').hidden = !named;
  $('tip-text').textContent = named ? fullName(named) : '';
  redraw();
}

function moving(pick) {
  const held = new Map();
  let travelled = 0;
  const ratio = () => canvas.width / canvas.clientWidth;
  const at = event => [event.offsetX * ratio(), event.offsetY * ratio()];
  canvas.addEventListener('wheel', event => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), ...at(event));
  }, { passive: false });
  canvas.addEventListener('pointerdown', event => {
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, at(event));
    travelled = 0;
  });
  canvas.addEventListener('pointermove', event => {
    if (!held.has(event.pointerId)) return;
    const before = [...held.values()];
    const now = at(event);
    const [x, y] = held.get(event.pointerId);
    held.set(event.pointerId, now);
    travelled += Math.hypot(now[0] - x, now[1] - y);
    if (held.size === 1) shift((x - now[0]) / scale(), (y - now[1]) / scale());
    else if (held.size === 2) {
      const after = [...held.values()];
      const apart = pair => Math.hypot(pair[0][0] - pair[1][0], pair[0][1] - pair[1][1]);
      zoom(apart(after) / Math.max(apart(before), 1), (after[0][0] + after[1][0]) / 2, (after[0][1] + after[1][1]) / 2);
    }
  });
  for (const end of ['pointerup', 'pointercancel']) {
    canvas.addEventListener(end, event => {
      if (held.delete(event.pointerId) && end === 'pointerup' && travelled < 6 && points) name(...at(event));
    });
  }
  canvas.addEventListener('keydown', event => {
    const step = 0.12 / view.zoom;
    const act = {
      ArrowLeft: () => shift(-step, 0), ArrowRight: () => shift(step, 0), ArrowUp: () => shift(0, -step), ArrowDown: () => shift(0, step),
      '+': () => zoom(1.4), '=': () => zoom(1.4), '-': () => zoom(1 / 1.4), 0: fit, Enter: () => points && name(canvas.width / 2, canvas.height / 2),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  $('zoom-in').addEventListener('click', () => zoom(1.6));
  $('zoom-out').addEventListener('click', () => zoom(1 / 1.6));
  $('zoom-fit').addEventListener('click', fit);
  $('tip-add').addEventListener('click', () => { if (named) pick(named); });
}

"use strict";
// Names of points: under the pointer, or one after the other with the arrow keys where a plot has the focus.
for (const plot of document.querySelectorAll(".plot")) {
  const svg = plot.querySelector("svg"), tip = plot.querySelector(".tip");
  const points = JSON.parse(plot.querySelector("script").textContent);
  const box = svg.viewBox.baseVal, ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  let current = -1;
  ring.setAttribute("class", "ring");
  ring.setAttribute("r", 7);

  const hide = () => { tip.hidden = true; ring.remove(); };
  const show = (index) => {
    current = index;
    const [x, y, text] = points[index], scale = svg.clientWidth / box.width;
    ring.setAttribute("cx", x);
    ring.setAttribute("cy", y);
    svg.append(ring);
    tip.textContent = text;
    tip.hidden = false;
    const left = Math.min(Math.max(0, x * scale - tip.offsetWidth / 2), plot.clientWidth - tip.offsetWidth);
    const above = y * scale - tip.offsetHeight - 12;
    tip.style.left = `${left}px`;
    tip.style.top = `${above < 0 ? y * scale + 12 : above}px`;
  };
  const nearest = (event) => {
    const frame = svg.getBoundingClientRect(), scale = frame.width / box.width;
    const x = (event.clientX - frame.left) / scale, y = (event.clientY - frame.top) / scale;
    let best = -1, least = Math.max(12, 16 / scale) ** 2;
    points.forEach(([a, b], index) => {
      const distance = (a - x) ** 2 + (b - y) ** 2;
      if (distance < least) { best = index; least = distance; }
    });
    return best;
  };
  const point = (event) => { const index = nearest(event); if (index < 0) hide(); else show(index); };

  plot.addEventListener("pointermove", point);
  plot.addEventListener("pointerdown", point);
  plot.addEventListener("pointerleave", hide);
  plot.addEventListener("blur", hide);
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) show(current < 0 ? (step > 0 ? 0 : points.length - 1) : (current + step + points.length) % points.length);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(points.length - 1);
    else if (event.key === "Escape") hide();
    else return;
    event.preventDefault();
  });
}

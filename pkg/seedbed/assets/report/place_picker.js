// A map of dots that can be clicked; the arrow keys go from one to the next. For nbs/explore.ipynb.
const NS = "http://www.w3.org/2000/svg";
const node = (tag, attributes) => {
  const made = document.createElementNS(NS, tag);
  for (const name in attributes) made.setAttribute(name, attributes[name]);
  return made;
};

function render({ model, el }) {
  const width = 460;
  const height = Math.max(140, Math.min(640, width * model.get("ratio")));
  const svg = node("svg", {
    viewBox: `-8 -8 ${width + 16} ${height + 16}`,
    tabindex: "0",
    role: "listbox",
    "aria-label": "labels on the map",
    style: `width:100%;max-width:${width + 16}px;display:block;outline-offset:2px`,
  });
  const choose = (k) => { model.set("chosen", k); model.save_changes(); };

  const dots = model.get("points").map(([x, y, colour, name, wrong], k) => {
    const dot = node("circle", {
      cx: x * width,
      cy: y * height,
      r: wrong ? 4.2 : 3.2,
      fill: colour,
      stroke: wrong ? "currentColor" : "none",
      "stroke-width": "1.2",
      style: "cursor:pointer",
    });
    const title = node("title", {});
    title.textContent = name;
    dot.append(title);
    dot.addEventListener("click", () => choose(k));
    svg.append(dot);
    return dot;
  });

  const ring = node("circle", {
    r: 8, fill: "none", stroke: "#D9622B", "stroke-width": "2.2", style: "pointer-events:none",
  });
  svg.append(ring);
  const mark = () => {
    const dot = dots[model.get("chosen")];
    if (!dot) return;
    ring.setAttribute("cx", dot.getAttribute("cx"));
    ring.setAttribute("cy", dot.getAttribute("cy"));
  };

  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    choose((model.get("chosen") + step + dots.length) % dots.length);
  });
  model.on("change:chosen", mark);
  mark();
  el.append(svg);
}

export default { render };

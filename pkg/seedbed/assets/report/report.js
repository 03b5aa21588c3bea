"use strict";
(() => {
  const root = document.documentElement, data = JSON.parse(document.getElementById("report-data").textContent);
  const remember = { get: () => { try { return localStorage.getItem("seedbed-theme"); } catch { return null; } }, set: (v) => { try { localStorage.setItem("seedbed-theme", v); } catch { /* private window */ } } };

  // --- light or dark ---
  const wanted = remember.get();
  if (wanted) root.dataset.theme = wanted;
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    remember.set(root.dataset.theme);
  });

  // --- which section is read ---
  const links = [...document.querySelectorAll(".links a")];
  const sections = links.map((a) => document.querySelector(a.getAttribute("href")));
  const mark = () => {
    let here = 0;
    sections.forEach((s, k) => { if (s.getBoundingClientRect().top < innerHeight * 0.35) here = k; });
    links.forEach((a, k) => { if (k === here) a.setAttribute("aria-current", "true"); else a.removeAttribute("aria-current"); });
  };
  addEventListener("scroll", mark, { passive: true });
  mark();

  // --- the gallery ---
  const gallery = document.getElementById("gallery");
  if (!gallery || !data.errors) return;
  const make = (tag, props = {}, ...children) => { const node = Object.assign(document.createElement(tag), props); node.append(...children); return node; };
  const svg = (tag, attributes) => { const node = document.createElementNS("http://www.w3.org/2000/svg", tag); for (const k in attributes) node.setAttribute(k, attributes[k]); return node; };
  const colour = (name) => { const k = data.classes.indexOf(name); return k < 0 ? "var(--ink)" : `var(--class-${k})`; };
  const swatch = (name) => { const node = make("span", { className: "swatch" }); node.style.setProperty("--swatch", colour(name)); return node; };
  const named = (name) => data.classes.length ? make("span", {}, swatch(name), name) : make("span", {}, `${(+name).toFixed(1)} ${data.unit}`.trim());

  const drawSeries = (item) => {
    const W = 260, H = 92, left = 26, bottom = 14, steps = data.dates.length;
    const bands = (data.classes.length ? [item.true, item.pred] : []).filter((n) => data.profiles[n]).map((n) => [n, data.profiles[n]]);
    const known = [...item.series, ...bands.flatMap(([, b]) => [...b.low, ...b.high])].filter((v) => v !== null);
    if (!known.length) return "";
    let low = Math.min(...known), high = Math.max(...known);
    if (high === low) { high += 1; low -= 1; }
    const x = (t) => steps > 1 ? left + 3 + (W - left - 8) * t / (steps - 1) : (W + left) / 2, y = (v) => 5 + (H - bottom - 10) * (1 - (v - low) / (high - low));
    const node = svg("svg", { viewBox: `0 0 ${W} ${H}`, class: "series", role: "img", "aria-label": `${data.series} of sample ${item.id}` });
    const words = (text, at) => { const t = svg("text", Object.assign({ "font-size": 9, fill: "var(--soft)" }, at)); t.textContent = text; node.append(t); };
    if (steps === 1) {
      bands.forEach(([name, b], k) => {
        const at = left + 40 + 60 * k;
        node.append(svg("line", { x1: at, x2: at, y1: y(b.low[0]), y2: y(b.high[0]), stroke: colour(name), "stroke-width": 9, "stroke-opacity": 0.35 }), svg("circle", { cx: at, cy: y(b.middle[0]), r: 3, fill: colour(name) }));
      });
      if (item.series[0] !== null) node.append(svg("line", { x1: left, x2: W, y1: y(item.series[0]), y2: y(item.series[0]), stroke: "var(--ink)", "stroke-width": 1.5 }));
    } else {
      const line = (values) => values.map((v, t) => v === null ? null : `${x(t).toFixed(1)},${y(v).toFixed(1)}`).filter(Boolean).join(" ");
      bands.forEach(([name, b]) => {
        node.append(svg("polygon", { points: `${line(b.high)} ${line([...b.low]).split(" ").reverse().join(" ")}`, fill: colour(name), "fill-opacity": 0.2 }), svg("polyline", { points: line(b.middle), fill: "none", stroke: colour(name), "stroke-width": 1.2, "stroke-opacity": 0.9 }));
      });
      node.append(svg("polyline", { points: line(item.series), fill: "none", stroke: "var(--ink)", "stroke-width": 1.8, "stroke-linejoin": "round" }));
      words(data.dates[0], { x: left + 2, y: H - 2 });
      words(data.dates[steps - 1], { x: W - 2, y: H - 2, "text-anchor": "end" });
    }
    words(high.toFixed(2), { x: left - 4, y: y(high) + 3, "text-anchor": "end" });
    words(low.toFixed(2), { x: left - 4, y: y(low) + 3, "text-anchor": "end" });
    return node;
  };

  const picture = (uri, item, what) => {
    const frame = make("div", { className: "picture" }, make("img", { src: uri, alt: `sample ${item.id}, ${what}`, title: what }));
    if (item.outline) { const over = svg("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" }); over.append(svg("path", { d: item.outline })); frame.append(over); }
    return frame;
  };

  const card = (item) => {
    const sure = data.classes.length ? `confidence ${Math.round(100 * item.confidence)} %` : `${item.error > 0 ? "+" : "−"}${Math.abs(item.error).toFixed(1)} ${data.unit}`;
    const node = make("article", { className: "card" }, make("header", {}, make("h3", {}, named(item.true), " → ", named(item.pred)), make("span", { className: "sure" }, sure)));
    if (item.natural) node.append(make("div", { className: "pictures" }, picture(item.natural, item, "natural colours"), ...(item.infrared ? [picture(item.infrared, item, "near infrared, red, green")] : [])));
    node.append(drawSeries(item));
    const at = `${item.lat.toFixed(5)}/${item.lon.toFixed(5)}`;
    const foot = make("footer", {}, make("b", {}, item.id), ...(item.region ? [make("span", {}, item.region)] : []),
      make("a", { href: `https://www.openstreetmap.org/?mlat=${item.lat}&mlon=${item.lon}#map=17/${at}`, rel: "noreferrer", target: "_blank" }, "street map"),
      make("a", { href: `https://browser.dataspace.copernicus.eu/?zoom=16&lat=${item.lat}&lng=${item.lon}`, rel: "noreferrer", target: "_blank" }, "satellite"));
    if (item.doubted) foot.append(make("span", { className: "doubt" }, "label doubted"));
    node.append(foot);
    return node;
  };

  const pick = (id) => document.getElementById(id), cards = pick("cards"), more = pick("more");
  const fill = (id, values) => { const node = pick(id); if (!node) return; values.forEach((v) => node.append(make("option", { value: v }, v))); if (!values.length) node.parentElement.hidden = true; };
  const named_in = (key) => data.classes.filter((c) => data.errors.some((e) => e[key] === c) || data.relabel.features.some(({ properties: p }) => p[key === "true" ? "label" : "predicted"] === c));
  fill("by-true", named_in("true"));
  fill("by-pred", named_in("pred"));
  fill("by-region", [...new Set(data.errors.map((e) => e.region).filter(Boolean))].sort());
  const orders = {
    sure: (a, b) => b.weight - a.weight,
    unsure: (a, b) => a.weight - b.weight,
    doubt: (a, b) => a.quality - b.quality,
    id: (a, b) => a.id.localeCompare(b.id, undefined, { numeric: true }),
  };
  let shown = 24, current = [], again = [];
  const refresh = () => {
    const of = (id) => pick(id).value;
    current = data.errors.filter((e) => (!of("by-true") || e.true === of("by-true")) && (!of("by-pred") || e.pred === of("by-pred")) && (!of("by-region") || e.region === of("by-region")));
    current.sort(orders[of("order")]);
    cards.replaceChildren(...current.slice(0, shown).map(card));
    const all = data.errors.length < data.wrong ? `; the ${data.errors.length} worst are here` : "";
    pick("count").textContent = `${current.length} of ${data.wrong} errors${all}`;
    pick("none").hidden = current.length > 0;
    more.hidden = current.length <= shown;
    again = data.relabel.features.filter(({ properties: p }) => (!of("by-true") || p.label === of("by-true")) && (!of("by-pred") || p.predicted === of("by-pred")) && (!of("by-region") || p.region === of("by-region"))).slice(0, 50);
    const button = pick("relabel");
    button.textContent = again.length ? `Save the next ${again.length} to relabel` : "No label in doubt here";
    button.disabled = !again.length;
    button.hidden = !data.relabel.features.length;
  };
  gallery.querySelectorAll("select").forEach((s) => s.addEventListener("change", () => { shown = 24; refresh(); }));
  more.addEventListener("click", () => { shown += 48; refresh(); });
  pick("relabel").addEventListener("click", () => {
    const blob = new Blob([JSON.stringify({ ...data.relabel, features: again }, null, 1)], { type: "application/geo+json" });
    const link = make("a", { href: URL.createObjectURL(blob), download: "relabel.geojson" });
    document.body.append(link); link.click(); link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  if (!data.relabel.features.length) document.querySelector('#order option[value="doubt"]').remove();
  refresh();
})();

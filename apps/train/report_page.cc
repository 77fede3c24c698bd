#include "apps/train/report_page.h"

#include <nlohmann/json.hpp>

#include "apps/text/xml_text.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr char kStyle[] = R"(
:root { color-scheme: light dark; --ink: #1d1d1f; --paper: #fff; --faint: #8a8a90; --line: #e2e2e6;
        --first: #0b5fa5; --second: #c2571a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8ea; --paper: #161618; --faint: #8f8f96; --line: #333338; --first: #6db3f2; --second: #f0a060; }
}
@media print {
  :root { --ink: #000; --paper: #fff; --faint: #555; --line: #ccc; --first: #0b5fa5; --second: #c2571a; }
  .control { display: none; }
  figure, .sample { break-inside: avoid; }
}
body { font: 15px/1.5 system-ui, "DejaVu Sans", Helvetica, Arial, sans-serif; color: var(--ink);
       background: var(--paper); max-width: 1100px; margin: 1.5em auto; padding: 0 1em; }
h1 { font-size: 1.5em; margin-bottom: .2em; overflow-wrap: anywhere; }
h2 { font-size: 1.15em; margin: 1.6em 0 .5em; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(290px, 1fr)); gap: .8em 1.5em; }
figure { margin: 0; }
figcaption { font-weight: 600; font-size: .9em; }
figcaption span { font-weight: normal; color: var(--faint); }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font-size: 11px; fill: var(--ink); }
svg .tick { fill: var(--faint); }
svg .grid { stroke: var(--line); }
.control { display: flex; gap: .8em; align-items: center; flex-wrap: wrap; margin-bottom: .8em; }
.control input { flex: 1 1 200px; }
.sample { margin: 0 0 1.6em; }
.sample p { margin: .1em 0; }
.sample b { color: var(--faint); font-weight: normal; font-size: .85em; display: inline-block; min-width: 6.5em; }
.wide { overflow-x: auto; }
.wide svg { width: auto; }
table { border-collapse: collapse; font-size: .9em; }
td { padding: .1em .8em .1em 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
pre { overflow-x: auto; font-size: .85em; }
)";

// Everything from outside is set as text, never as HTML.
constexpr char kScript[] = R"script(
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const progress = data.events.filter(e => e.event === "progress");
const validations = data.events.filter(e => e.event === "validation");

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
function shape(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
function short(x) {
  if (x === 0 || (Math.abs(x) >= 0.001 && Math.abs(x) < 1e5)) return String(+x.toPrecision(4));
  return x.toExponential(1);
}
// Some round numbers from least to most.
function ticks(least, most) {
  const raw = (most - least) / 5, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= raw);
  const found = [];
  for (let i = Math.ceil(least / step - 1e-9); i * step <= most + step * 1e-9; ++i) found.push(i * step);
  return found;
}

// series: [{name, points: [[update, value]], dots}]
function chart(title, series) {
  series = series.map(s => ({...s, points: s.points.filter(p => p[1] !== null && p[1] !== undefined)}))
                 .filter(s => s.points.length > 0);
  if (series.length === 0) return;
  const width = 360, height = 190, left = 46, right = 8, top = 8, bottom = 22;
  const all = series.flatMap(s => s.points), last = Math.max(1, ...data.events.map(e => e.update));
  let least = Math.min(...all.map(p => p[1])), most = Math.max(...all.map(p => p[1]));
  if (least === most) { const around = Math.abs(least) / 10 || 1; least -= around; most += around; }
  const x = update => left + (width - left - right) * update / last;
  const y = value => top + (height - top - bottom) * (most - value) / (most - least);
  const svg = shape("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title});
  for (const tick of ticks(least, most))
    svg.append(shape("line", {class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick)}),
               shape("text", {class: "tick", x: left - 6, y: y(tick) + 4, "text-anchor": "end"}, short(tick)));
  for (const tick of ticks(0, last))
    svg.append(shape("text", {class: "tick", x: x(tick), y: height - 6, "text-anchor": "middle"}, short(tick)));
  series.forEach((s, i) => {
    const color = i === 0 ? "var(--first)" : "var(--second)";
    const points = s.points.map(p => `${x(p[0])},${y(p[1])}`).join(" ");
    svg.append(shape("polyline", {points, fill: "none", stroke: color, "stroke-width": 1.6}));
    if (s.dots) for (const p of s.points) svg.append(shape("circle", {cx: x(p[0]), cy: y(p[1]), r: 2.6, fill: color}));
  });
  const values = document.createElement("span");
  const show = update => {
    values.textContent = series.map(s => {
      const near = s.points.reduce((a, b) => Math.abs(b[0] - update) < Math.abs(a[0] - update) ? b : a);
      return `${series.length > 1 ? s.name + " " : ""}${short(near[1])}`;
    }).join(", ") + ` at update ${Math.round(update)}`;
  };
  show(last);
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width * width;
    show(Math.min(last, Math.max(0, (at - left) / (width - left - right) * last)));
  });
  svg.addEventListener("pointerleave", () => show(last));
  document.getElementById("charts").append(element("figure", {}, element("figcaption", {}, title + " ", values), svg));
}

const of = key => progress.map(e => [e.update, e[key]]);
const metric = name => validations.map(e => [e.update, e.metrics[name]]);
const names = validations.length > 0 ? Object.keys(validations[0].metrics) : [];
const cost = [{name: "training", points: of("cost")}];
const together = data.cost_is_of_sentences && names.includes("cross-entropy");
if (together) cost.push({name: "validation", points: metric("cross-entropy"), dots: true});
chart(data.cost_is_of_sentences ? "cost a sentence" : "cost a word", cost);
for (const name of names)
  if (name !== "cross-entropy" || !together) chart(name + ", validation", [{name, points: metric(name), dots: true}]);
chart("learning rate", [{name: "", points: of("learn_rate")}]);
chart("gradient norm", [{name: "", points: of("gradient_norm")}]);
chart("target words/s", [{name: "", points: of("words_per_second")}]);

// The weights of a translation's units, rows, over the source's, columns.
function weights(sample) {
  const cell = 19, label = text => 7 * [...text].length + 10;
  const left = Math.max(...sample.rows.map(label)), top = Math.max(...sample.columns.map(label)) * 0.75 + 8;
  const width = left + cell * sample.columns.length + top, height = top + cell * sample.rows.length;
  const svg = shape("svg", {viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": "attention"});
  sample.columns.forEach((word, j) => {
    const x = left + cell * (j + 0.6);
    svg.append(shape("text", {x, y: top - 4, transform: `rotate(-48 ${x} ${top - 4})`}, word));
  });
  sample.rows.forEach((word, i) => {
    svg.append(shape("text", {x: left - 6, y: top + cell * (i + 0.7), "text-anchor": "end"}, word));
    (sample.alpha[i] || []).forEach((percent, j) => {
      const box = shape("rect", {x: left + cell * j, y: top + cell * i, width: cell - 1, height: cell - 1,
                                 fill: "var(--first)", "fill-opacity": 0.04 + 0.96 * Math.min(1, percent / 100)});
      box.append(shape("title", {}, `${word} – ${sample.columns[j]}: ${percent}%`));
      svg.append(box);
    });
  });
  return element("div", {class: "wide"}, svg);
}

const shown = validations.filter(e => e.samples.length > 0);
function show(index) {
  const at = shown[index];
  document.getElementById("when").textContent = `update ${at.update}` + (at.best ? ", the best so far" : "");
  document.getElementById("samples").replaceChildren(...at.samples.map(sample => {
    const line = (name, text) => element("p", {}, element("b", {}, name), text);
    const block = element("div", {class: "sample"}, line("source", sample.source),
                          line("translation", sample.translation), line("reference", sample.reference));
    if (sample.alpha.length > 0) block.append(weights(sample));
    return block;
  }));
}
if (shown.length > 0) {
  document.getElementById("sentences").hidden = false;
  const slider = document.getElementById("slider");
  slider.max = shown.length - 1;
  slider.value = slider.max;
  slider.addEventListener("input", () => show(+slider.value));
  let timer = null;
  document.getElementById("play").addEventListener("click", () => {
    clearInterval(timer);
    slider.value = 0;
    show(0);
    timer = setInterval(() => {
      if (+slider.value === shown.length - 1) return clearInterval(timer);
      slider.value = +slider.value + 1;
      show(+slider.value);
    }, 700);
  });
  show(shown.length - 1);
}

for (const [name, value] of data.about)
  document.getElementById("about").append(element("tr", {}, element("td", {}, name),
    element("td", {}, value.includes("\n") ? element("pre", {}, value) : value)));
)script";

constexpr char kBody[] = R"(
<div class="charts" id="charts"></div>
<section id="sentences" hidden>
<h2>Sentences of the validation text, while training went on</h2>
<div class="control"><button id="play" type="button">From the start</button>
<input id="slider" type="range" min="0" step="1" aria-label="validation"></div>
<p><b id="when"></b></p>
<div id="samples"></div>
</section>
<h2>The training</h2>
<div class="wide"><table><tbody id="about"></tbody></table></div>
<noscript>The curves are drawn by a script in this file, which needs JavaScript.</noscript>
)";

// JSON in which no "<" can end the element that holds it.
std::string in_script(std::string json) {
  for (std::size_t at = json.find('<'); at != std::string::npos; at = json.find('<', at))
    json.replace(at, 1, "\\u003c");
  return json;
}

}  // namespace

std::string report_page(const ReportHeader& header, const std::vector<std::string>& events) {
  nlohmann::ordered_json data = {{"cost_is_of_sentences", header.cost_is_of_sentences},
                                 {"about", header.about}};
  std::string all = data.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace), lines;
  for (const std::string& event : events) lines += (lines.empty() ? "" : ",\n") + event;
  all.back() = ',';
  all += join("\"events\": [\n", lines, "]}");
  return join("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
              xml_text(header.title), "</title>\n<style>", kStyle, "</style>\n</head>\n<body>\n<h1>",
              xml_text(header.title), "</h1>", kBody, "<script type=\"application/json\" id=\"data\">\n",
              in_script(all), "\n</script>\n<script>", kScript, "</script>\n</body>\n</html>\n");
}

}  // namespace mininmt

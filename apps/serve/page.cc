#include "apps/serve/page.h"

#include "apps/text/xml_text.h"

namespace mininmt::serve {
namespace {

// Everything that comes from the model is set as text, never as HTML.
constexpr char kPage[] = R"page(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>mininmt</title>
<style>
:root { color-scheme: light dark; --ink: #1d1d1f; --paper: #fff; --faint: #77777d; --line: #d5d5da; --mark: 11, 95, 165; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8ea; --paper: #161618; --faint: #97979e; --line: #3a3a40; --mark: 109, 179, 242; }
}
body { font: 17px/1.6 system-ui, "DejaVu Sans", Helvetica, Arial, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 900px; margin: 1.5em auto; padding: 0 1em; }
h1 { font-size: 1.1em; font-weight: 600; }
textarea { width: 100%; box-sizing: border-box; min-height: 7em; font: inherit; color: inherit; background: transparent;
           border: 1px solid var(--line); border-radius: 6px; padding: .6em; resize: vertical; }
label { color: var(--faint); font-size: .85em; }
#lines { border: 1px solid var(--line); border-radius: 6px; padding: .6em; min-height: 3em; }
#lines p { margin: 0 0 .3em; }
.sources { color: var(--faint); }
.unit { border-radius: 3px; padding: .05em .1em; }
#target .unit { cursor: default; }
#state { color: var(--faint); font-size: .85em; min-height: 1.6em; }
</style>
</head>
<body>
<h1>mininmt</h1>
<label for="text">SOURCE</label>
<textarea id="text" autofocus spellcheck="false"></textarea>
<p><label>TARGET (point at a word: it shows where the model looked)</label></p>
<div id="lines" aria-live="polite"></div>
<p id="state"></p>
<script>
"use strict";
const text = document.getElementById("text"), lines = document.getElementById("lines"), state = document.getElementById("state");
let timer = null, newest = 0;

function unit(name) {
  const made = document.createElement("span");
  made.className = "unit";
  made.textContent = name;
  return made;
}
// A line of source units above one of target units; pointing at one colours the others by its weights.
function show(line) {
  const sources = document.createElement("p"), targets = document.createElement("p");
  sources.className = "sources";
  const above = line.source.map(unit), below = line.target.map(unit);
  for (const [place, units] of [[sources, above], [targets, below]])
    units.forEach((u, i) => place.append(...(i > 0 ? [" ", u] : [u])));
  const colour = (units, weight) => units.forEach((u, i) => {
    u.style.background = `rgba(var(--mark), ${0.7 * Math.min(1, weight(i) / 100)})`;
  });
  const clear = () => { for (const u of [...above, ...below]) u.style.background = ""; };
  if (line.weights.length > 0) {
    below.forEach((u, i) => {
      u.addEventListener("pointerenter", () => { clear(); colour([u], () => 40); colour(above, j => line.weights[i][j]); });
      u.addEventListener("pointerleave", clear);
    });
    above.forEach((u, j) => {
      u.addEventListener("pointerenter", () => { clear(); colour([u], () => 40); colour(below, i => line.weights[i][j]); });
      u.addEventListener("pointerleave", clear);
    });
  }
  return [targets, sources];
}
async function translate() {
  const number = ++newest;
  if (text.value.trim() === "") { lines.replaceChildren(); state.textContent = ""; return; }
  state.textContent = "…";
  try {
    const response = await fetch("translate", {method: "POST", headers: {"Content-Type": "application/json"},
                                               body: JSON.stringify({q: text.value, alignment: true})});
    const answer = await response.json();
    if (number !== newest) return;
    state.textContent = answer.error || "";
    if (!answer.error) lines.replaceChildren(...answer.alignment.flatMap(show));
  } catch (failed) {
    if (number === newest) state.textContent = "no answer: " + failed.message;
  }
}
text.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(translate, 250); });
if (location.hash.length > 1) {  // http://.../#the text
  text.value = decodeURIComponent(location.hash.slice(1));
  translate();
}
</script>
</body>
</html>
)page";

}  // namespace

std::string page(const Languages& languages) {
  std::string text = kPage;
  for (const auto& [place, name] : {std::pair{"SOURCE", languages.source}, {"TARGET", languages.target}})
    text.replace(text.find(place), std::string(place).size(), xml_text(name));
  return text;
}

}  // namespace mininmt::serve

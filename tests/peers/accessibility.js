// SPDX-License-Identifier: Apache-2.0
// What a page must have to be usable by keyboard, by screen reader and with weak eyes (WCAG 2.2, level AA, as far as a
// program can tell). Returns what is wrong, as sentences.
"use strict";
const problems = [];
const wrong = (what, element) => {
  const where = element ? `: ${element.outerHTML.slice(0, 120).replace(/\s+/g, " ")}` : "";
  problems.push(`${what}${where}`);
};
const all = (selector) => [...document.querySelectorAll(selector)];
const shown = (element) => element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })
  && element.getClientRects().length > 0;
const words = (element) => (element.textContent || "").replace(/\s+/g, " ").trim();

// Names (1.1.1, 4.1.2; accname 1.2, as far as these pages need it).
const name = (element) => {
  const by = (element.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean)
    .map((id) => document.getElementById(id)).map((found) => found ? words(found) : "").join(" ").trim();
  if (by) return by;
  if (element.getAttribute("aria-label")) return element.getAttribute("aria-label").trim();
  if (element.labels && element.labels.length) return [...element.labels].map(words).join(" ").trim();
  if (/^(input|select|textarea)$/i.test(element.tagName)) return element.title;
  return words(element) || element.title;
};
for (const element of all("a[href], button, input, select, textarea, summary, [tabindex], [role=img], [role=region], nav")) {
  const quiet = element.matches("main, h1, h2");
  if (!quiet && shown(element) && !name(element)) wrong("has no name", element);
  if (element.tabIndex > 0) wrong("changes the order of the tab key", element);
  if (element.closest("[aria-hidden=true]") && element.tabIndex >= 0) wrong("can be focused though it is hidden", element);
}
for (const label of all("label")) if (!label.control) wrong("labels nothing", label);
for (const drawing of all("svg")) {
  if (drawing.getAttribute("aria-hidden") !== "true" && drawing.getAttribute("role") !== "img") wrong("is a drawing without a role", drawing);
}

// Structure (1.3.1, 2.4.1, 2.4.2, 3.1.1).
if (!document.documentElement.lang) wrong("the page has no language");
if (!document.title.trim()) wrong("the page has no title");
for (const [selector, count] of [["main", 1], ["body > header", 1], ["body > footer", 1], ["h1", 1]]) {
  if (all(selector).length !== count) wrong(`there are ${all(selector).length} of ${selector}`);
}
const skip = document.querySelector("body a[href]");
if (!skip || !skip.hash || !document.querySelector(skip.hash)) wrong("the first link does not skip to the content", skip);
for (const kind of ["nav", "section[aria-labelledby], [role=region]"]) {
  const names = all(kind).filter(shown).map(name);
  if (new Set(names).size !== names.length) wrong(`landmarks have one name: ${names}`);
}
for (const part of [...document.body.children]) {
  if (!part.matches("header, main, nav, footer, script, .skip") && shown(part)) wrong("lies in no landmark", part);
}
let level = 0;
for (const heading of all("h1, h2, h3, h4, h5, h6").filter(shown)) {
  const own = Number(heading.tagName[1]);
  if (own > level + 1) wrong(`a heading of level ${own} follows one of ${level}`, heading);
  if (!words(heading)) wrong("is an empty heading", heading);
  level = own;
}
const identifiers = all("[id]").map((element) => element.id);
for (const id of new Set(identifiers)) {
  if (identifiers.filter((each) => each === id).length > 1) wrong(`the id ${id} is there more than once`);
}
for (const element of all("[aria-labelledby], [aria-describedby], [aria-controls]")) {
  for (const each of ["aria-labelledby", "aria-describedby", "aria-controls"]) {
    for (const id of (element.getAttribute(each) || "").split(/\s+/).filter(Boolean)) {
      if (!document.getElementById(id)) wrong(`${each} names nothing`, element);
    }
  }
}
for (const table of all("table")) {
  if (!table.caption || !words(table.caption)) wrong("has no caption", table);
  if (!table.querySelector("th[scope=col]")) wrong("has no headings of columns", table);
}
for (const list of all("ul, ol")) {
  if ([...list.children].some((child) => child.tagName !== "LI")) wrong("holds other things than entries", list);
}
for (const list of all("dl")) {
  const odd = [...list.children].filter((child) => !child.matches("div") || !child.querySelector("dt") || !child.querySelector("dd"));
  if (odd.length) wrong("holds other things than terms", odd[0]);
}

// Room (1.4.10, 2.1.1, 2.5.8).
if (document.documentElement.scrollWidth > innerWidth) wrong(`the page is ${document.documentElement.scrollWidth} wide`);
for (const element of all("body *")) {
  const style = getComputedStyle(element);
  const scrolls = /auto|scroll/.test(style.overflowX + style.overflowY) && shown(element)
    && (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1);
  if (scrolls && !/^(textarea|select|input)$/i.test(element.tagName) && element.tabIndex < 0 && !element.querySelector("a, button")) {
    wrong("scrolls, but not by keyboard", element);
  }
}
for (const control of all("button, input, select, summary").filter(shown)) {
  const box = control.getBoundingClientRect();
  if (box.height < 24 || box.width < 24) wrong(`is only ${box.width} by ${box.height}`, control);
}

// Contrast (1.4.3, 1.4.11).
const colour = (text) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  canvas.fillStyle = text;
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
  return { red, green, blue, alpha: alpha / 255 };
};
const known = new Map();
const cached = (text) => known.get(text) || known.set(text, colour(text)).get(text);
const over = (top, below) => Object.fromEntries(["red", "green", "blue"]
  .map((part) => [part, top[part] * top.alpha + below[part] * (1 - top.alpha)]).concat([["alpha", 1]]));
const behind = (element) => {
  const layers = [];
  for (let each = element; each; each = each.parentElement) {
    const own = cached(getComputedStyle(each).backgroundColor);
    layers.push(own);
    if (own.alpha === 1) break;
  }
  return layers.reverse().reduce((below, top) => over(top, below), { red: 255, green: 255, blue: 255, alpha: 1 });
};
const light = ({ red, green, blue }) => [red, green, blue].map((part) => part / 255)
  .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
  .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
const contrast = (one, other) => {
  const [high, low] = [light(one), light(other)].sort((first, second) => second - first);
  return (high + 0.05) / (low + 0.05);
};
const seen = new Set();
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const element = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || !shown(element) || element.closest("title, desc, script, noscript, option, .heard")) continue;
  const style = getComputedStyle(element);
  const drawn = element instanceof SVGElement;
  const rectangle = drawn && element.parentElement.querySelector(":scope > rect");
  const ground = rectangle ? cached(getComputedStyle(rectangle).fill) : behind(element);
  const ink = over(cached(drawn ? style.fill : style.color), ground);
  const size = Number.parseFloat(style.fontSize);
  const large = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700;
  const needed = large ? 3 : 4.5;
  const ratio = contrast(ink, ground);
  const key = `${style.color}${style.fill}${JSON.stringify(ground)}`;
  const off = element.closest(":disabled");  // 1.4.3: what is inactive needs none
  if (ratio < needed && !off && !seen.has(key)) wrong(`contrast ${ratio.toFixed(2)} instead of ${needed}`, element);
  seen.add(key);
}
for (const control of all("input, select, button:not(:disabled)").filter(shown)) {
  const ratio = contrast(cached(getComputedStyle(control).borderTopColor), behind(control.parentElement));
  if (ratio < 3) wrong(`its border has a contrast of ${ratio.toFixed(2)}`, control);
}
return { problems, texts: seen.size };

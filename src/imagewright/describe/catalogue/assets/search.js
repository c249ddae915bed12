// SPDX-License-Identifier: Apache-2.0
// The search of the first page. Its data are scripts beside it (see search.py), because a page that is opened from the
// disk may load nothing else. Whatever an image says becomes text, never markup.
"use strict";
(() => {
  const PAGE = 50;
  const UNITS = ["KB", "MB", "GB", "TB"];
  const data = self.catalogueImages;
  const [NAME, DIGEST, SERIES, VARIANT, SUITE, PLATFORM, STATE, SIZE, MOMENT, TAGS, PYTHON] = Array(11).keys();
  const PLACES = { series: SERIES, variant: VARIANT, suite: SUITE, platform: PLATFORM, state: STATE };
  const SIGNS = { checked: "✓", built: "○", outdated: "↻", failed: "✗" };
  const images = data.images;
  const texts = images.map((row) =>
    ` ${[row[NAME], ...row[TAGS], data.platform[row[PLATFORM]]].join(" ")}`.toLowerCase());
  // Words are found where parts of a tag begin, so that 3.14 does not find 3.13.14.
  const BEGINNINGS = [" ", "-", "/", ":", "_"];

  const find = (id) => document.getElementById(id);
  const form = find("form");
  const query = find("query");
  const scope = find("scope");
  const order = find("order");
  const filters = [...form.querySelectorAll("[data-filter]")];
  const list = find("rows");
  const count = find("count");
  const pages = find("pages");
  let page = 1;
  let found = [];

  // Packages and digests: loaded when somebody begins to search.
  let parts = null;
  let asked = false;
  const load = () => {
    if (asked) return;
    asked = true;
    const script = document.createElement("script");
    script.src = "data/parts.js";
    script.addEventListener("load", () => {
      parts = self.catalogueParts;
      if (query.value) show();
    });
    script.addEventListener("error", () => { asked = false; });
    document.head.append(script);
  };

  const mark = (set, ranges) => {
    for (const range of ranges.split(" ")) {
      const [first, last = first] = range.split("-").map(Number);
      set.fill(1, first, last + 1);
    }
  };

  // Which images have a package whose name begins so, and which package that is.
  const withPackage = (word, set, named) => {
    const [name, version] = word.split("=", 2);
    for (const [each, versions] of parts.packages) {
      if (version === undefined ? !each.toLowerCase().startsWith(name) : each.toLowerCase() !== name) continue;
      for (const [one, ranges] of versions) {
        if (version && !one.startsWith(version)) continue;
        mark(set, ranges);
        named.push([`${each} ${one}`, ranges]);
      }
    }
  };
  const withDigest = (digits, set) => {
    images.forEach((row, number) => { if (row[DIGEST].startsWith(digits)) set[number] = 1; });
    for (const [each, ranges] of parts ? parts.digests : []) {
      if (each.startsWith(digits) || digits.startsWith(each)) mark(set, ranges);
    }
  };

  // One word of the search: a set of images.
  const search = (word, where, named) => {
    const set = new Uint8Array(images.length);
    const digits = word.replace(/^sha256:/, "");
    if (where === "" || where === "tag") {
      const wanted = BEGINNINGS.map((sign) => sign + word);
      texts.forEach((text, number) => { if (wanted.some((each) => text.includes(each))) set[number] = 1; });
    }
    if ((where === "" && digits.length > 5 || where === "digest") && /^[0-9a-f]+$/.test(digits)) {
      withDigest(digits, set);
    }
    if (parts && (where === "" && word.length > 2 || where === "package")) withPackage(word, set, named);
    return set;
  };

  const words = () => query.value.toLowerCase().split(/\s+/).filter(Boolean).slice(0, 10);

  const select = () => {
    const named = [];
    const said = words();
    const sets = said.map((word) => search(word, scope.value, named));
    const wanted = filters.filter((filter) => filter.value)
      .map((filter) => [PLACES[filter.dataset.filter], data[filter.dataset.filter].indexOf(filter.value)]);
    const numbers = [];
    images.forEach((row, number) => {
      if (wanted.every(([place, value]) => row[place] === value) && sets.every((set) => set[number])) {
        numbers.push(number);
      }
    });
    const by = {
      newest: (one, other) => images[other][MOMENT] - images[one][MOMENT],
      smallest: (one, other) => images[one][SIZE] - images[other][SIZE],
      largest: (one, other) => images[other][SIZE] - images[one][SIZE],
    }[order.value];
    if (by) numbers.sort((one, other) => by(one, other) || one - other);
    const exact = (number) => said.includes(images[number][NAME].toLowerCase())
      || images[number][TAGS].some((tag) => said.includes(tag.toLowerCase()));
    if (said.length && !by) numbers.sort((one, other) => exact(other) - exact(one) || one - other);
    return [numbers, named];
  };

  const element = (kind, className, ...inner) => {
    const made = document.createElement(kind);
    if (className) made.className = className;
    made.append(...inner);
    return made;
  };
  const human = (size) => {
    if (size < 1000) return `${size}.0 B`;
    let value = size;
    let unit = "";
    for (unit of UNITS) {
      value /= 1000;
      if (Math.round(value * 10) / 10 < 1000) break;
    }
    return `${value.toFixed(1)} ${unit}`;
  };
  const day = (moment) => moment ? new Date(moment * 1000).toISOString().slice(0, 10) : "";
  const figure = (number) => number.toLocaleString("en-US");

  const holds = (ranges, number) => ranges.split(" ").some((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return first <= number && number <= last;
  });

  const item = (number, matches) => {
    const row = images[number];
    const link = element("a", "", row[NAME]);
    link.href = `images/${row[DIGEST]}/index.html`;
    const state = data.state[row[STATE]];
    const platform = element("span", "badge", data.platform[row[PLATFORM]]);
    const facts = element("p", "facts", platform);
    if (state) facts.append(element("span", `badge state-${state.replace(" ", "-")}`, `${SIGNS[state] || ""} ${state}`));
    const tags = element("p", "names");
    for (const tag of row[TAGS].slice(0, 6)) tags.append(element("code", "", tag), " ");
    if (row[TAGS].length > 6) tags.append(`and ${row[TAGS].length - 6} more`);
    if (matches.length) tags.append(element("span", "match", `has ${matches.map(([name]) => name).join(", ")}`));
    const details = [row[PYTHON] && `Python ${row[PYTHON]}`, human(row[SIZE]), day(row[MOMENT])].filter(Boolean);
    const digest = element("code", "", row[DIGEST].slice(0, 12));
    return element("li", "", element("h3", "", link), facts, tags, element("p", "figures", `${details.join(" · ")} · `, digest));
  };

  const button = (label, target, current) => {
    const made = element("button", "", label);
    made.type = "button";
    if (current) made.setAttribute("aria-current", "page");
    made.setAttribute("aria-label", typeof target === "string" ? target : `Page ${label}`);
    return made;
  };
  const turn = (to) => {
    page = to;
    draw();
    keep();
    find("results-title").focus();
    find("results").scrollIntoView();
  };
  const drawPages = (last) => {
    pages.replaceChildren();
    pages.hidden = last < 2;
    if (last < 2) return;
    const add = (label, to, name) => {
      const made = button(label, name, to === page && !name);
      if (to < 1 || to > last) made.disabled = true;
      else made.addEventListener("click", () => turn(to));
      pages.append(made);
    };
    add("Previous", page - 1, "Previous page");
    const shown = [...new Set([1, page - 1, page, page + 1, last])].filter((to) => to >= 1 && to <= last);
    let before = 0;
    for (const to of shown.sort((one, other) => one - other)) {
      if (to > before + 1) pages.append(element("span", "gap", "…"));
      add(String(to), to);
      before = to;
    }
    add("Next", page + 1, "Next page");
  };

  // Rows that stay as they are are left alone, and the focus stays where it is.
  let named = [];
  let drawn = "";
  const drawRows = (rows) => {
    const key = JSON.stringify(rows);
    if (key === drawn) return;
    drawn = key;
    const focused = list.contains(document.activeElement) && document.activeElement.getAttribute("href");
    list.replaceChildren(...rows.map(([number, ...matches]) => item(number, matches)));
    if (focused) (list.querySelector(`a[href="${focused}"]`) || find("results-title")).focus();
  };
  const draw = () => {
    const last = Math.max(1, Math.ceil(found.length / PAGE));
    if (parts || !query.value) page = Math.min(page, last);  // else more may be found once they are there
    const shown = found.slice((page - 1) * PAGE, page * PAGE);
    drawRows(shown.map((number) => [number, ...named.filter(([, ranges]) => holds(ranges, number)).slice(0, 3)]));
    const where = last > 1 ? `, page ${figure(page)} of ${figure(last)}` : "";
    count.textContent = found.length
      ? `${figure(found.length)} of ${figure(images.length)}${where}`
      : `None of ${figure(images.length)} images. Fewer words or filters may find some.`;
    drawPages(last);
  };
  const show = () => {
    [found, named] = select();
    draw();
  };

  // What is searched for stands behind the address's #, so that it can be kept and sent.
  const fields = [["q", query], ["in", scope], ["order", order], ...filters.map((one) => [one.dataset.filter, one])];
  const keep = () => {
    const said = new URLSearchParams(fields.filter(([, field]) => field.value).map(([name, field]) => [name, field.value]));
    if (page > 1) said.set("page", page);
    const text = said.toString();
    if (text === location.hash.slice(1)) return;
    try {
      history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
    } catch { /* some browsers refuse it for files */ }
  };
  const restore = () => {
    const said = new URLSearchParams(location.hash.slice(1));
    for (const [name, field] of fields) {
      field.value = said.get(name) || "";
      if (field.selectedIndex === -1) field.value = "";
    }
    page = Math.max(1, Number.parseInt(said.get("page"), 10) || 1);
    if (query.value) load();
    show();
  };

  let waiting = 0;
  const changed = () => {
    page = 1;
    show();
    keep();
  };
  query.addEventListener("focus", load);
  query.addEventListener("input", () => {
    load();
    clearTimeout(waiting);
    waiting = setTimeout(changed, 80);
  });
  for (const field of [scope, order, ...filters]) field.addEventListener("change", () => { load(); changed(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { changed(); query.focus(); }));
  addEventListener("hashchange", restore);
  addEventListener("keydown", (event) => {
    const typing = /^(input|select|textarea)$/i.test(document.activeElement.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      query.focus();
    }
  });
  find("search").hidden = false;
  find("results").hidden = false;
  restore();
})();

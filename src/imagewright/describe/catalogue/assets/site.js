// SPDX-License-Identifier: Apache-2.0
// What every page has: the choice of theme, copying of commands, narrowing of tables. Without it the pages are whole.
"use strict";
(() => {
  const root = document.documentElement;

  const theme = document.getElementById("theme");
  theme.value = root.dataset.theme || "";
  theme.parentElement.hidden = false;
  theme.addEventListener("change", () => {
    if (theme.value) root.dataset.theme = theme.value;
    else delete root.dataset.theme;
    try {
      if (theme.value) localStorage.setItem("theme", theme.value);
      else localStorage.removeItem("theme");
    } catch { /* the choice holds for this page */ }
  });

  const said = document.createElement("p");
  said.className = "heard";
  said.setAttribute("role", "status");
  document.querySelector("main").append(said);

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      area.setAttribute("readonly", "");
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  for (const button of document.querySelectorAll("button.copy")) {
    const label = button.firstChild;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await copy(document.getElementById(button.dataset.copy).textContent);
      button.focus();
      label.data = "Copied";
      said.textContent = "Copied";
      setTimeout(() => {
        label.data = "Copy";
        said.textContent = "";
      }, 2000);
    });
  }

  for (const field of document.querySelectorAll("input[data-narrow]")) {
    const rows = [...document.getElementById(field.dataset.narrow).tBodies[0].rows];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const status = field.parentElement.querySelector("[role=status]");
    field.parentElement.hidden = false;
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, number) => {
        row.hidden = !words.every((word) => texts[number].includes(word));
        if (!row.hidden) shown += 1;
      });
      status.textContent = words.length ? `${shown} of ${rows.length} shown` : "";
    });
  }
})();

// SPDX-License-Identifier: Apache-2.0
// Before anything is drawn: the theme that was chosen, if one was. Without storage the system's theme holds.
"use strict";
(() => {
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch { /* no storage here */ }
})();

// The palette: the search page's list in a dialog, while somebody types. Without this, the field above is a form.
"use strict";

(() => {
  const palette = document.getElementById("palette");
  if (!palette) return;
  const field = palette.querySelector("input[type=search]");
  const shown = palette.querySelector("[data-hits]");
  let waiting = null;
  let number = 0;

  async function look() {
    const mine = ++number;
    const answer = await fetch(`/search?part=palette&q=${encodeURIComponent(field.value)}`, { credentials: "same-origin" });
    if (!answer.ok || mine !== number) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const hits = page.getElementById("hits");
    if (hits) shown.replaceChildren(document.importNode(hits, true));
  }

  function open() {
    if (palette.open || document.querySelector("dialog:modal")) return;
    palette.showModal();
    field.select();
    look().catch(() => {});
  }

  function step(by) {
    const stops = [field, ...shown.querySelectorAll("a[data-hit]")];
    const at = Math.max(0, stops.indexOf(document.activeElement));
    stops[(at + by + stops.length) % stops.length].focus();
  }

  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => look().catch(() => {}), 150);
  });

  palette.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    }
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if ((event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !typing)) {
      event.preventDefault();
      open();
    }
  });
})();

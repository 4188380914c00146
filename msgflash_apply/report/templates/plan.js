"use strict";
// Filters, and ways to open cards. The page says everything without this script.
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const cards = [...document.querySelectorAll(".card")];
  const choices = ["by-action", "by-instance", "by-label"].map((id) => document.getElementById(id));
  const address = document.getElementById("by-address");
  const shown = document.getElementById("shown");
  const openAll = document.getElementById("open-all");
  const drawn = new Map();
  for (const part of document.querySelectorAll("[data-card], [data-row]")) {
    const number = part.dataset.card || part.dataset.row;
    drawn.set(number, [...(drawn.get(number) || []), part]);
  }

  const fits = (card) => {
    const [action, instance, label] = choices.map((choice) => (choice ? choice.value : ""));
    return (
      (!action || card.dataset.action === action) &&
      (!instance || card.dataset.instance === instance) &&
      (!label || card.dataset.labels.split(" ").includes(label)) &&
      card.querySelector(".address").textContent.toLowerCase().includes(address.value.trim().toLowerCase())
    );
  };

  const filter = () => {
    let count = 0;
    for (const card of cards) {
      const fitting = fits(card);
      card.hidden = !fitting;
      count += fitting ? 1 : 0;
      for (const part of drawn.get(card.id.slice(1)) || []) part.classList.toggle("left-out", !fitting);
    }
    shown.textContent = `${count} of ${cards.length} shown`;
  };

  const open = (card) => {
    if (!card || !card.classList.contains("card")) return;
    card.hidden = false;
    card.querySelector("details").open = true;
  };

  const openEvery = (opened) => {
    for (const card of cards) if (!card.hidden) card.querySelector("details").open = opened;
    openAll.textContent = opened ? "Close all" : "Open all";
  };

  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  openAll.addEventListener("click", () => openEvery(openAll.textContent === "Open all"));
  document.addEventListener("click", (event) => {
    const mark = event.target.closest("[data-card]");
    if (!mark) return;
    const card = document.getElementById(`c${mark.dataset.card}`);
    open(card);
    card.scrollIntoView();
    card.querySelector("summary").focus();
  });
  addEventListener("hashchange", () => open(document.getElementById(location.hash.slice(1))));
  addEventListener("beforeprint", () => openEvery(true));
  filter();
})();

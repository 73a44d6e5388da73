"use strict";
// The note that follows the pointer, or the focus of the keyboard, and the filters of the timeline.
const tip = document.getElementById("tip");
function show(target, x, y) {
  const told = target instanceof Element ? target.closest("[data-tip]") : null;
  tip.hidden = !told;
  if (!told) return;
  tip.textContent = told.dataset.tip;
  const width = document.documentElement.clientWidth;
  tip.style.left = `${Math.max(4, Math.min(x + 14, width - tip.offsetWidth - 8))}px`;
  tip.style.top = `${y + 18}px`;
}
document.addEventListener("pointermove", (event) => show(event.target, event.clientX, event.clientY));
document.addEventListener("pointerdown", (event) => show(event.target, event.clientX, event.clientY));
document.addEventListener("focusin", (event) => {
  const box = event.target.getBoundingClientRect();
  show(event.target, box.left, box.bottom);
});
const boxes = [...document.querySelectorAll(".filters input")];
function filter() {
  const failedOnly = boxes.some((box) => box.name === "failed" && box.checked);
  const shown = new Set(boxes.filter((box) => box.name === "probe" && box.checked).map((box) => box.value));
  for (const part of document.querySelectorAll("svg [data-probe]")) {
    const off = !shown.has(part.dataset.probe) || (failedOnly && part.classList.contains("good"));
    part.classList.toggle("off", off);
  }
}
for (const box of boxes) box.addEventListener("change", filter);
if (boxes.length) filter();  // a browser keeps what was ticked when a page is loaded again

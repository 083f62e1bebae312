"use strict";

// A heading of a table becomes a button: upwards, downwards, as it was written.
const NEXT = { none: "ascending", ascending: "descending", descending: "none" };

const key = (row, place) => {
  const cell = row.cells[place];
  const text = cell.textContent.trim();
  const data = cell.querySelector("data");
  return text === "-" || text === "" ? null : data ? Number(data.value) : text;
};

const compare = (a, b) =>
  typeof a === "number" && typeof b === "number"
    ? a - b
    : String(a).localeCompare(String(b), "en", { numeric: true });

// Missing values stand last whichever way a column is sorted.
const ordered = (rows, place, sign) =>
  rows
    .map((row) => [row, key(row, place)])
    .sort(([, a], [, b]) =>
      a === null || b === null ? (a === null) - (b === null) : sign * compare(a, b)
    )
    .map(([row]) => row);

for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const written = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  if (written.length < 2) continue;
  headings.forEach((heading, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const next = NEXT[heading.getAttribute("aria-sort")];
      for (const other of headings) other.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", next);
      const sign = next === "descending" ? -1 : 1;
      body.append(...(next === "none" ? written : ordered(written, place, sign)));
    });
  });
}

// What is wider than its frame can be scrolled by keyboard too.
const observer = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
for (const frame of document.querySelectorAll(".scroll")) observer.observe(frame);

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
    const sorter = document.createElement("button");
    sorter.type = "button";
    sorter.append(...heading.childNodes);
    heading.append(sorter);
    heading.setAttribute("aria-sort", "none");
    sorter.addEventListener("click", () => {
      const next = NEXT[heading.getAttribute("aria-sort")];
      for (const other of headings) other.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", next);
      const sign = next === "descending" ? -1 : 1;
      body.append(...(next === "none" ? written : ordered(written, place, sign)));
    });
  });
}

// What is wider than its frame can be scrolled by keyboard too, and shows on which side more is.
const look = (scroll) => {
  const beyond = scroll.scrollWidth - scroll.clientWidth;
  if (beyond > 1) scroll.tabIndex = 0;
  else scroll.removeAttribute("tabindex");
  scroll.parentElement.classList.toggle("before", beyond > 1 && scroll.scrollLeft > 1);
  scroll.parentElement.classList.toggle("after", beyond > 1 && scroll.scrollLeft < beyond - 1);
};
const observer = new ResizeObserver((entries) => entries.forEach(({ target }) => look(target)));
for (const scroll of document.querySelectorAll(".scroll")) {
  observer.observe(scroll);
  scroll.addEventListener("scroll", () => look(scroll), { passive: true });
}

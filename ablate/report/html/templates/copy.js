
// What stands on the page can be copied: tables as text of three kinds, commands and values as
// they are. Without a script the page lacks these buttons and nothing else.
const told = document.createElement("p");
told.className = "told";
told.setAttribute("role", "status");
document.body.append(told);
let clearing;

const tell = (text) => {
  told.textContent = text;
  clearTimeout(clearing);
  clearing = setTimeout(() => { told.textContent = ""; }, 3000);
};

// For browsers that keep the clipboard from a page that was opened as a file.
const copyByHand = (text) => {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.className = "unseen";
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  focused.focus();
  return done;
};

const copy = async (text) => {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    done = copyByHand(text);
  }
  tell(done ? "Copied" : "This browser does not let the page copy");
};

const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

const csv = (rows) => rows.map((row) => `${row.map(quoted).join(",")}\n`).join("");

const markdown = ([heading, ...rows], right) => {
  const line = (cells) => `| ${cells.join(" | ")} |\n`;
  const rule = line(right.map((number) => (number ? "--:" : ":--")));
  const plain = (row) => line(row.map((text) => text.replace(/[\\|*_`<]/g, "\\$&")));
  return plain(heading) + rule + rows.map(plain).join("");
};

const LATEX = {
  "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
  "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}", '"': "\\textquotedbl{}",
  "\u2212": "$-$", "\u00b1": "$\\pm$", "\u00d7": "$\\times$",
};

// A row that begins with [ or * would be taken for an option of the line break before it.
const latex = ([heading, ...rows], right) => {
  const escaped = (text) =>
    text.replace(/[\\~^<>|"\u2212\u00b1\u00d7{}&%_#$]/g, (sign) => LATEX[sign] ?? `\\${sign}`);
  const minus = (text) => text.replace(/(^|[ [(,])-(?=[\d.])/g, "$1$$-$$");
  const cell = (text, place) => (right[place] ? minus(escaped(text)) : escaped(text));
  const line = (row) => `${row.map(cell).join(" & ").replace(/^[[*]/, "{$&}")} \\\\\n`;
  const columns = right.map((number) => (number ? "r" : "l")).join("");
  return `\\begin{tabular}{${columns}}\n\\toprule\n${line(heading)}\\midrule\n`
    + `${rows.map(line).join("")}\\bottomrule\n\\end{tabular}\n`;
};

const button = (label, name, content) => {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.setAttribute("aria-label", name);
  made.addEventListener("click", () => copy(content()));
  return made;
};

const tools = (...content) => {
  const line = document.createElement("p");
  line.className = "tools";
  line.append(...content);
  return line;
};

for (const table of document.querySelectorAll("table")) {
  const right = [...table.tHead.rows[0].cells].map((cell) => cell.classList.contains("number"));
  const rows = () =>
    [...table.rows].map((row) =>
      [...row.cells].map((cell) => cell.textContent.trim().replace(/\s+/g, " "))
    );
  const kinds = { CSV: csv, Markdown: markdown, LaTeX: latex };
  const buttons = Object.entries(kinds).map(([kind, written]) =>
    button(kind, `Copy as ${kind}`, () => written(rows(), right))
  );
  table.closest(".frame").after(tools("Copy as", ...buttons));
}
for (const code of document.querySelectorAll(".code")) {
  const text = code.querySelector("code").textContent;
  code.append(tools(button("Copy", "Copy", () => text)));
}
for (const link of document.querySelectorAll("a[download]")) {
  const bytes = () => Uint8Array.from(atob(link.href.split(",")[1]), (sign) => sign.charCodeAt(0));
  link.after(button("Copy", "Copy the values as CSV", () => new TextDecoder().decode(bytes())));
}

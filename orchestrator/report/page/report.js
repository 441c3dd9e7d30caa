"use strict";

const PAGE_ROWS = 50;

/** A new element with a class and a text; what comes from data only ever becomes text. */
function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}

/** Compare two values: numbers by size, texts by their letters and numbers; nothing comes last. */
function compare(a, b, sign) {
  const empty = (value) => value === null || value === "" || Number.isNaN(value);
  if (empty(a) || empty(b)) return empty(a) - empty(b);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return sign * a.localeCompare(b, "en", { numeric: true });
}

/** Turn the head of a table into buttons; each press sorts by its column, then the other way. */
function sortable(heads, sort) {
  heads.forEach((head, place) => {
    const button = make("button", "sort", head.textContent);
    button.type = "button";
    button.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      sort(place, sign);
    });
    head.replaceChildren(button);
  });
}

/** The value by which a cell of a written table is sorted. */
function valueOf(cell) {
  const text = cell ? (cell.dataset.value ?? cell.textContent).trim() : "";
  return text === "" || Number.isNaN(Number(text)) ? text : Number(text);
}

function sortableTable(table) {
  const body = table.tBodies[0];
  sortable([...[...table.tHead.rows].at(-1).cells], (place, sign) => {
    const rows = [...body.rows];
    rows.sort((a, b) => compare(valueOf(a.cells[place]), valueOf(b.cells[place]), sign));
    body.append(...rows);
  });
}

/** The table of all cells: data are sorted and filtered whole, and one page of rows is written. */
function explore(section) {
  const { columns, rows, kinds, repeat } = JSON.parse(
    section.querySelector('script[type="application/json"]').textContent,
  );
  const [find, body] = [section.querySelector("input"), section.querySelector("tbody")];
  const texts = rows.map((row) => row.map((value) => value ?? "").join(" ").toLowerCase());
  const order = rows.map((_, place) => place);
  const choices = new Map();
  let shown = [];
  let page = 0;

  const textOf = (value, column) => {
    if (value === null) return "";
    return typeof value === "number" && column.digits !== null
      ? value.toFixed(column.digits) : String(value);
  };
  const written = (value, column) => {
    const cell = make("td", typeof value === "number" ? "number" : "", textOf(value, column));
    if (column.kind === "state") cell.replaceChildren(make("span", `state ${kinds[value]}`, value));
    if (column.kind === "cell") {
      cell.replaceChildren(make("code", "", value), copyButton(repeat.join(value), "Repro"));
      cell.className = "id";
    }
    return cell;
  };
  const write = () => {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE_ROWS));
    page = Math.min(Math.max(page, 0), pages - 1);
    const start = page * PAGE_ROWS;
    body.replaceChildren(...shown.slice(start, start + PAGE_ROWS).map((place) => {
      const line = make("tr");
      line.append(...rows[place].map((value, at) => written(value, columns[at])));
      return line;
    }));
    section.querySelector(".count").textContent = shown.length === rows.length
      ? `${rows.length} cells` : `${shown.length} of ${rows.length} cells`;
    section.querySelector(".page").textContent = `page ${page + 1} of ${pages}`;
    section.querySelector(".pager").hidden = pages === 1;
    for (const name of ["first", "previous"]) section.querySelector(`.${name}`).disabled = page === 0;
    for (const name of ["next", "last"]) section.querySelector(`.${name}`).disabled = page === pages - 1;
  };
  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = [...choices].filter(([, select]) => select.value !== "");
    shown = order.filter((place) => words.every((word) => texts[place].includes(word))
      && chosen.every(([at, select]) => JSON.stringify(rows[place][at]) === select.value));
    page = 0;
    write();
  };
  const choose = (key, text) => {
    const at = columns.findIndex((column) => column.key === key);
    const select = choices.get(at);
    const option = [...(select?.options ?? [])].find((entry) => entry.textContent === text);
    if (option) select.value = option.value;
    else find.value = `${find.value} ${text}`.trim();
  };
  const clear = () => {
    find.value = "";
    for (const select of choices.values()) select.value = "";
  };

  columns.forEach((column, at) => {
    if (!column.choices) return;
    const values = [...new Set(rows.map((row) => row[at]))].sort((a, b) => compare(a, b, 1));
    if (values.length < 2) return;
    const label = make("label");
    const select = make("select");
    select.append(new Option("all", ""));
    for (const value of values) {
      select.append(new Option(value === null ? "none" : String(value), JSON.stringify(value)));
    }
    select.addEventListener("change", filter);
    label.append(make("span", "", column.label), select);
    section.querySelector(".choices").append(label);
    choices.set(at, select);
  });
  const heads = columns.map((column) => make("th", column.kind === "number" ? "number" : "", column.label));
  heads.forEach((head) => { head.scope = "col"; });
  section.querySelector("thead tr").append(...heads);
  sortable(heads, (at, sign) => {
    order.sort((a, b) => compare(rows[a][at], rows[b][at], sign) || a - b);
    filter();
  });
  const turns = { first: () => 0, previous: () => page - 1, next: () => page + 1, last: () => Infinity };
  for (const [name, turn] of Object.entries(turns)) {
    section.querySelector(`.${name}`).addEventListener("click", () => { page = turn(); write(); });
  }
  find.addEventListener("input", filter);
  section.querySelector(".reset").addEventListener("click", () => { clear(); filter(); });
  for (const button of document.querySelectorAll(`[data-cells="${section.id}"]`)) {
    button.addEventListener("click", () => {
      clear();
      const { row, column, failure } = button.dataset;
      if (failure !== undefined) choose("failure", failure);
      if (row !== undefined) choose(section.dataset.rowField, row);
      if (column !== undefined) choose(section.dataset.columnField, column);
      filter();
      section.scrollIntoView();
      find.focus({ preventScroll: true });
    });
  }
  section.querySelector(".tools").hidden = false;
  filter();
}

function copyButton(text, label) {
  const button = make("button", "copy", label);
  button.type = "button";
  button.dataset.copy = text;
  button.setAttribute("aria-label", `Copy: ${text}`);
  return button;
}

/** Copy a text, also where the page may not use the clipboard's own interface. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  await copyText(button.dataset.copy);
  const label = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = label; }, 1200);
});

/** Light, dark, or as the reader's system has it; remembered where the browser allows that. */
function themes(button) {
  const [names, key] = [["auto", "light", "dark"], "sparsesweep-theme"];
  const set = (name) => {
    if (name === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    button.textContent = `Theme: ${name}`;
    try { localStorage.setItem(key, name); } catch { /* a viewer without storage */ }
  };
  let current = "auto";
  try { current = localStorage.getItem(key) ?? "auto"; } catch { /* the same */ }
  set(names.includes(current) ? current : "auto");
  button.addEventListener("click", () => {
    current = names[(names.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % 3];
    set(current);
  });
  button.hidden = false;
}

themes(document.querySelector(".theme"));
for (const button of document.querySelectorAll("button.copy")) button.hidden = false;
for (const table of document.querySelectorAll("table.sortable, table.measurements")) sortableTable(table);
for (const section of document.querySelectorAll("section.cells")) explore(section);

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
class Explorer {
  constructor(section) {
    this.section = section;
    const data = this.find('script[type="application/json"]').textContent;
    Object.assign(this, JSON.parse(data)); // columns, rows, kinds, repeat
    this.words = this.find("input");
    this.texts = this.rows.map((row) => row.map((value) => value ?? "").join(" ").toLowerCase());
    this.order = this.rows.map((_, place) => place);
    this.choices = new Map(); // place of a column to its select
    this.columns.forEach((column, at) => { if (column.choices) this.addChoice(column, at); });
    this.addHeads();
    this.listen();
    this.find(".tools").hidden = false;
    this.filter();
  }

  find(selector) { return this.section.querySelector(selector); }

  addChoice(column, at) {
    const values = [...new Set(this.rows.map((row) => row[at]))].sort((a, b) => compare(a, b, 1));
    if (values.length < 2) return;
    const [label, select] = [make("label"), make("select")];
    select.append(new Option("all", ""), ...values.map(
      (value) => new Option(value === null ? "none" : String(value), JSON.stringify(value))));
    select.addEventListener("change", () => this.filter());
    label.append(make("span", "", column.label), select);
    this.find(".choices").append(label);
    this.choices.set(at, select);
  }

  addHeads() {
    const heads = this.columns.map(
      (column) => make("th", column.kind === "number" ? "number" : "", column.label));
    heads.forEach((head) => { head.scope = "col"; });
    this.find("thead tr").append(...heads);
    sortable(heads, (at, sign) => {
      this.order.sort((a, b) => compare(this.rows[a][at], this.rows[b][at], sign) || a - b);
      this.filter();
    });
  }

  listen() {
    const last = () => this.pages - 1;
    const turns = { first: () => 0, previous: () => this.page - 1, next: () => this.page + 1, last };
    for (const [name, turn] of Object.entries(turns)) {
      this.find(`.${name}`).addEventListener("click", () => { this.page = turn(); this.write(); });
    }
    this.words.addEventListener("input", () => this.filter());
    this.find(".reset").addEventListener("click", () => { this.clear(); this.filter(); });
    for (const button of document.querySelectorAll(`[data-cells="${this.section.id}"]`)) {
      button.addEventListener("click", () => this.showOnly(button.dataset));
    }
  }

  /** Show the cells of an entry of the failure map, or of a cause. */
  showOnly({ row, column, failure }) {
    const { rowField, columnField } = this.section.dataset;
    this.clear();
    if (failure !== undefined) this.choose("failure", failure);
    if (row !== undefined) this.choose(rowField, row);
    if (column !== undefined) this.choose(columnField, column);
    this.filter();
    this.section.scrollIntoView();
    this.words.focus({ preventScroll: true });
  }

  choose(key, text) {
    const select = this.choices.get(this.columns.findIndex((column) => column.key === key));
    const option = [...(select?.options ?? [])].find((entry) => entry.textContent === text);
    if (option) select.value = option.value;
    else this.words.value = `${this.words.value} ${text}`.trim();
  }

  clear() {
    this.words.value = "";
    for (const select of this.choices.values()) select.value = "";
  }

  filter() {
    const words = this.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = [...this.choices].filter(([, select]) => select.value !== "");
    this.shown = this.order.filter((place) =>
      words.every((word) => this.texts[place].includes(word))
      && chosen.every(([at, select]) => JSON.stringify(this.rows[place][at]) === select.value));
    this.page = 0;
    this.write();
  }

  get pages() { return Math.max(1, Math.ceil(this.shown.length / PAGE_ROWS)); }

  write() {
    const [start, all] = [this.page * PAGE_ROWS, this.rows.length];
    const lines = this.shown.slice(start, start + PAGE_ROWS).map((place) => {
      const line = make("tr");
      line.append(...this.rows[place].map((value, at) => this.cell(value, this.columns[at])));
      return line;
    });
    this.find("tbody").replaceChildren(...lines);
    const few = this.shown.length === all ? "" : `${this.shown.length} of `;
    this.find(".count").textContent = `${few}${all} cells`;
    this.find(".page").textContent = `page ${this.page + 1} of ${this.pages}`;
    this.find(".pager").hidden = this.pages === 1;
    for (const name of ["first", "previous"]) this.find(`.${name}`).disabled = this.page === 0;
    for (const name of ["next", "last"]) this.find(`.${name}`).disabled = this.page === this.pages - 1;
  }

  cell(value, { kind, digits }) {
    if (value === null) return make("td");
    if (kind === "state" || kind === "cell") {
      const cell = make("td", kind === "cell" ? "id" : "");
      if (kind === "state") cell.append(make("span", `state ${this.kinds[value]}`, value));
      else cell.append(make("code", "", value), copyButton(this.repeat.join(value), "Repro"));
      return cell;
    }
    const isNumber = typeof value === "number";
    const text = isNumber && digits !== null ? value.toFixed(digits) : String(value);
    return make("td", isNumber ? "number" : "", text);
  }
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
for (const section of document.querySelectorAll("section.cells")) new Explorer(section);

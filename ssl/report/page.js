"use strict";
const inOrder = new Intl.Collator("en", { numeric: true });

function valueOf(row, column) {
  const cell = row.cells[column];
  if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
  return cell.dataset.gap === undefined ? cell.textContent.trim() : null;
}

function compare(first, second) {
  if (typeof first === "number" && typeof second === "number") return first - second;
  return inOrder.compare(String(first), String(second));
}

// Gaps stay last whichever way the others go.
function sorted(rows, column, direction) {
  const known = rows.filter((row) => valueOf(row, column) !== null);
  known.sort((a, b) => direction * compare(valueOf(a, column), valueOf(b, column)));
  return [...known, ...rows.filter((row) => valueOf(row, column) === null)];
}

function makeSortable(table) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    const turns = head.dataset.first === "descending" ? ["descending", "ascending", "none"] : ["ascending", "descending", "none"];
    button.addEventListener("click", () => {
      const turn = turns[(turns.indexOf(head.getAttribute("aria-sort")) + 1) % turns.length];
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", turn);
      const rows = turn === "none" ? original : sorted(original, column, turn === "ascending" ? 1 : -1);
      body.append(...rows);
    });
  });
}

// A page that was opened as a file may have no clipboard; then the text is selected and copied the old way.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}

function makeCopyable(bar) {
  bar.hidden = false;
  for (const button of bar.querySelectorAll("button")) {
    const label = button.textContent;
    button.addEventListener("click", async () => {
      button.textContent = (await copy(button.dataset.copy)) ? "Copied" : "Could not copy";
      button.focus();
      setTimeout(() => { button.textContent = label; }, 1600);
    });
  }
}

document.querySelectorAll("table").forEach(makeSortable);
document.querySelectorAll(".copy").forEach(makeCopyable);

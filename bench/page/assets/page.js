"use strict";
(() => {
  const number = (cell) => {
    const found = cell.textContent.replace(/,/g, "").match(/[-+]?\d+(\.\d+)?/);
    return found ? parseFloat(found[0]) : null;
  };
  const key = (row, column, numeric) =>
    numeric ? number(row.cells[column]) : row.cells[column].textContent.trim().toLowerCase();
  const before = (one, other, sign) => {
    if (one === null || other === null) return (one === null) - (other === null);
    return one < other ? -sign : one > other ? sign : 0;
  };
  const sort = (table, heading) => {
    const column = heading.cellIndex;
    const sign = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const numeric = heading.classList.contains("right");
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => before(key(a, column, numeric), key(b, column, numeric), sign));
    table.tBodies[0].append(...rows);
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  };
  const sortable = (table) => {
    for (const heading of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      button.addEventListener("click", () => sort(table, heading));
      heading.append(button);
    }
  };
  const show = (table, column, shown) => {
    for (const row of table.rows) row.cells[column].hidden = !shown;
  };
  const choosable = (table) => {
    const details = document.createElement("details");
    details.className = "columns";
    details.innerHTML = "<summary>Columns</summary>";
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = true;
      box.addEventListener("change", () => show(table, column, box.checked));
      label.append(box, " ", heading.textContent);
      details.append(label);
    });
    table.closest(".scroll").before(details);
  };
  const markable = (chips) => {
    chips.hidden = false;
    for (const chip of chips.querySelectorAll("button")) {
      chip.addEventListener("click", () => {
        const on = chip.getAttribute("aria-pressed") !== "true";
        chip.setAttribute("aria-pressed", String(on));
        for (const part of document.querySelectorAll(`[data-method="${chip.dataset.mark}"]`)) {
          part.classList.toggle("lit", on);
        }
      });
    }
  };
  for (const table of document.querySelectorAll("table.board")) {
    choosable(table);
    sortable(table);
  }
  addEventListener("beforeprint", () => {
    for (const rows of document.querySelectorAll("details.rows")) rows.open = true;
  });
  const order = document.getElementById("order");
  if (order) {
    const cases = document.querySelector(".cases");
    order.closest(".order").hidden = false;
    order.addEventListener("change", () => {
      const by = order.value;
      const value = (one) => (by === "name" ? one.dataset.name : -parseFloat(one.dataset[by]));
      cases.append(...[...cases.children].sort((a, b) => before(value(a), value(b), 1)));
    });
  }
  markable(document.getElementById("methods"));
})();

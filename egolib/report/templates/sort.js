// A click on the head of a column sorts a table by it: downwards, upwards, and so on; rows without a
// value stay last. The first column brings the order back in which the table came.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows].at(-1).cells, body = table.tBodies[0];
  [...heads].forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const down = column > 0 && head.getAttribute("aria-sort") !== "descending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = row => row.cells[column].dataset.value;
    const compare = (a, b) => value(a) === "" || value(b) === "" ? (value(a) === "") - (value(b) === "")
      : (isNaN(value(a)) ? value(a).localeCompare(value(b)) : value(a) - value(b)) * (down ? -1 : 1);
    body.append(...[...body.rows].sort(compare));
  }));
}

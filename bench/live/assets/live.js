"use strict";
(() => {
  const EVERY = 2000;
  const state = document.getElementById("state");
  const cells = document.getElementById("cells");
  const read = async (address) => {
    const answer = await fetch(address, { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    return answer.text();
  };
  const show = (text) => {
    const link = cells.contains(document.activeElement) && document.activeElement.getAttribute("href");
    cells.innerHTML = text;
    if (link) cells.querySelector(`[href="${CSS.escape(link)}"]`)?.focus();
  };
  const boards = async () => {
    for (const section of cells.querySelectorAll("[data-plan]")) {
      const board = document.querySelector(`[data-board="board-${section.dataset.plan}.html"]`);
      if (!board) {
        location.reload();
        return;
      }
      if (board.dataset.finished === section.dataset.finished) continue;
      board.classList.add("stale");
      board.innerHTML = await read(board.dataset.board);
      board.dataset.finished = section.dataset.finished;
      board.classList.remove("stale");
    }
  };
  const look = async () => {
    try {
      const text = await read("cells.html");
      show(text);
      state.textContent = `Seen ${new Date().toLocaleTimeString()}; looks again every two seconds.`;
      await boards();
    } catch (error) {
      state.textContent = "The server does not answer: bench view has ended.";
    }
    setTimeout(look, EVERY);
  };
  look();
})();

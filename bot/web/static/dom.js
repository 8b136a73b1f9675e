// Small helpers for the document. Text is always set as text, never as markup.

export const byId = (id) => document.getElementById(id);

/** Return a new element: `el("p", { class: "notice", text: "…" }, child, …)`. */
export function el(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter(Boolean));
  return node;
}

/** Make buttons with a `data-value` a radio group; arrow keys move, as in a group of radio buttons. */
export function wireRadio(host, choose) {
  host.addEventListener("click", (event) => {
    const button = event.target.closest("[data-value]");
    if (button && !button.disabled) choose(button.dataset.value);
  });
  host.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const buttons = [...host.children].filter((button) => !button.disabled);
    const at = buttons.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = buttons[(at + step + buttons.length) % buttons.length];
    next.focus();
    choose(next.dataset.value);
  });
}

export function markRadio(host, value) {
  for (const button of host.children) {
    const on = button.dataset.value === value;
    button.setAttribute("aria-checked", String(on));
    button.tabIndex = on ? 0 : -1;
  }
}

/** Read and write small settings of this browser; private windows may refuse, and then nothing is kept. */
export const memory = {
  get(name) {
    try { return localStorage.getItem(`liqwatch.${name}`); } catch { return null; }
  },
  set(name, value) {
    try { localStorage.setItem(`liqwatch.${name}`, value); } catch { /* nothing is kept */ }
  },
};

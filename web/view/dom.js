// Small tools for the DOM. Text goes in as text, never as markup.

/** An element: properties (or attributes, for names with a dash, `role` and `dir`), then children; null is left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Make the children of `parent` one element for each item, in order. Elements stay the same for the same key. */
export function reconcile(parent, items, { key, create, update }) {
  const keys = new Set(items.map(key));
  const known = new Map();
  for (const element of [...parent.children]) {
    if (keys.has(element.dataset.key)) known.set(element.dataset.key, element);
    else element.remove();
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const element = known.get(key(item)) ?? keyed(create(item), key(item));
    update(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
}

function keyed(element, key) {
  element.dataset.key = key;
  return element;
}

/** Set a text only if it is another: a screen reader hears no change where there is none. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A circle with initials, in one of eight colours that stays with the name. */
export function avatar(name) {
  const element = h("span", { className: "avatar", "aria-hidden": "true" }, initials(name));
  element.dataset.hue = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 1009, 7) % 8;
  return element;
}

function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");
}

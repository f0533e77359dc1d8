/** Elements. Text is only ever set as text, so a value of the state never becomes markup. */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] `true` sets an empty attribute; `false`, null and undefined
 *   set none
 * @param {...(Node | string | null | undefined)} children
 */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Sets the text if it differs: a screen reader announces every write. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function tone(element, name) {
  if (element.dataset.tone !== name) element.dataset.tone = name;
}

/**
 * A diagram of a state machine: states as boxes, inner states inside them, transitions as lines, the current
 * state lit. The process sends the states and transitions, so this file knows no particular machine.
 */
import { svg } from './dom.js';
import { modeTone, stateName } from './words.js';

const HEIGHT = 34;
const TOP = 44;
const GAP = 66;
const PAD = 12;
const LABELS_FROM = 450;

/** The box of each state, in a drawing of `width` px. */
function layout({ states }, width) {
  const boxes = new Map();
  const outer = states.filter(({ path }) => !path.includes('.'));
  const simple = outer.filter(({ hasInner }) => !hasInner);
  const compound = outer.filter(({ hasInner }) => hasInner);
  // Lines with labels need more room between the boxes.
  const share = width < LABELS_FROM ? 0.84 : 0.6;
  place(boxes, simple, { x: 1, y: TOP, width: width - 2, share });
  let y = TOP + HEIGHT + GAP;
  for (const state of compound) {
    const inner = states.filter(({ path }) => path.startsWith(`${state.path}.`));
    const height = HEIGHT + 2 * PAD + 28;
    boxes.set(state.path, { x: 1, y, width: width - 2, height, state, isOuter: true });
    place(boxes, inner, { x: 1 + PAD, y: y + 20 + PAD, width: width - 2 - 2 * PAD, share });
    y += height + GAP;
  }
  return { boxes, height: y - GAP + 14 };
}

function place(boxes, states, { x, y, width, share }) {
  const slot = width / states.length;
  const box = Math.min(150, slot * share);
  const gap = states.length > 1 ? (width - box * states.length) / (states.length - 1) : 0;
  for (const [index, state] of states.entries())
    boxes.set(state.path, { x: x + index * (box + gap), y, width: box, height: HEIGHT, state, index });
}

/** All transitions from one state to another become one line with all of their labels. */
function edgesOf({ transitions, states }) {
  const finals = new Set(states.filter(({ isFinal }) => isFinal).map(({ path }) => path));
  const edges = new Map();
  for (const { from, to, label } of transitions) {
    if (from === to) continue;
    const key = `${from}>${to}`;
    const edge = edges.get(key) ?? { from, to, labels: [], isLast: finals.has(to) };
    edge.labels.push(label);
    edges.set(key, edge);
  }
  return [...edges.values()];
}

/** The path of a line, and the place of its label, if there is room for one. */
function route(a, b, edge, edges) {
  const isMutual = edges.some(({ from, to }) => from === edge.to && to === edge.from);
  if (a.y !== b.y) return between(a, b, isMutual);
  if (Math.abs(a.index - b.index) === 1) return beside(a, b, isMutual);
  const [from, to] = [a.x + a.width / 2, b.x + b.width / 2];
  // Inside another state, the line runs below the boxes: that state's name is above them.
  const isInner = a.state.path.includes('.');
  const y = isInner ? a.y + a.height : a.y;
  const bow = isInner ? y + 22 : y - 32;
  return { d: `M${from},${y}C${from},${bow} ${to},${bow} ${to},${y}` };
}

/**
 * A line from one row to another. The two lines of a pair lie side by side, with one label above the other.
 */
function between(a, b, isMutual) {
  const isDown = b.y > a.y;
  const [upper, lower] = isDown ? [a, b] : [b, a];
  const shift = isMutual ? (isDown ? 14 : -14) : 0;
  const x = Math.min(Math.max(upper.x + upper.width / 2, lower.x + 20), lower.x + lower.width - 20) + shift;
  const [from, to] = isDown ? [upper.y + upper.height, lower.y] : [lower.y, upper.y + upper.height];
  const y = (from + to) / 2 + (isMutual ? (isDown ? 14 : -8) : 4);
  return { d: `M${x},${from}L${x},${to}`, x, y };
}

/** A line from one box to the next one in its row. */
function beside(a, b, isMutual) {
  const isToRight = b.x > a.x;
  const shift = isMutual ? (isToRight ? -7 : 7) : 0;
  const y = a.y + a.height / 2 + shift;
  const [from, to] = isToRight ? [a.x + a.width, b.x] : [a.x, b.x + b.width];
  return { d: `M${from},${y}L${to},${y}`, x: (from + to) / 2, y: y + (shift > 0 ? 14 : -6) };
}

/** A label on its line, kept within the drawing. */
function labelOf(text, { x, y }, isOpen, width) {
  const half = text.length * 2.8 + 2;
  const middle = Math.min(Math.max(x, half), width - half);
  return svg(
    'text',
    { class: `edge-label${isOpen ? ' open' : ''}`, x: middle, y, 'text-anchor': 'middle' },
    text,
  );
}

/**
 * @param {SVGElement} root
 * @param chart the machine as the process sends it
 * @param {string} current the state, as in `degraded.direct`
 * @param {{ from: string; to: string } | undefined} last the transition that led here
 * @param {number} width px
 * @param {string} tone of the current state
 */
export function drawMachine(root, chart, current, last, width, tone = modeTone(current)) {
  const { boxes, height } = layout(chart, width);
  const edges = edgesOf(chart);
  const top = current.split('.')[0];
  const isCurrent = (path) => path === current || path === top;
  root.setAttribute('viewBox', `0 0 ${width} ${height}`);
  root.setAttribute('height', String(height));
  root.setAttribute('aria-label', `Connection machine. Current state: ${stateName(current)}.`);
  const lines = [];
  const labels = [];
  for (const edge of edges) {
    const [a, b] = [boxes.get(edge.from), boxes.get(edge.to)];
    if (!a || !b) continue;
    const way = route(a, b, edge, edges);
    const wasLast =
      last && topOf(last.from) === edge.from && (last.to === edge.to || topOf(last.to) === edge.to);
    const isOpen = isCurrent(edge.from);
    const name = `edge${edge.isLast ? ' faint' : ''}${isOpen ? ' open' : ''}${wasLast ? ' last' : ''}`;
    const head = wasLast ? 'head-last' : isOpen ? 'head-open' : 'head';
    lines.push(svg('path', { class: name, d: way.d, 'marker-end': `url(#${head})` }));
    if (width >= LABELS_FROM && !edge.isLast && way.x !== undefined)
      labels.push(labelOf(short(edge.labels), way, isOpen, width));
  }
  const nodes = [...boxes.values()].map((box) => drawBox(box, isCurrent(box.state.path), tone));
  root.replaceChildren(
    markers(),
    ...nodes.filter(({ isOuter }) => isOuter).map(({ node }) => node),
    ...lines,
    ...labels,
    ...nodes.filter(({ isOuter }) => !isOuter).map(({ node }) => node),
  );
}

function drawBox({ x, y, width, height, state, isOuter }, isLit, tone) {
  const attributes = {
    class: `state${isOuter ? ' outer' : ''}${isLit ? ' lit' : ''}`,
    'data-tone': isLit ? tone : 'none',
  };
  const dot =
    isLit && !isOuter && width > 110
      ? svg('circle', { class: 'dot', cx: x + 13, cy: y + height / 2, r: 4 })
      : null;
  const text = isOuter
    ? svg('text', { x: x + PAD, y: y + 20 }, state.name)
    : svg(
        'text',
        { x: x + width / 2 + (dot ? 6 : 0), y: y + height / 2 + 4.5, 'text-anchor': 'middle' },
        state.name,
      );
  const title = svg('title', {}, state.description || state.name);
  const node = svg(
    'g',
    attributes,
    title,
    svg('rect', { x, y, width, height, rx: isOuter ? 10 : 7 }),
    dot,
    text,
  );
  return { node, isOuter };
}

function markers() {
  const marker = (id) =>
    svg(
      'marker',
      { id, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' },
      svg('path', { d: 'M0.5,0.8L7.2,4L0.5,7.2z', class: id }),
    );
  return svg('defs', {}, marker('head'), marker('head-open'), marker('head-last'));
}

function topOf(path) {
  return path.split('.')[0];
}

/** Labels without guards and without repeats. */
function short(labels) {
  return [...new Set(labels.map((label) => label.replace(/ \[.*\]$/, '')))].join(' · ');
}

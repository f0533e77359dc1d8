/**
 * Draws the machines from the machines: Mermaid state diagrams, put into the README between its markers.
 * `npm run diagram` writes them; a test says when they are out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { connectionMachine } from '../machines/connection.ts';
import { ownershipMachine } from '../machines/ownership.ts';

const README = new URL('../README.md', import.meta.url);
const MACHINES: readonly AnyStateMachine[] = [connectionMachine, ownershipMachine];

export function mermaid(machine: AnyStateMachine): string {
  return ['stateDiagram-v2', ...linesOf(machine.root), ...fromAnywhere(machine.root)].join('\n');
}

function linesOf(node: AnyStateNode, indent = '  '): string[] {
  const children = Object.values(node.states);
  const initial = children.find(({ key }) => key === node.initial.target[0]?.key);
  const lines = initial ? [`${indent}[*] --> ${initial.key}`] : [];
  for (const child of children) {
    if (Object.keys(child.states).length > 0) {
      lines.push(`${indent}state ${child.key} {`, ...linesOf(child, `${indent}  `), `${indent}}`);
    }
    lines.push(...transitionsOf(child, indent));
    if (child.type === 'final') lines.push(`${indent}${child.key} --> [*]`);
  }
  return lines;
}

/** The machine's own transitions, from each of its lasting states. */
function fromAnywhere(root: AnyStateNode): string[] {
  const lasting = Object.values(root.states).filter(
    ({ type, always }) => type !== 'final' && !always?.length,
  );
  return targetsOf(root).flatMap(([target, event]) =>
    lasting.map(({ key }) => `  ${key} --> ${target} : ${event}`),
  );
}

function transitionsOf(node: AnyStateNode, indent: string): string[] {
  return targetsOf(node).map(([target, event]) => `${indent}${node.key} --> ${target} : ${event}`);
}

/** Each transition of a state: where it goes, and on what. */
function targetsOf(node: AnyStateNode): [target: string, label: string][] {
  const all = [...node.transitions.values()].flat().concat(node.always ?? []);
  return all.flatMap(({ target, eventType, guard }) => {
    const [to] = target ?? [];
    if (to === undefined) return [];
    const condition = guard === undefined ? '' : ` [${labelOf(guard)}]`;
    return [[to.key, `${eventName(eventType)}${condition}`] satisfies [string, string]];
  });
}

function labelOf(guard: unknown): string {
  return typeof guard === 'string' ? guard : 'standby';
}

/** XState's own event names, as a reader would say them. */
function eventName(type: string): string {
  if (type === '') return 'at once';
  if (type.startsWith('xstate.done.actor')) return 'caught up';
  if (type.startsWith('xstate.error.actor')) return 'failed';
  if (type.startsWith('xstate.after')) return 'after a pause';
  return type;
}

/** The README with its diagrams made anew. */
export function withDiagrams(readme: string): string {
  return MACHINES.reduce((text, machine) => {
    const markers = new RegExp(`(<!-- ${machine.id} machine -->\n)[^]*?(<!-- end -->)`);
    if (!markers.test(text)) throw new Error(`README.md: expected markers for the ${machine.id} machine`);
    return text.replace(
      markers,
      (_, begin: string, end: string) => `${begin}\n\`\`\`mermaid\n${mermaid(machine)}\n\`\`\`\n\n${end}`,
    );
  }, readme);
}

if (process.argv[1] === import.meta.filename)
  writeFileSync(README, withDiagrams(readFileSync(README, 'utf8')));

/**
 * Draws the machines from the machines: Mermaid state diagrams, put into the README between its markers.
 * `npm run diagram` writes them; a test says when they are out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { connectionMachine } from '../machines/connection.ts';
import { ownershipMachine } from '../machines/ownership.ts';
import { lastingStates, transitionsOf } from '../src/actor/machine-chart.ts';

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
    lines.push(
      ...transitionsOf(child).map(({ to, label }) => `${indent}${child.key} --> ${to.key} : ${label}`),
    );
    if (child.type === 'final') lines.push(`${indent}${child.key} --> [*]`);
  }
  return lines;
}

/** The machine's own transitions, from each of its lasting states. */
function fromAnywhere(root: AnyStateNode): string[] {
  return transitionsOf(root).flatMap(({ to, label }) =>
    lastingStates(root).map(({ key }) => `  ${key} --> ${to.key} : ${label}`),
  );
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

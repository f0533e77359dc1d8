/**
 * A machine as data: its states and transitions, read from the machine. The live page and the docs draw it.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';

export interface MachineChart {
  readonly id: string;
  /** Outer states before those inside them. */
  readonly states: readonly {
    /** The names of the outer state and the inner one, as in `degraded.direct`. */
    readonly path: string;
    readonly name: string;
    readonly description: string;
    readonly isFinal: boolean;
    readonly hasInner: boolean;
  }[];
  readonly transitions: readonly { readonly from: string; readonly to: string; readonly label: string }[];
}

export function chartOf(machine: AnyStateMachine): MachineChart {
  const nodes = nodesIn(machine.root);
  const own = nodes.flatMap((node) =>
    transitionsOf(node).map(({ to, label }) => ({ from: pathOf(node), to: pathOf(to), label })),
  );
  const fromAnywhere = transitionsOf(machine.root).flatMap(({ to, label }) =>
    lastingStates(machine.root).map((node) => ({ from: pathOf(node), to: pathOf(to), label })),
  );
  return {
    id: machine.id,
    states: nodes.map((node) => ({
      path: pathOf(node),
      name: node.key,
      description: node.description ?? '',
      isFinal: node.type === 'final',
      hasInner: Object.keys(node.states).length > 0,
    })),
    transitions: [...own, ...fromAnywhere],
  };
}

/** The transitions of a state: each has a target, and a label of its event and its guard. */
export function transitionsOf(node: AnyStateNode): { to: AnyStateNode; label: string }[] {
  const all = [...node.transitions.values()].flat().concat(node.always ?? []);
  return all.flatMap(({ target, eventType, guard }) => {
    const [to] = target ?? [];
    if (to === undefined) return [];
    const condition = guard === undefined ? '' : ` [${labelOf(guard)}]`;
    return [{ to, label: `${eventName(eventType)}${condition}` }];
  });
}

/** The outer states in which a machine may stay. A transition of the root leads from each of them. */
export function lastingStates(root: AnyStateNode): AnyStateNode[] {
  return Object.values(root.states).filter(({ type, always }) => type !== 'final' && !always?.length);
}

function nodesIn(root: AnyStateNode): AnyStateNode[] {
  return Object.values(root.states).flatMap((node) => [node, ...nodesIn(node)]);
}

function pathOf({ path }: AnyStateNode): string {
  return path.join('.');
}

function labelOf(guard: unknown): string {
  return typeof guard === 'string' ? guard : 'standby';
}

/** The name of an event for readers: XState's own events get plain names. */
function eventName(type: string): string {
  if (type === '') return 'at once';
  if (type.startsWith('xstate.done.actor')) return 'caught up';
  if (type.startsWith('xstate.error.actor')) return 'failed';
  if (type.startsWith('xstate.after')) return 'after a pause';
  return type;
}

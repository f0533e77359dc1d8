/**
 * The slot map: which node is the master of which slot, as one node sees it. Pure.
 *
 * Nodes disagree for a while after a failover. The epoch of a Cluster grows with each election and each move of a
 * slot, so the view of the highest epoch is the latest one.
 */
import { SLOTS } from './slot.ts';

/** Maps the address that a node tells to the one by which it is reached from here. */
export type Nat = (address: string) => string;

export interface SlotMap {
  /** The addresses of the masters, `host:port`. */
  readonly masters: readonly string[];
  /** Those of all nodes. */
  readonly nodes: readonly string[];
  /** By slot: the place of its master in `masters`, and one more; 0 without one. */
  readonly bySlot: Uint16Array;
  /** The epoch of the Cluster; 0 where the node does not say it. */
  readonly epoch: number;
  /** Whether the node takes part in a majority, and serves requests. */
  readonly isServing: boolean;
}

/**
 * @param reply of `CLUSTER SLOTS`
 * @param info the reply of `CLUSTER INFO`; empty where an ACL withholds it
 * @param asked the host of the node that was asked: it may not know its own
 */
export function readSlotMap(reply: unknown, info: string, asked: string, nat: Nat = same): SlotMap {
  const masters: string[] = [];
  const nodes = new Set<string>();
  const bySlot = new Uint16Array(SLOTS);
  for (const row of Array.isArray(reply) ? (reply as unknown[]) : []) {
    if (!Array.isArray(row)) continue;
    const [from, to, ...serving] = row as [unknown, unknown, ...unknown[]];
    const addresses = serving.flatMap((node) => addressOf(node, asked) ?? []).map(nat);
    for (const address of addresses) nodes.add(address);
    const [master] = addresses;
    if (master === undefined) continue;
    if (!masters.includes(master)) masters.push(master);
    bySlot.fill(masters.indexOf(master) + 1, Number(from), Number(to) + 1);
  }
  const epoch = Number(/^cluster_current_epoch:(\d+)/m.exec(info)?.[1] ?? 0);
  return { masters, nodes: [...nodes], bySlot, epoch, isServing: !/^cluster_state:fail/m.test(info) };
}

export function masterOf({ masters, bySlot }: SlotMap, slot: number): string | undefined {
  return masters[(bySlot[slot] ?? 0) - 1];
}

function addressOf(node: unknown, asked: string): string[] | undefined {
  if (!Array.isArray(node)) return undefined;
  const [host, port] = node as [unknown, unknown];
  const isKnown = typeof host === 'string' && host !== '' && host !== '?';
  return [`${isKnown ? host : asked}:${Number(port)}`];
}

function same(address: string): string {
  return address;
}

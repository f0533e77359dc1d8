/**
 * The owners of this process, also those that another copy of this package made, as after a hot reload: by their ids
 * in the store. An id is random, so one that is listed here is surely an owner in this process.
 */
const LIST = Symbol.for('tandem-sync.owner-ids');

function ids(): Set<string> {
  const shared = globalThis as { [LIST]?: Set<string> };
  return (shared[LIST] ??= new Set());
}

/** Lists an owner that begins. */
export function enterProcess(id: string): void {
  ids().add(id);
}

/** Takes an owner that has ended from the list. Idempotent. */
export function leaveProcess(id: string): void {
  ids().delete(id);
}

/** Whether the owner with this id runs in this process. */
export function isOfThisProcess(id: string): boolean {
  return ids().has(id);
}

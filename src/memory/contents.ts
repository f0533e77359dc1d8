/** What the server in memory holds of one space: the same keys as Redis, by the same names. */
import type { Change } from '../state/change.ts';
import { ZERO } from '../state/position.ts';

/** A state: `state` has the values, `index` the revision of each key's last change, tombstones too. */
export class Contents {
  readonly state = new Map<string, string>();
  readonly index = new Map<string, number>();

  apply(changes: readonly Change[]): void {
    for (const { key, revision, json } of changes) {
      this.index.set(key, revision);
      if (json === '') this.state.delete(key);
      else this.state.set(key, json);
    }
  }

  copy(): Contents {
    const copy = new Contents();
    for (const [key, json] of this.state) copy.state.set(key, json);
    for (const [key, revision] of this.index) copy.index.set(key, revision);
    return copy;
  }

  inOrder(): [key: string, revision: number][] {
    return [...this.index].sort(([a, m], [b, n]) => m - n || (a < b ? -1 : 1));
  }
}

/** All keys of one space. */
export class MemorySpace {
  meta = {
    fence: 0,
    epoch: 0,
    revision: 0,
    base: ZERO,
    size: 0,
    indexed: 0,
    horizon: 0,
    cutAt: 0,
    owner: '',
    ownerName: '',
  };
  live = new Contents();
  /** What is being staged beside `live`. */
  next: Contents | undefined;
  /** The replacement that `next` belongs to. */
  attempt: string | undefined;
  lease: { readonly owner: string; readonly epoch: number; readonly until: number } | undefined;

  copy(): MemorySpace {
    const copy = new MemorySpace();
    copy.meta = this.meta;
    copy.live = this.live.copy();
    copy.next = this.next?.copy();
    copy.lease = this.lease;
    copy.attempt = this.attempt;
    return copy;
  }
}

/** As `keysLost` in `head.lua`: a count tells a value that was lost from one that was deleted. */
export function hasLostKeys({ meta, live }: MemorySpace): boolean {
  return meta.epoch > meta.fence || live.state.size !== meta.size || live.index.size !== meta.indexed;
}

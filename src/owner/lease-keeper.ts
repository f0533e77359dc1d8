/**
 * The lease keeper: renews the lease while its owner works on something long, as the reading of a large
 * state, and no commit renews it. By time alone: it asks nothing of the work. A renewal that fails needs no
 * report, since the next step of the work meets the same fault.
 */
import type { Cancel } from '../base/time.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Lease } from './lease.ts';

/** The share of the lease after which it is renewed: two renewals may come late, or get lost. */
const SHARE = 1 / 4;

export class LeaseKeeper {
  readonly #space: string;
  readonly #runtime: Runtime;
  readonly #lease: Lease;

  constructor(space: string, runtime: Runtime, lease: Lease) {
    this.#space = space;
    this.#runtime = runtime;
    this.#lease = lease;
  }

  /**
   * Renews the lease, if there is one, until the work has ended.
   * @param signal aborted: the work is called off, and renews nothing more
   */
  async during<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const { time } = this.#runtime;
    let cancel: Cancel = () => {};
    const renewLater = (): void => {
      cancel = time.after(this.#lease.ms * SHARE, () => {
        if (signal.aborted) return;
        this.#renew();
        renewLater();
      });
    };
    renewLater();
    try {
      return await work;
    } finally {
      cancel();
    }
  }

  #renew(): void {
    const { id, epoch, ms } = this.#lease;
    // planted: lease-kept
    if (epoch !== 0) this.#runtime.store.renew(this.#space, id, epoch, ms).catch(() => {});
  }
}

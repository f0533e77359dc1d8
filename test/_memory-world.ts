/** Processes on one server in memory, under a fake time. */
import { ServerClock } from '../src/base/clock.ts';
import { RedisModel } from '../src/memory/redis-model.ts';
import { MemoryStore } from '../src/memory/store.ts';
import type { Path } from '../src/ports/path.ts';
import { Tandem } from '../src/tandem.ts';
import { FakeTime } from '../src/base/fake-time.ts';

export interface MemoryProcess {
  readonly tandem: Tandem;
  readonly store: MemoryStore;
}

export class MemoryWorld {
  readonly time = new FakeTime();
  readonly server = new RedisModel(this.time);

  /** @param path its direct path, where it has one */
  process(name: string, path?: () => Path): MemoryProcess {
    const { time, server } = this;
    const clock = new ServerClock(time);
    const store = new MemoryStore({ server, time, clock });
    const noPath = (): Path => {
      throw new Error(`${name} has no direct path`);
    };
    const runtime = { name, store, clock, time, path: path ?? noPath };
    return { tandem: new Tandem(runtime, () => {}), store };
  }

  /** The result of work that takes time. */
  async result<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    void work.then(
      () => (isDone = true),
      () => (isDone = true),
    );
    await this.time.until(() => isDone, 'the end of a call');
    return work;
  }
}

/** Takes both links of a process away. */
export function cut({ store }: MemoryProcess): void {
  store.cut();
}

/** Gives both links back. */
export function mend({ store }: MemoryProcess): void {
  store.mend();
}

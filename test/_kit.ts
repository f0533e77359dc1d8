/** Participants on a memory server under a fake time, as a user's test has them. */
import type { ExecutionContext } from 'ava';
import { connect, defineSpace, json } from '../src/index.ts';
import type { ProcessOptions, Tandem } from '../src/index.ts';
import { fakeTime, memoryServer } from '../src/testing.ts';

export const trading = defineSpace('trading', { regime: json<string>(), 'bot/*': json<number>() });

/** A server, its time, and what connects processes to it. Each is stopped at the end of its test. */
export function kit(t: ExecutionContext, seed = 1) {
  const server = memoryServer();
  const time = fakeTime({ seed });
  const all: Tandem[] = [];
  const open = (name: string, options: ProcessOptions): Tandem => {
    const tandem = connect({ store: server, time, name, ...options });
    all.push(tandem);
    return tandem;
  };
  /** A process that logs nothing. */
  const join = (name: string): Tandem => open(name, { log: false });
  t.teardown(async () => {
    const stopped = Promise.all(all.map((tandem) => tandem.stop()));
    await time.advance(5_000);
    await stopped;
  });
  return { server, time, join, open };
}

/** A process with many idle spaces, and their cost. */
import { connect, defineSpace, json } from '../../src/index.ts';
import { serve } from '../harness/child.ts';

interface Opening {
  readonly url: string;
  readonly spaces: number;
  readonly role: 'owner' | 'follower';
}

serve({
  open: async ({ url, spaces, role }: Opening) => {
    const tandem = connect({ redis: url, name: role, commandTimeoutMs: 5_000 });
    const names = Array.from({ length: spaces }, (_, n) => defineSpace(`idle-${n}`, { key: json<number>() }));
    if (role === 'follower') {
      await Promise.all(names.map((space) => tandem.follow(space).ready({ timeoutMs: 60_000 })));
      return;
    }
    const owners = names.map((space) => tandem.own(space));
    await Promise.all(owners.map((owner) => owner.ready({ timeoutMs: 60_000 })));
    for (const owner of owners) owner.set('key', 1);
    await Promise.all(owners.map((owner) => owner.flush({ timeoutMs: 60_000 })));
  },
  /** The share of one core that the process uses, over this time, in percent. */
  share: async (seconds: number) => {
    const [before, started] = [process.cpuUsage(), performance.now()];
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 10 / (performance.now() - started);
  },
});

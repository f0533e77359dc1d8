/** etcd, from put to watch: one member, which does not wait for its disk. */
import { Etcd3 } from 'etcd3';
import type { Tick } from '../harness/tick.ts';
import type { Way } from './way.ts';

export const etcd: Way = {
  send: async ({ url }) => {
    const client = new Etcd3({ hosts: url });
    let last: Promise<unknown> = Promise.resolve();
    return {
      send: (key, value) => void (last = client.put(key).value(JSON.stringify(value)).exec()),
      acknowledged: () => last,
      close: () => client.close(),
    };
  },
  receive: async ({ url }, seen) => {
    const client = new Etcd3({ hosts: url });
    const watcher = await client.watch().prefix('quote/').create();
    watcher.on('put', ({ key, value }) => seen(key.toString(), JSON.parse(value.toString()) as Tick));
    return () => client.close();
  },
};

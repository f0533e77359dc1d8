/** Many HTTP clients ask for the whole state at once, while updates go on. */
import type { Row } from '../harness/benchmark.ts';
import { withServer } from '../harness/servers.ts';
import type { Fetched } from '../processes/clients.ts';
import type { Children, Seen } from './children.ts';
import { withChildren } from './children.ts';
import { bounded } from './rows.ts';

export interface CrowdSize {
  readonly keys: number;
  readonly clients: number;
  /** Updates a second. */
  readonly rate: number;
}

const PATHS = ['/spaces/giant/changes', '/spaces/giant'] as const;
/** A state may be a little shorter later: it is under way to be replaced by the next. */
const WHOLE = 0.99;

export function crowd(size: CrowdSize): Promise<Row[]> {
  return withServer('redis', ({ url }) =>
    withChildren(url, async (children) => {
      const owner = await children.giant('owner');
      await owner.ask('own', {});
      await owner.ask('fill', { keys: size.keys });
      // Another process is asked for the length of the text, so that the one that is measured has never made
      // one.
      const lengths = await lengthsOf(children);
      await owner.ask('load', { rate: size.rate, keys: size.keys });
      const rows: Row[] = [];
      for (const path of PATHS) rows.push(...(await ask(children, size, path, lengths.get(path)!)));
      return rows;
    }),
  );
}

async function lengthsOf(children: Children): Promise<Map<string, number>> {
  const scout = await children.giant('scout');
  await scout.ask('follow');
  const port = await scout.ask<number>('serve', 10);
  const clients = children.clients();
  const lengths = new Map<string, number>();
  for (const path of PATHS) {
    const { bytes } = await clients.ask<Fetched>('fetch', { port, path, clients: 1 });
    lengths.set(path, bytes);
  }
  await Promise.all([scout.end(), clients.end()]);
  return lengths;
}

async function ask(
  children: Children,
  { keys, clients: count, rate }: CrowdSize,
  path: string,
  length: number,
): Promise<Row[]> {
  const clients = children.clients();
  const server = await children.giant('server');
  await server.ask('follow');
  const fetch = { path, clients: count, bytes: Math.floor(length * WHOLE) };
  const port = await server.ask<number>('serve', 2 * count);
  await server.ask('begin');
  const got = await clients.ask<Fetched>('fetch', { ...fetch, port });
  const ours = await server.ask<Seen>('end');
  await server.end();

  const bare = await children.bare();
  const barePort = await bare.ask<number>('serve', length);
  await bare.ask('begin');
  const bareGot = await clients.ask<Fetched>('fetch', { ...fetch, port: barePort });
  const beside = await bare.ask<Seen>('end');
  await Promise.all([bare.end(), clients.end()]);

  const what = `${count} clients of ${path}, ${keys} keys, ${rate}/s`;
  return [
    {
      what: `${what}: got the whole state`,
      unit: 'clients',
      ours: got.whole,
      limit: count,
      atLeast: true,
      reference: bareGot.whole,
      isBound: true,
    },
    { what: `${what}: all have it`, unit: 'ms', ours: got.ms, reference: bareGot.ms },
    bounded(`${what}: longest stretch`, 'ms', ours.stretchMs, 50, beside.stretchMs),
    bounded(`${what}: memory held`, 'texts', ours.memory.held / length, 2, beside.memory.held / length),
    {
      what: `${what}: memory, with the young generation`,
      unit: 'texts',
      ours: ours.memory.all / length,
      reference: beside.memory.all / length,
    },
    bounded(`${what}: stale`, 'ms', ours.staleMs, 0),
  ];
}

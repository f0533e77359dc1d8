/** Serves a Koa application on a port of its own until the test is over. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import type Koa from 'koa';

type App = Pick<Koa, 'silent' | 'listen'>;

/** Resolves with the origin of the server. */
export async function listen(t: ExecutionContext, app: App): Promise<string> {
  app.silent = true;
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
